"""Questions, answers, passages and grounding reports as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import Field

from api.schemas.base import Body, RequestBody, optional
from rag.domain import (
    Answer,
    AnswerStatus,
    Citation,
    EvidenceSpan,
    GroundingPolicy,
    GroundingReport,
    Passage,
    SearchMode,
    SearchResult,
    Sentence,
    SentenceVerdict,
    UnsupportedSpan,
    Verdict,
)

ANSWER_STAGES = ("embed", "retrieve", "rerank", "generate", "ground", "total")


def filter_field() -> Any:
    """The field of a filter, whose own parser says what is wrong with it."""
    return Field(
        default=None,
        description="Only documents for which this holds; docs/filters.md describes it.",
        examples=[{"language": "fr", "updated_at": {"gte": "2026-01-01"}}],
        json_schema_extra={"type": "object"},
    )


class AskRequest(RequestBody):
    """A question about one collection."""

    question: str = Field(
        description="The question, at most 4,000 characters.", examples=["How many days off?"]
    )
    collection: str | None = Field(default=None, description="Collection to ask; unset: the default one.")
    conversation_id: str | None = Field(
        default=None,
        description="The question is read with the earlier ones of this conversation; an id not used yet "
        "begins one (1 to 100 of A-Z, a-z, 0-9, `_.:-`), and `new` begins one under an id of Footnote's.",
    )
    k: int | None = Field(default=None, ge=1, le=50, description="Passages put before the generator.")
    filters: Any = filter_field()
    llm: str | None = Field(
        default=None,
        description="`extractive`, or a name that `GET /v1/llms` lists; unset: the server's own.",
    )
    grounding_policy: GroundingPolicy | None = Field(
        default=None, description="What happens to unsupported sentences; unset: the server's setting."
    )
    stream: bool | None = Field(
        default=None, description="Answer as server-sent events; unset: as the Accept header says."
    )


class SearchRequest(RequestBody):
    """A search in one collection."""

    query: str = Field(description="What to look for, at most 4,000 characters.")
    collection: str | None = Field(default=None, description="Collection to search; unset: the default one.")
    k: int = Field(default=10, ge=1, le=100, description="Passages wanted.")
    mode: SearchMode = Field(default=SearchMode.HYBRID, description="hybrid, dense or keyword.")
    distinct: bool = Field(
        default=False, description="Show no text twice and no document alone, as answers are written from."
    )
    filters: Any = filter_field()


class PassageBody(Body):
    """A chunk as evidence; `start` and `end` are offsets into the document's text."""

    chunk_id: str
    document_id: str
    version: int
    title: str
    source_uri: str
    language: str
    page: int | None = optional("1-based page, where the format has pages.")
    heading: str | None = optional("Heading path, outermost first.")
    start: int
    end: int
    text: str
    modified_at: datetime | None = optional("When the document's file was last changed.")
    score: float = Field(description="The score the list is ordered by; higher is better.")
    scores: Mapping[str, float] = Field(description="Its parts: dense (cosine), keyword (BM25), rerank.")

    @classmethod
    def of(cls, passage: Passage) -> PassageBody:
        """The JSON of a passage."""
        return cls(
            chunk_id=str(passage.chunk_id),
            document_id=passage.document_id,
            version=passage.version,
            title=passage.title,
            source_uri=passage.source_uri,
            language=passage.language,
            page=passage.page,
            heading=passage.heading or None,
            start=passage.start,
            end=passage.end,
            text=passage.text,
            score=passage.score,
            scores=passage.scores,
            modified_at=passage.modified_at,
        )


class PassagesBody(Body):
    """The `retrieval` event of a streamed answer."""

    passages: Sequence[PassageBody]

    @classmethod
    def of(cls, passages: Iterable[Passage]) -> PassagesBody:
        """The JSON of retrieved passages, best first."""
        return cls(passages=[PassageBody.of(passage) for passage in passages])


class TokenBody(Body):
    """The `token` event of a streamed answer: the next piece of the unchecked draft."""

    text: str
    restart: bool = Field(default=False, description="The pieces before it are void; the text begins anew.")


class CitationBody(Body):
    """A footnote: the document's `text[start:end]` is `quote`."""

    n: int = Field(description="The footnote's number.")
    document_id: str
    title: str
    source_uri: str
    version: int
    page: int | None = optional("1-based page, where the format has pages.")
    heading: str | None = optional("Heading path, outermost first.")
    start: int
    end: int
    quote: str

    @classmethod
    def of(cls, citation: Citation) -> CitationBody:
        """The JSON of a citation."""
        return cls(
            n=citation.n,
            document_id=citation.document_id,
            title=citation.title,
            source_uri=citation.source_uri,
            version=citation.version,
            page=citation.page,
            heading=citation.heading or None,
            start=citation.start,
            end=citation.end,
            quote=citation.quote,
        )


class SentenceBody(Body):
    """A sentence of the answer; `start` and `end` are offsets into the answer's text."""

    text: str
    start: int
    end: int
    verdict: Verdict
    score: float = Field(description="Probability, 0 to 1, that the evidence supports the sentence.")
    citations: Sequence[int] = Field(description="Numbers of its footnotes.")

    @classmethod
    def of(cls, sentence: Sentence) -> SentenceBody:
        """The JSON of a sentence."""
        return cls(
            text=sentence.text,
            start=sentence.start,
            end=sentence.end,
            verdict=sentence.verdict,
            score=sentence.score,
            citations=list(sentence.citations),
        )


