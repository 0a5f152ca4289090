"""Answers made by hand, for measures that need no Footnote."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from eval.answered import AnsweredQuestion
from eval.question_set import GoldQuestion
from rag.domain import Answer, AnswerStatus, Citation, GroundingReport, Sentence, Verdict


def gold(number: int = 1, **facts: Any) -> GoldQuestion:
    fields: dict[str, Any] = {
        "id": f"q{number}",
        "file": "questions.jsonl",
        "line": number,
        "text": "How many days?",
        "language": "en",
    }
    return GoldQuestion(**(fields | facts))


def answer_of(
    text: str | None,
    question: GoldQuestion | None = None,
    *,
    verdicts: Sequence[Verdict] = (Verdict.SUPPORTED,),
    cited: str | None = None,
    usage: Mapping[str, int] | None = None,
    milliseconds: float = 100.0,
) -> AnsweredQuestion:
    """An answer whose sentences have these verdicts; without a text a refusal."""
    sentences = tuple(
        Sentence(text=text or "", start=0, end=len(text or ""), verdict=verdict, score=0.9, citations=())
        for verdict in verdicts
    )
    return AnsweredQuestion(
        question=question or gold(answerable=True),
        answer=Answer(
            answer_id=uuid.uuid4().hex,
            question="How many days?",
            status=AnswerStatus.REFUSED if text is None else AnswerStatus.ANSWERED,
            text=text or "The documents do not say.",
            sentences=() if text is None else sentences,
            citations=() if cited is None else (_citation(cited),),
            passages=(),
            grounding=GroundingReport(score=1.0, sentences=(), checker="test", threshold=0.5),
            llm="test",
            timings_ms={},
            usage=usage,
        ),
        milliseconds=milliseconds,
    )


def _citation(quote: str) -> Citation:
    return Citation(
        n=1,
        document_id="document-1",
        title="Leave",
        source_uri="handbook/leave.md",
        version=1,
        page=None,
        heading="",
        start=0,
        end=len(quote),
        quote=quote,
    )
