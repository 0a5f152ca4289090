"""Follow-up questions answered, measured: ``python benchmarks/dialogues.py [--llm NAME] [--misses]``.

``samples/followups.jsonl`` holds conversations about the sample handbook, each with a last question that
leans on the ones before it and a text that its answer must hold. The handbook is ingested into a throw-away
data directory; each last question is asked by itself and in its conversation. Printed by part and language:
how many answers hold the text, how many find a passage that does, how many are refused. The rows of the part
``dev`` were looked at while the answer path was tuned, those of ``test`` were not.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ingest.factory import build_ingestor
from ingest.sources import FolderSource
from rag.answering.answerer import Answerer
from rag.domain import Access, Answer, AnswerStatus, Turn
from rag.factory import Footnote
from rag.settings import load_settings

SAMPLES = Path(__file__).parents[1] / "samples"
COLLECTION = "handbook"
Row = Mapping[str, Any]


def ask(answerer: Answerer, question: str, history: Sequence[Turn]) -> Answer:
    """The answer under everybody's rights."""
    return answerer.answer(question, collection=COLLECTION, access=Access.everything(), history=history)


def in_conversation(answerer: Answerer, row: Row) -> Answer:
    """The answer to the last question, behind those to the questions before it."""
    history: list[Turn] = []
    for question in row["turns"]:
        answer = ask(answerer, question, tuple(history))
        is_refused = answer.status is AnswerStatus.REFUSED
        history.append(Turn(question=question, answer="" if is_refused else answer.text))
    return ask(answerer, row["question"], tuple(history))


def holds(text: str, wanted: str) -> bool:
    """Whether ``wanted`` stands in ``text``, whatever the case and the line ends."""
    return " ".join(wanted.split()).lower() in " ".join(text.split()).lower()


def report(label: str, rows: Sequence[Row], answers: Sequence[Answer], *, misses: bool) -> None:
    """Print a line a part and language."""
    for part, language in sorted({(row["part"], row["language"]) for row in rows}):
        chosen = [
            (row, answer)
            for row, answer in zip(rows, answers, strict=True)
            if (row["part"], row["language"]) == (part, language)
        ]
        right = [holds(answer.text, row["says"]) for row, answer in chosen]
        found = [any(holds(one.text, row["says"]) for one in answer.passages) for row, answer in chosen]
        refused = sum(answer.status is AnswerStatus.REFUSED for _, answer in chosen)
        counts = f"right {sum(right):3}  passage found {sum(found):3}  refused {refused:3}"
        print(f"{label:16}{part:5}{language}  {len(chosen):3} questions  {counts}")
        for (row, answer), is_right in zip(chosen, right, strict=True):
            if misses and not is_right:
                shown = " ".join(answer.text.split())[:160]
                print(f"    {row['question']} | {answer.standalone_question} | {shown}")


def main() -> None:
    """Ask every last question twice and print how it went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--llm", help="extractive, or provider:model")
    parser.add_argument("--misses", action="store_true", help="print the answers that do not hold the text")
    options = parser.parse_args()
    lines = (SAMPLES / "followups.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    with TemporaryDirectory() as name, Footnote(load_settings(data_dir=name)) as footnote:
        collection = footnote.open_collection(COLLECTION)
        with build_ingestor(footnote) as ingestor:
            ingestor.sync(FolderSource(SAMPLES / "handbook"), collection=collection)
        answerer = footnote.answerer(options.llm)
        alone = [ask(answerer, row["question"], ()) for row in rows]
        report("by itself", rows, alone, misses=False)
        together = [in_conversation(answerer, row) for row in rows]
        report("in conversation", rows, together, misses=options.misses)


if __name__ == "__main__":
    main()
