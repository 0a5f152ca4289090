"""What a groundedness checker reads and says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What the checker says of one sentence."""

    SUPPORTED = "supported"
    UNSUPPORTED = "unsupported"
    CONTRADICTED = "contradicted"
    NOT_CHECKABLE = "not_checkable"


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """A text a claim may rest on: a passage, or whatever a caller of the evaluator hands in."""

    id: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EvidenceSpan:
    """The part of an evidence text that a sentence rests on; offsets into ``Evidence.text``."""

    evidence_id: str
    start: int
    end: int
    quote: str


@dataclass(frozen=True, kw_only=True, slots=True)
class UnsupportedSpan:
    """Characters of the answer that no evidence carries; offsets into the answer's text."""

    start: int
    end: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SentenceVerdict:
    """The check of one sentence.

    Attributes:
        start, end: offsets into the checked answer.
        score: calibrated probability, 0 to 1, that the evidence supports the sentence.
    """

    text: str
    start: int
    end: int
    verdict: Verdict
    score: float
    evidence: tuple[EvidenceSpan, ...] = ()
    unsupported_spans: tuple[UnsupportedSpan, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class GroundingReport:
    """The check of a whole answer.

    Attributes:
        score: calibrated probability, 0 to 1, that every checkable sentence is supported.
        checker: name of the checker that produced it.
        threshold: an answer is unsupported when ``score`` is below it; a sentence likewise.
    """

    score: float
    sentences: tuple[SentenceVerdict, ...]
    checker: str
    threshold: float

    def count(self, verdict: Verdict) -> int:
        """Number of sentences with this verdict."""
        return sum(sentence.verdict is verdict for sentence in self.sentences)
