"""Question sets: our own samples, other names of the fields, and lines that cannot be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eval.question_set import read_question_set
from rag.errors import DatasetError
from tests.eval.test_readers import write_lines

SAMPLES = Path(__file__).parents[2] / "samples"


def test_the_sample_questions_are_a_question_set() -> None:
    found = read_question_set(SAMPLES / "questions.jsonl")
    assert (found.name, len(found.questions), found.failures) == ("questions.jsonl", 105, ())
    assert sum(each.answerable is False for each in found.questions) == 26
    first = found.questions[0]
    assert (first.id, first.line, first.language, first.answerable) == ("q001", 1, "en", True)
    assert (first.answers, first.documents) == (("68",), ("handbook/en/about/company-and-sites.md",))
    assert len(first.quotes) == 1
    assert {each.language for each in found.questions} == {"en", "fr"}


def test_conversations_are_questions_with_earlier_turns() -> None:
    first = read_question_set(SAMPLES / "followups.jsonl").questions[0]
    assert first.turns == ("How many days of annual leave do full-time staff have in Leeds?",)
    assert (first.quotes, first.answerable) == (("carry over up to five days",), True)


def test_a_question_alone_is_enough_and_its_language_is_detected(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "q.jsonl", {"id": 1, "question": "Combien de jours de congé avons-nous ?"})
    (only,) = read_question_set(file).questions
    assert (only.id, only.language, only.answerable) == ("1", "fr", None)
    assert (only.answers, only.documents, only.quotes, only.group) == ((), (), (), None)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"answer": "25"}, ("25",)),
        ({"answers": ["25", "twenty-five"]}, ("25", "twenty-five")),
        ({"answers": "25", "answer": None}, ("25",)),
    ],
)
def test_one_answer_or_several(tmp_path: Path, fields: dict[str, Any], expected: tuple[str, ...]) -> None:
    file = write_lines(tmp_path / "q.jsonl", {"id": "a", "question": "How many?", **fields})
    assert read_question_set(file).questions[0].answers == expected


GOOD = {"id": "good", "question": "How many days?"}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{broken", "not JSON"),
        ({"id": "a"}, "'question' is missing"),
        ({"id": "a", "question": "   "}, "blank"),
        ({"id": "a", "question": "How?", "answers": [3]}, "'answers.0'"),
        ({"id": "a", "question": "How?", "answer": "", "answerable": True}, "'answers.0': is blank"),
        ({"id": "a", "question": "How?", "answer": "x", "answers": ["y"]}, "keep one of them"),
        ({"id": "a", "question": "How?", "answer": "x", "answerable": False}, "'answerable' is false"),
        ({"id": "good", "question": "Again?"}, "used before"),
    ],
)
def test_a_bad_line_is_named_and_the_others_are_used(tmp_path: Path, line: Any, reason: str) -> None:
    found = read_question_set(write_lines(tmp_path / "q.jsonl", GOOD, line, {**GOOD, "id": "also"}))
    assert [each.id for each in found.questions] == ["good", "also"]
    (failure,) = found.failures
    assert (failure.file, failure.line) == ("q.jsonl", 2)
    assert reason in failure.reason


def test_a_file_without_a_usable_question_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no usable line; line 1"):
        read_question_set(write_lines(tmp_path / "q.jsonl", {"id": "a"}))
