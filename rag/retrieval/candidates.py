"""The candidates of one question: read from the catalog under the asker's rights, ranked, made passages."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from rag.domain import Access, Collection, Passage, StoredChunk
from rag.interfaces import Catalog
from rag.retrieval.close_reading import CloseReader
from rag.retrieval.fusion import EncoderScale, first_scores, read_score
from rag.text.language import UNDETERMINED

_READ_CLOSELY, _MOST_READ_CLOSELY = 40, 100


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundByWords:
    """What a search by words found.

    Attributes:
        scores: BM25 by chunk id.
        flatness: how little the words tell the whole collection's chunks apart, 0 to 1.
        reader: reads candidates for this question; only a hybrid search needs one.
    """

    scores: dict[int, float]
    language: str = UNDETERMINED
    flatness: float = 0.0
    reader: CloseReader | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidates:
    """What both indexes found, read from the catalog: only what it still holds, and the asker may read.

    Attributes:
        dense: cosine by chunk id.
    """

    catalog: Catalog
    collection: Collection
    access: Access
    dense: Mapping[int, float]
    words: FoundByWords

    def in_order(self, scores: Mapping[int, float], *, k: int) -> list[Passage]:
        """The ``k`` with the best scores."""
        return self._first(_ranked(scores), scores, k=k)

    def closely(self, scale: EncoderScale, *, k: int) -> list[Passage]:
        """The ``k`` best by their fused scores, the best candidates read before they are ranked."""
        reader = self.words.reader
        assert reader is not None, "a hybrid search has a reader"
        scores = first_scores(self.dense, self.words.scores, scale)
        ranked = _ranked(scores)
        pool = min(max(k, _READ_CLOSELY), _MOST_READ_CLOSELY)
        chunks = self._stored(ranked[:pool])
        readings = reader.read(list(chunks.values()))
        final = {
            chunk_id: scores[chunk_id] + read_score(reading, flatness=self.words.flatness, scale=scale)
            for chunk_id, reading in readings.items()
        }
        best = [self._passage(chunks[chunk_id], final[chunk_id]) for chunk_id in _ranked(final)[:k]]
        if len(best) == k:
            return best
        lowest = min(final.values(), default=math.inf)  # those that are not read come after those that are
        rest = {chunk_id: min(scores[chunk_id], lowest) for chunk_id in ranked[pool:]}
        return best + self._first(ranked[pool:], rest, k=k - len(best))

    def _first(self, ranked: Sequence[int], scores: Mapping[int, float], *, k: int) -> list[Passage]:
        passages: list[Passage] = []
        for start in range(0, len(ranked), k):
            stored = self._stored(ranked[start : start + k])
            passages += [self._passage(chunk, scores[chunk_id]) for chunk_id, chunk in stored.items()]
            if len(passages) >= k:
                break
        return passages[:k]

    def _stored(self, chunk_ids: Sequence[int]) -> dict[int, StoredChunk]:
        return self.catalog.chunks_by_id(self.collection.id, chunk_ids, access=self.access)

    def _passage(self, chunk: StoredChunk, score: float) -> Passage:
        parts = {"dense": self.dense.get(chunk.id), "keyword": self.words.scores.get(chunk.id)}
        return _passage(chunk, score, {name: part for name, part in parts.items() if part is not None})


def _ranked(scores: Mapping[int, float]) -> list[int]:
    return sorted(scores, key=lambda chunk_id: (-scores[chunk_id], chunk_id))


def _passage(chunk: StoredChunk, score: float, parts: Mapping[str, float]) -> Passage:
    return Passage(
        chunk_id=chunk.id,
        document_id=chunk.document_id,
        version=chunk.version,
        title=chunk.title,
        source_uri=chunk.source_uri,
        language=chunk.language,
        page=chunk.page,
        heading=chunk.heading,
        start=chunk.start,
        end=chunk.end,
        text=chunk.text,
        score=score,
        scores=parts,
        modified_at=_moment(chunk.mtime_ns),
    )


def _moment(nanoseconds: int) -> datetime | None:
    """0 where the file's time is not known; what no calendar holds is not known either."""
    try:
        return datetime.fromtimestamp(nanoseconds // 10**9, UTC) if nanoseconds > 0 else None
    except (ValueError, OverflowError, OSError):
        return None
