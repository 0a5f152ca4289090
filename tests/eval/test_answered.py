"""A question set put to the product: answers, failures beside them, earlier turns, and an interruption."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from eval.answered import AnsweredQuestion, ask_all, ask_each, names_document
from eval.question_set import GoldQuestion
from rag.cancellation import Cancellation
from rag.domain import Draft, GeneratorItem, Prompt
from rag.errors import CollectionNotFound, EmbeddingMismatch, GenerationFailed
from rag.factory import Footnote
from rag.settings import load_settings
from tests.fakes import HashedEmbedder, ScriptedGenerator
from tests.passages import passage
from tests.sources import new_version, put

LEAVE = "Annual leave is twenty-five days a year. Five days may be carried over until 31 March."
GOOD = "Annual leave is twenty-five days a year [1]."


def asked(text: str, *, line: int = 1, turns: tuple[str, ...] = ()) -> GoldQuestion:
    return GoldQuestion(
        id=f"q{line}", file="questions.jsonl", line=line, text=text, language="en", turns=turns
    )


ANNUAL = asked("How many days of annual leave are there a year?")


@pytest.fixture
def llm() -> ScriptedGenerator:
    return ScriptedGenerator()


@pytest.fixture
def footnote(tmp_path: Path, llm: ScriptedGenerator) -> Iterator[Footnote]:
    embedder = HashedEmbedder(dimension=512)
    settings = load_settings(data_dir=tmp_path)
    with Footnote(settings, embedder=embedder, generators={"scripted": llm}) as opened:
        collection = opened.open_collection("handbook")
        put(opened.catalog, collection.id, new_version("leave.md", LEAVE, embedder=embedder))
        yield opened


def test_answers_come_in_order_with_their_milliseconds_and_progress_is_told(footnote: Footnote) -> None:
    told: list[tuple[int, int]] = []
    answered, failures = ask_all(
        footnote,
        [ANNUAL, asked("How many days may be carried over?", line=2)],
        collection="handbook",
        progress=lambda done, total: told.append((done, total)),
    )
    assert [each.question.id for each in answered] == ["q1", "q2"]
    assert failures == []
    assert told == [(1, 2), (2, 2)]
    assert all(each.milliseconds > 0 for each in answered)
    assert all(each.input_tokens is None for each in answered)


def test_a_model_that_fails_is_a_failure_and_no_answer(footnote: Footnote, llm: ScriptedGenerator) -> None:
    llm._answers = [GenerationFailed("The server is away."), GOOD]
    answered, failures = ask_all(
        footnote, [ANNUAL, asked(ANNUAL.text, line=7)], collection="handbook", llm="scripted"
    )
    (failure,) = failures
    assert (failure.file, failure.line) == ("questions.jsonl", 1)
    assert failure.reason == "answering 'q1' failed: GenerationFailed: The server is away."
    (only,) = answered
    assert (only.question.line, only.answer.llm) == (7, "scripted")
    assert only.text == "Annual leave is twenty-five days a year."


def test_earlier_turns_are_asked_first(footnote: Footnote, llm: ScriptedGenerator) -> None:
    llm._answers = [GOOD, "How many days of annual leave may be carried over?", "Five days. [1]"]
    question = asked("And how many may be carried over?", turns=(ANNUAL.text,))
    answered, failures = ask_all(footnote, [question], collection="handbook", llm="scripted")
    assert failures == []
    assert "twenty-five days" in llm.prompts[-1].user
    assert answered[0].answer.standalone_question == "How many days of annual leave may be carried over?"


def test_an_unknown_collection_is_refused_before_anything_is_asked(footnote: Footnote) -> None:
    with pytest.raises(CollectionNotFound):
        ask_all(footnote, [ANNUAL], collection="elsewhere")


def test_a_collection_of_another_embedding_model_is_refused_once_and_not_with_every_question(
    footnote: Footnote, tmp_path: Path
) -> None:
    another = HashedEmbedder(dimension=64)
    with (
        Footnote(load_settings(data_dir=tmp_path), embedder=another) as changed,
        pytest.raises(EmbeddingMismatch),
    ):
        ask_all(changed, [ANNUAL], collection="handbook")


class Interrupted(ScriptedGenerator):
    def stream(self, prompt: Prompt, *, cancellation: Cancellation | None = None) -> Iterator[GeneratorItem]:
        if self.prompts:
            raise KeyboardInterrupt
        self.prompts.append(prompt)
        yield Draft(text=GOOD, llm=self.name)


def test_an_interruption_is_no_failure_and_what_was_answered_before_is_there(tmp_path: Path) -> None:
    embedder = HashedEmbedder(dimension=512)
    with Footnote(
        load_settings(data_dir=tmp_path), embedder=embedder, generators={"scripted": Interrupted()}
    ) as footnote:
        put(
            footnote.catalog,
            footnote.open_collection("handbook").id,
            new_version("leave.md", LEAVE, embedder=embedder),
        )
        each = ask_each(footnote, [ANNUAL] * 3, collection="handbook", llm="scripted")
        assert isinstance(next(each), AnsweredQuestion)
        with pytest.raises(KeyboardInterrupt):
            next(each)


@pytest.mark.parametrize(
    ("gold", "same"),
    [
        ("handbook/leave/annual.md", True),
        ("leave/annual.md", True),
        ("samples/handbook/leave/annual.md", True),
        ("document-1", True),
        ("annual.md", True),
        ("ual.md", False),
        ("other/annual.md", False),
    ],
)
def test_a_document_is_known_by_its_id_or_a_whole_end_of_its_address(gold: str, same: bool) -> None:
    assert names_document(gold, passage("Text.", source_uri="handbook/leave/annual.md")) is same
