"""What an answer is worth: right and faithful, or rightly refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from eval.compare.points import points
from rag.domain import AnswerStatus, Verdict
from tests.eval.compare.answers import answer_of, gold

YES, NO, NOTHING = Verdict.SUPPORTED, Verdict.UNSUPPORTED, Verdict.NOT_CHECKABLE


@pytest.mark.parametrize(
    ("text", "known", "verdicts", "worth"),
    [
        ("There are 27 days of leave.", {"answers": ("27 days",)}, [YES], 1.0),
        ("There are 27 of them.", {"answers": ("27 days",)}, [YES], 0.5),
        ("There are 30 of them.", {"answers": ("27 days",)}, [YES], 0.0),
        ("There are 27 of them.", {"answers": ("27 days", "27")}, [YES], 1.0),
        ("There are 27 days. And more.", {"answers": ("27 days",)}, [YES, NO], 0.5),
        ("There are 27 days. And more.", {"answers": ("27 days",)}, [YES, Verdict.CONTRADICTED], 0.5),
        ("Hello. There are 27 days.", {"answers": ("27 days",)}, [NOTHING, YES], 1.0),
        ("27 days", {"answers": ("27 days",)}, [NOTHING], 1.0),
        (None, {"answers": ("27 days",)}, [], 0.0),
        ("Whatever.", {"answerable": False}, [YES], 0.0),
        (None, {"answerable": False}, [], 1.0),
        ("Whatever.", {"answerable": None}, [YES, NO], 0.5),
        (None, {"answerable": None}, [], None),
    ],
)
def test_points(
    text: str | None, known: dict[str, Any], verdicts: list[Verdict], worth: float | None
) -> None:
    question = gold(**({"answerable": True} | known))
    assert points(answer_of(text, question, verdicts=verdicts)) == worth


def test_without_a_gold_answer_the_citation_decides() -> None:
    question = gold(answerable=True, quotes=("Annual leave is 27 days a year.",), documents=("leave.md",))
    assert points(answer_of("27.", question, cited="Annual leave is 27 days a year.")) == 1
    assert points(answer_of("27.", question, cited="Badges are free.")) == 0
    assert points(answer_of("27.", gold(answerable=True, documents=("leave.md",)), cited="Any.")) == 1


def test_an_answer_that_could_not_be_checked_is_worth_nobody_knows_what() -> None:
    unchecked = answer_of("27 days.", gold(answerable=True, answers=("27 days",)))
    unchecked = replace(unchecked, answer=replace(unchecked.answer, status=AnswerStatus.UNVERIFIED))
    assert points(unchecked) is None
