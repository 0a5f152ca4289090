"""Hybrid retrieval: dense and keyword search, fused, re-read from the catalog under the asker's rights."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from rag.beside import Beside
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
from rag.errors import InvalidRequest, StorageError
from rag.filters import Filter
from rag.fusion import dense_weight, fuse
from rag.interfaces import Catalog, Embedder, Indexes, IndexSnapshot
from rag.language import detect_language
from rag.questions import checked_question

MAX_K = 1000
_MIN_CANDIDATES = 100


class HybridRetriever:
    """Finds passages by meaning and, in another thread meanwhile, by words.

    Args:
        embedder_for: the model that made a collection's vectors.
        beside: the threads that search by words.
        weight: share of the dense score for every question; ``None``: by the question's language.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        indexes: Indexes,
        embedder_for: Callable[[Collection], Embedder],
        beside: Beside,
        weight: float | None = None,
    ) -> None:
        self._catalog = catalog
        self._indexes = indexes
        self._embedder_for = embedder_for
        self._weight = weight
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
        candidates = max(_MIN_CANDIDATES, 2 * k)
        by_words = self._beside.run(lambda: _by_words(snapshot, query, mode, candidates, allowed))
        looked_up = time.perf_counter()
        try:
            vector = None if mode is SearchMode.KEYWORD else self._embedder_for(found).embed_query(query)
            embedded = time.perf_counter()
            dense = _by_meaning(snapshot, vector, candidates, allowed)
            keyword = by_words.result()
        finally:
            by_words.forget()
        if vector is not None:  # hits by words get their exact cosine too
            dense |= snapshot.dense.similarities(vector, [id_ for id_ in keyword if id_ not in dense])
        fused = self._rank(query, mode, dense, keyword)
        passages = self._read(found, fused, dense, keyword, k=k, access=access)
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

    def _rank(
        self, query: str, mode: SearchMode, dense: Mapping[int, float], keyword: Mapping[int, float]
    ) -> Mapping[int, float]:
        if mode is SearchMode.DENSE:
            return dense
        if mode is SearchMode.KEYWORD:
            return keyword
        weight = self._weight if self._weight is not None else dense_weight(detect_language(query))
        return fuse(dense, keyword, weight=weight)

    def _read(
        self,
        collection: Collection,
        scores: Mapping[int, float],
        dense: Mapping[int, float],
        keyword: Mapping[int, float],
        *,
        k: int,
        access: Access,
    ) -> list[Passage]:
        """The best ``k`` that the catalog still holds and the asker may read."""
        ranked = sorted(scores, key=lambda chunk_id: (-scores[chunk_id], chunk_id))
        passages: list[Passage] = []
        for start in range(0, len(ranked), k):
            block = ranked[start : start + k]
            stored = self._catalog.chunks_by_id(collection.id, block, access=access)
            passages += [
                _passage(stored[chunk_id], scores[chunk_id], dense, keyword)
                for chunk_id in block
                if chunk_id in stored
            ]
            if len(passages) >= k:
                break
        return passages[:k]


def _by_meaning(
    snapshot: IndexSnapshot, vector: Vector | None, count: int, allowed: ChunkIds | None
) -> dict[int, float]:
    """Cosine by chunk id."""
    if vector is None:
        return {}
    return {hit.chunk_id: hit.score for hit in snapshot.dense.search(vector, count, allowed=allowed)}


def _by_words(
    snapshot: IndexSnapshot, query: str, mode: SearchMode, count: int, allowed: ChunkIds | None
) -> dict[int, float]:
    """BM25 by chunk id."""
    if mode is SearchMode.DENSE:
        return {}
    return {hit.chunk_id: hit.score for hit in snapshot.keyword.search(query, count, allowed=allowed)}


def _passage(
    chunk: StoredChunk, score: float, dense: Mapping[int, float], keyword: Mapping[int, float]
) -> Passage:
    parts = {"dense": dense.get(chunk.id), "keyword": keyword.get(chunk.id)}
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
        scores={name: value for name, value in parts.items() if value is not None},
    )
