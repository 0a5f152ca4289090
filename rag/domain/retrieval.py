"""What a search gives: hits by id, passages as evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rag.domain.arrays import Vector


class SearchMode(StrEnum):
    """Which index answers: both fused, vectors only, or keywords only."""

    HYBRID = "hybrid"
    DENSE = "dense"
    KEYWORD = "keyword"


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """A chunk id with a score, best first in every list of hits."""

    chunk_id: int
    score: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Passage:
    """A chunk as evidence for one question.

    Attributes:
        modified_at: when the document's file was last changed, where that is known.
        score: the score the list is ordered by.
        scores: the parts: ``dense`` (cosine), ``keyword`` (BM25), ``rerank``; a part that did not see
            the passage is absent.
    """

    chunk_id: int
    document_id: str
    version: int
    title: str
    source_uri: str
    language: str
    page: int | None
    heading: str
    start: int
    end: int
    text: str
    score: float
    scores: Mapping[str, float]
    modified_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchResult:
    """Passages, best first, and how long each stage took.

    Attributes:
        timings_ms: ``embed``, ``retrieve``, ``total``; ``rerank`` if a reranker read the passages.
        query_vector: the question's embedding, absent in keyword mode.
    """

    query: str
    passages: tuple[Passage, ...]
    timings_ms: Mapping[str, float]
    query_vector: Vector | None = None
