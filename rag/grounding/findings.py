"""Verdicts that every checker makes alike."""

from __future__ import annotations

from collections.abc import Sequence

from rag.domain import Evidence, EvidenceSpan, SentenceVerdict, Verdict
from rag.grounding.shared_terms import EvidenceWindow
from rag.text.alignment import find_verbatim

VERBATIM_SCORE = 0.99


def verbatim_span(answer: str, span: tuple[int, int], evidence: Sequence[Evidence]) -> EvidenceSpan | None:
    """Where ``answer[start:end]`` stands in the evidence word for word."""
    for text in evidence:
        found = find_verbatim(answer[span[0] : span[1]], text.text)
        if found is not None:
            return EvidenceSpan(
                evidence_id=text.id, start=found[0], end=found[1], quote=text.text[found[0] : found[1]]
            )
    return None


def supported_verbatim(answer: str, span: tuple[int, int], quote: EvidenceSpan) -> SentenceVerdict:
    """The verdict on a sentence that stands in the evidence."""
    return SentenceVerdict(
        text=answer[span[0] : span[1]],
        start=span[0],
        end=span[1],
        verdict=Verdict.SUPPORTED,
        score=VERBATIM_SCORE,
        evidence=(quote,),
    )


def not_checkable(answer: str, span: tuple[int, int]) -> SentenceVerdict:
    """The verdict on a sentence that asserts nothing."""
    return SentenceVerdict(
        text=answer[span[0] : span[1]], start=span[0], end=span[1], verdict=Verdict.NOT_CHECKABLE, score=1.0
    )


def evidence_span(found: EvidenceWindow, evidence: Sequence[Evidence]) -> EvidenceSpan:
    """``found`` as a place in its evidence text."""
    return EvidenceSpan(
        evidence_id=evidence[found.evidence].id,
        start=found.window.start,
        end=found.window.end,
        quote=found.text,
    )
