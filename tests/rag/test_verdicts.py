"""What the groundedness policies do to a draft while it is written."""

from __future__ import annotations

import pytest

from rag.answering.footnotes import CheckedSentence
from rag.answering.verdicts import MANNERS, says_something
from rag.domain import GroundingPolicy, SentenceVerdict, Verdict


def checked(verdict: Verdict | None) -> CheckedSentence:
    text = "Five days."
    judged = verdict and SentenceVerdict(text=text, start=0, end=len(text), verdict=verdict, score=0.5)
    return CheckedSentence(text=text, gap=" ", spans=(), verdict=judged or None)


def test_every_policy_has_a_manner() -> None:
    assert MANNERS.keys() == set(GroundingPolicy)


@pytest.mark.parametrize(
    ("verdict", "fails"),
    [
        (Verdict.SUPPORTED, False),
        (Verdict.NOT_CHECKABLE, False),
        (Verdict.UNSUPPORTED, True),
        (Verdict.CONTRADICTED, True),
        (None, False),
    ],
)
def test_what_fails(verdict: Verdict | None, fails: bool) -> None:
    assert checked(verdict).fails is fails


def test_courtesies_alone_say_nothing() -> None:
    assert not says_something([checked(Verdict.NOT_CHECKABLE)])
    assert not says_something([])
    assert says_something([checked(Verdict.NOT_CHECKABLE), checked(Verdict.SUPPORTED)])
