"""Hybrid retrieval: dense and keyword search, fused, re-read from the catalog under the asker's rights."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rag.beside import Beside
from rag.close_reading import CloseReader
from rag.domain import (
    Access,
    ChunkIds,
    Collection,
    Passage,
    SearchMode,
    SearchResult,
    StoredChunk,
    Vector,
)
from rag.encoder_scale import MeasuredEncoders
from rag.errors import InvalidRequest, StorageError
from rag.filters import Filter
from rag.fusion import FLAT_PLACE, EncoderScale, first_scores, flatness, read_score
from rag.interfaces import Catalog, Embedder, Indexes, IndexSnapshot
from rag.language import UNDETERMINED, detect_language
from rag.questions import checked_question

MAX_K = 1000
_MIN_CANDIDATES = 100
_READ_CLOSELY, _MOST_READ_CLOSELY = 50, 100


class HybridRetriever:
    """Finds passages by meaning and, in another thread meanwhile, by words.

    Args:
        embedder_for: the model that made a collection's vectors.
        beside: the threads that search by words.
        encoders: how each model's cosines are read.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        indexes: Indexes,
        embedder_for: Callable[[Collection], Embedder],
        beside: Beside,
        encoders: MeasuredEncoders,
    ) -> None:
        self._catalog = catalog
        self._indexes = indexes
        self._embedder_for = embedder_for
        self._encoders = encoders
        self._beside = beside

    def retrieve(
        self,
        query: str,
        *,
        collection: str,
        k: int,
        access: Access,
        mode: SearchMode = SearchMode.HYBRID,
        filters: Filter | None = None,
    ) -> SearchResult:
        """At most ``k`` passages of documents that pass ``filters``, best first.

        Raises:
            InvalidQuestion: the query is empty or too long.
            InvalidRequest: ``k`` is out of range.
            CollectionNotFound: no such collection.
            ModelUnavailable, EmbeddingMismatch: the collection's model is not there any more.
        """
        query = checked_question(query)
        if not 1 <= k <= MAX_K:
            raise InvalidRequest(f"k is {k}, expected 1 to {MAX_K}.")
        found = self._catalog.collection(collection)
        while True:
            try:
                result = self._retrieve(query, found, k=k, access=access, mode=mode, filters=filters)
            except StorageError:
                if not self._was_switched(found):
                    raise
            else:
                if not self._was_switched(found):
                    return result
            found = self._catalog.collection_by_id(found.id)

    def _was_switched(self, found: Collection) -> bool:
        """Whether the collection was re-embedded since it was looked up; its ids then mean nothing."""
        return self._catalog.collection_by_id(found.id).space != found.space

    def _retrieve(
        self,
        query: str,
        found: Collection,
        *,
        k: int,
        access: Access,
        mode: SearchMode,
        filters: Filter | None,
    ) -> SearchResult:
        started = time.perf_counter()
        snapshot = self._indexes.snapshot(found)
        allowed = self._catalog.visible_chunk_ids(found.id, access=access, filters=filters)
        asked = _Asked(query=query, mode=mode, candidates=max(_MIN_CANDIDATES, 2 * k), allowed=allowed)
        by_words = self._beside.run(lambda: _by_words(snapshot, asked))
        looked_up = time.perf_counter()
        try:
            embedder = None if mode is SearchMode.KEYWORD else self._embedder_for(found)
            vector = embedder.embed_query(query) if embedder else None
            embedded = time.perf_counter()
            dense = _by_meaning(snapshot, vector, asked)
            words = by_words.result()
        finally:
            by_words.forget()
        if vector is not None:  # hits by words get their exact cosine too
            dense |= snapshot.dense.similarities(vector, [id_ for id_ in words.scores if id_ not in dense])
        read = _Reading(catalog=self._catalog, collection=found, access=access, dense=dense, words=words)
        if embedder is None or words.reader is None:
            passages = read.in_order(dense if mode is SearchMode.DENSE else words.scores, k=k)
        else:
            scale = self._encoders.scales(embedder).in_language(words.language)
            passages = read.closely(scale, k=k)
        done = time.perf_counter()
        return SearchResult(
            query=query,
            passages=tuple(passages),
            timings_ms={
                "embed": (embedded - looked_up) * 1000,
                "retrieve": (done - embedded + looked_up - started) * 1000,
                "total": (done - started) * 1000,
            },
            query_vector=vector,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    """A question as the indexes take it."""

    query: str
    mode: SearchMode
    candidates: int
    allowed: ChunkIds | None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Words:
    """What the search by words found.

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
class _Reading:
    """Reads candidates from the catalog: only what it still holds, and the asker may read."""

    catalog: Catalog
    collection: Collection
    access: Access
    dense: Mapping[int, float]
    words: _Words

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


def _by_meaning(snapshot: IndexSnapshot, vector: Vector | None, asked: _Asked) -> dict[int, float]:
    """Cosine by chunk id."""
    if vector is None:
        return {}
    hits = snapshot.dense.search(vector, asked.candidates, allowed=asked.allowed)
    return {hit.chunk_id: hit.score for hit in hits}


def _by_words(snapshot: IndexSnapshot, asked: _Asked) -> _Words:
    """The search by words, and in hybrid mode what it takes to read candidates closely.

    Where the words hardly tell chunks apart, those of documents that the question names join the candidates.
    """
    if asked.mode is SearchMode.DENSE:
        return _Words(scores={})
    keyword = snapshot.keyword
    hits = keyword.search(asked.query, asked.candidates, allowed=asked.allowed)
    if asked.mode is SearchMode.KEYWORD:
        return _Words(scores={hit.chunk_id: hit.score for hit in hits})
    language = detect_language(asked.query)
    reader = CloseReader(asked.query, language=language, keyword=keyword)
    # As rarities do, flatness speaks of the whole collection, so that a filter changes no order.
    top = hits if asked.allowed is None else keyword.search(asked.query, FLAT_PLACE, allowed=None)
    level = flatness([hit.score for hit in top])
    if level and reader.names:
        hits += keyword.search(asked.query, asked.candidates, allowed=asked.allowed, naming=reader.names)
    scores = {hit.chunk_id: hit.score for hit in hits}
    return _Words(scores=scores, language=language, flatness=level, reader=reader)


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
    )
