"""Answers as a language model might write them to the sample questions, true or with one false statement.

``live_answers.jsonl`` holds, for every question, sentences in other words than the document's, and false
statements of several kinds. Those with ``instead_of`` are one of the sentences with something changed.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.question_set import GoldQuestion, read_question_set

HERE = Path(__file__).parent
QUESTIONS = HERE.parent / "samples" / "questions.jsonl"
KINDS = {
    "figure": "a changed figure, date or unit",
    "name": "a changed name",
    "negation": "the contrary",
    "addition": "an invented addition",
    "elsewhere": "a statement on something else, from another document",
}


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A sentence of a scripted answer.

    Attributes:
        kind: of falsehood; ``None`` where it is true.
        source: the question whose gold quote carries it (or carried it before it was changed).
    """

    text: str
    kind: str | None
    source: GoldQuestion


@dataclass(frozen=True, kw_only=True)
class ScriptedAnswer:
    """What the model says to a question."""

    question: GoldQuestion
    statements: tuple[Statement, ...]

    @property
    def text(self) -> str:
        return " ".join(statement.text for statement in self.statements)

    @property
    def is_falsified(self) -> bool:
        return any(statement.kind for statement in self.statements)


@dataclass(frozen=True, kw_only=True)
class _Written:
    """The lines of one question."""

    question: GoldQuestion
    says: tuple[str, ...]
    false: tuple[tuple[str, int | None, str], ...]


def scripted_answers(*, seed: int, rounds: int) -> Iterator[ScriptedAnswer]:
    """An answer to every answerable question, ``rounds`` times; every other one has a false statement.

    A question is falsified in every other round, by another kind of statement each time.
    """
    written = _written()
    draw = random.Random(seed)
    offsets = {each.question.id: draw.randrange(1000) for each in written}
    for turn in range(rounds):
        draw.shuffle(written)
        for each in written:
            offset = offsets[each.question.id]
            if (offset + turn) % 2:
                yield _falsified(each, turn // 2 + offset // 2, written, draw)
            else:
                yield ScriptedAnswer(question=each.question, statements=_true(each))


def _written() -> list[_Written]:
    questions = {question.id: question for question in read_question_set(QUESTIONS).questions}
    lines = (HERE / "live_answers.jsonl").read_text(encoding="utf-8").splitlines()
    return [_of(record, questions) for record in map(json.loads, lines)]


def _of(record: Mapping[str, object], questions: Mapping[str, GoldQuestion]) -> _Written:
    false = record["false"]
    says = record["says"]
    assert isinstance(false, list)
    assert isinstance(says, list)
    return _Written(
        question=questions[str(record["id"])],
        says=tuple(says),
        false=tuple((each["kind"], each["instead_of"], each["text"]) for each in false),
    )


def _true(written: _Written) -> tuple[Statement, ...]:
    return tuple(Statement(text=text, kind=None, source=written.question) for text in written.says)


def _falsified(
    written: _Written, choice: int, others: Sequence[_Written], draw: random.Random
) -> ScriptedAnswer:
    statements = [*_true(written)]
    kinds = [*written.false, ("elsewhere", None, "")]
    kind, place, text = kinds[choice % len(kinds)]
    source = written.question
    if kind == "elsewhere":
        source, text = _from_elsewhere(written, others, draw)
    false = Statement(text=text, kind=kind, source=source)
    if place is None:
        statements.insert(draw.randint(0, len(statements)), false)
    else:
        statements[place] = false
    return ScriptedAnswer(question=written.question, statements=tuple(statements))


def _from_elsewhere(
    written: _Written, others: Sequence[_Written], draw: random.Random
) -> tuple[GoldQuestion, str]:
    """A true sentence, in the same language, on another document."""
    question = written.question
    other = draw.choice(
        [
            each
            for each in others
            if each.question.language == question.language
            and not set(each.question.documents) & set(question.documents)
        ]
    )
    return other.question, other.says[-1]
