"""A small suite that runs in seconds: three documents, six questions, a generator for each trouble."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from eval.suite.config import Suite, read_suite
from rag.cancellation import Cancellation
from rag.domain import Draft, GeneratorItem, Prompt
from rag.factory import Footnote
from tests.eval.test_readers import write_lines
from tests.fakes import HashedEmbedder
from tests.sources import new_version, put

DOCUMENTS = {
    "leave.md": "# Annual leave\n\nEvery employee has 27 days of annual leave per year.\n",
    "expenses.md": "# Travel expenses\n\nTrain tickets in second class are repaid within ten working days.\n",
    "parking.md": "# Parking\n\nThe car park of the office opens at six in the morning.\n",
}
LEAVE = "How many days of annual leave does every employee have per year?"
TRAINS = "Within how many working days are train tickets in second class repaid?"
PARKING = "When does the car park of the office open in the morning?"
CRASH = f"Again: {TRAINS}"
QUESTIONS: tuple[dict[str, Any], ...] = (
    {"id": "leave", "question": LEAVE, "document": "handbook/leave.md", "answer": "27",
     "quote": "Every employee has 27 days of annual leave per year.", "answerable": True},
    {"id": "leave2", "question": f"Please: {LEAVE}", "document": "handbook/leave.md", "answer": "27 days",
     "answerable": True},
    {"id": "trains", "question": TRAINS, "document": "handbook/expenses.md", "answer": "ten",
     "quote": "Train tickets in second class are repaid within ten working days.", "answerable": True},
    {"id": "parking", "question": PARKING, "document": "handbook/parking.md", "answer": "at six",
     "answerable": True},
    {"id": "crash", "question": CRASH, "document": "handbook/expenses.md", "answerable": True},
    {"id": "moon", "question": "Who walked on the moon?", "answerable": False},
)  # fmt: skip
REPLIES = {
    LEAVE: "Every employee has 27 days of annual leave per year. [1]",
    f"Please: {LEAVE}": "Every employee has 27 days of annual leave per year. [1]",
    TRAINS: "Train tickets in second class are repaid within ten working days. [1]",
    PARKING: "The car park of the office opens at six in the morning. [1]",
}
NAME = "scripted"
COLLECTION = "mine"
QUICK = 'leave_out = ["rouge1", "rouge2", "rougeL", "bleu", "chrf"]'
"""Without the metrics whose libraries take longest to import."""


class ReplyGenerator:
    """Says what is written down for a question; fails where nothing is."""

    name = NAME

    def __init__(self, replies: Mapping[str, str] = REPLIES) -> None:
        self._replies = dict(replies)

    def stream(self, prompt: Prompt, *, cancellation: Cancellation | None = None) -> Iterator[GeneratorItem]:
        if prompt.question.text not in self._replies:
            raise TimeoutError("the model did not answer")
        text = self._replies[prompt.question.text]
        yield text
        yield Draft(text=text, llm=self.name)


def write_suite(folder: Path, *more: str, questions: tuple[dict[str, Any], ...] = QUESTIONS) -> Path:
    """A suite file in ``folder`` with its documents and questions beside it."""
    (folder / "handbook").mkdir(parents=True, exist_ok=True)
    for name, text in DOCUMENTS.items():
        (folder / "handbook" / name).write_text(text, encoding="utf-8")
    write_lines(folder / "questions.jsonl", *questions)
    lines = ('name = "small"', 'documents = "handbook"', 'questions = "questions.jsonl"', f'llm = "{NAME}"')
    file = folder / "suite.toml"
    file.write_text("\n".join([*lines, *more]), encoding="utf-8")
    return file


def small_suite(folder: Path, *more: str) -> Suite:
    """A suite that ingests its documents."""
    return read_suite(write_suite(folder, *more))


def filled_suite(folder: Path, footnote: Footnote, *more: str, **options: Any) -> Suite:
    """The same over a collection of ``footnote``, without any parser process."""
    collection = footnote.create_collection(COLLECTION)
    embedder = HashedEmbedder()
    for name, text in DOCUMENTS.items():
        put(
            footnote.catalog,
            collection.id,
            new_version(name, text, embedder=embedder, source_uri=f"handbook/{name}"),
        )
    file = write_suite(folder, *more, **options)
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('documents = "handbook"', f'collection = "{COLLECTION}"'), encoding="utf-8")
    return read_suite(file)