class GroundingBody(Body):
    """How far the answer is carried by its passages; the counts are of sentences."""

    score: float | None = Field(
        description="Probability, 0 to 1, that every checkable sentence is supported; null if unchecked."
    )
    supported: int
    unsupported: int
    contradicted: int
    checker: str = Field(description="Its name; `none` if nothing was checked.")
    threshold: float | None = Field(description="A score below it counts as unsupported.")

    @classmethod
    def of(cls, report: GroundingReport) -> GroundingBody:
        """The summary of a grounding report."""
        return cls(
            score=report.score,
            supported=report.count(Verdict.SUPPORTED),
            unsupported=report.count(Verdict.UNSUPPORTED),
            contradicted=report.count(Verdict.CONTRADICTED),
            checker=report.checker,
            threshold=report.threshold,
        )

    @classmethod
    def unchecked(cls) -> GroundingBody:
        """The summary when nothing was checked."""
        return cls(score=None, supported=0, unsupported=0, contradicted=0, checker="none", threshold=None)


class AnswerBody(Body):
    """The checked answer; a refusal is an answer with a reason and the nearest passages."""

    answer_id: str
    question: str
    status: AnswerStatus
    reason: str | None = optional("Why the question was refused, or the answer could not be checked.")
    text: str
    sentences: Sequence[SentenceBody]
    citations: Sequence[CitationBody]
    passages: Sequence[PassageBody]
    grounding: GroundingBody
    llm: str
    timings_ms: Mapping[str, float] = Field(
        description="embed, retrieve, rerank, generate, ground, total; 0 for what did not run."
    )
    answerability: float | None = optional("Probability, 0 to 1, that the passages hold the answer.")
    usage: Mapping[str, int] | None = optional("Token counts, where the LLM's provider reports them.")
    dropped_sentences: int = Field(default=0, description="Sentences the grounding policy removed.")
    failed_llms: Sequence[str] = Field(
        default=(), description="Language models that were asked first and did not answer."
    )
    conversation_id: str | None = optional("The conversation that the question belongs to.")
    standalone_question: str | None = optional(
        "What was searched for, where the question leans on earlier ones of its conversation."
    )

    @classmethod
    def of(cls, answer: Answer) -> AnswerBody:
        """The JSON of an answer."""
        return cls(
            answer_id=answer.answer_id,
            question=answer.question,
            status=answer.status,
            reason=answer.reason,
            text=answer.text,
            sentences=[SentenceBody.of(sentence) for sentence in answer.sentences],
            citations=[CitationBody.of(citation) for citation in answer.citations],
            passages=[PassageBody.of(passage) for passage in answer.passages],
            grounding=GroundingBody.of(answer.grounding) if answer.grounding else GroundingBody.unchecked(),
            llm=answer.llm,
            timings_ms=dict.fromkeys(ANSWER_STAGES, 0.0) | dict(answer.timings_ms),
            answerability=answer.answerability,
            usage=answer.usage,
            dropped_sentences=answer.dropped_sentences,
            failed_llms=answer.failed_llms,
            conversation_id=answer.conversation_id,
            standalone_question=answer.standalone_question,
        )


class SearchBody(Body):
    """Passages, best first."""

    query: str
    results: Sequence[PassageBody]
    timings_ms: Mapping[str, float] = Field(description="embed, retrieve, rerank if configured, total.")

    @classmethod
    def of(cls, result: SearchResult) -> SearchBody:
        """The JSON of a search."""
        return cls(
            query=result.query,
            results=[PassageBody.of(passage) for passage in result.passages],
            timings_ms=result.timings_ms,
        )


class EvidenceSpanBody(Body):
    """What a sentence rests on; offsets into the passage's text."""

    passage_id: str
    start: int
    end: int
    quote: str

    @classmethod
    def of(cls, span: EvidenceSpan) -> EvidenceSpanBody:
        """The JSON of an evidence span."""
        return cls(passage_id=span.evidence_id, start=span.start, end=span.end, quote=span.quote)


class UnsupportedSpanBody(Body):
    """Characters of the answer that no passage carries."""

    start: int
    end: int

    @classmethod
    def of(cls, span: UnsupportedSpan) -> UnsupportedSpanBody:
        """The JSON of an unsupported span."""
        return cls(start=span.start, end=span.end)


class CheckedSentenceBody(Body):
    """The check of one sentence; offsets into the answer."""

    text: str
    start: int
    end: int
    verdict: Verdict
    score: float
    evidence: Sequence[EvidenceSpanBody]
    unsupported_spans: Sequence[UnsupportedSpanBody]

    @classmethod
    def of(cls, sentence: SentenceVerdict) -> CheckedSentenceBody:
        """The JSON of a checked sentence."""
        return cls(
            text=sentence.text,
            start=sentence.start,
            end=sentence.end,
            verdict=sentence.verdict,
            score=sentence.score,
            evidence=[EvidenceSpanBody.of(span) for span in sentence.evidence],
            unsupported_spans=[UnsupportedSpanBody.of(span) for span in sentence.unsupported_spans],
        )


class GroundingReportBody(GroundingBody):
    """The whole grounding report."""

    sentences: Sequence[CheckedSentenceBody]

    @classmethod
    def of(cls, report: GroundingReport) -> GroundingReportBody:
        """The JSON of a grounding report."""
        return cls(
            **GroundingBody.of(report).model_dump(),
            sentences=[CheckedSentenceBody.of(sentence) for sentence in report.sentences],
        )
