"""Hybrid retrieval: dense and keyword search, fused, re-read from the catalog under the asker's rights."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from rag.domain import Access, ChunkIds, Collection, SearchMode, SearchResult, Vector
from rag.errors import InvalidRequest, StorageError
from rag.filters import Filter
from rag.interfaces import Catalog, Embedder, Indexes, IndexSnapshot
from rag.questions import checked_question
from rag.retrieval.beside import Beside
from rag.retrieval.candidates import Candidates, FoundByWords
from rag.retrieval.close_reading import CloseReader
from rag.retrieval.encoder_scale import MeasuredEncoders
from rag.retrieval.fusion import FLAT_PLACE, flatness
from rag.text.language import detect_language

MAX_K = 1000
_MIN_CANDIDATES = 100


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
            vector = embedder.embed_query(query) if embedder and embedder.knows(query) else None
            embedded = time.perf_counter()
            dense = _by_meaning(snapshot, vector, asked)
            words = by_words.result()
        finally:
            by_words.forget()
        if vector is not None:  # hits by words get their exact cosine too
            dense |= snapshot.dense.similarities(vector, [id_ for id_ in words.scores if id_ not in dense])
        candidates = Candidates(
            catalog=self._catalog, collection=found, access=access, dense=dense, words=words
        )
        if embedder is None or words.reader is None:
            passages = candidates.in_order(dense if mode is SearchMode.DENSE else words.scores, k=k)
        else:
            scale = self._encoders.scales(embedder).in_language(words.language)
            passages = candidates.closely(scale, k=k)
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


def _by_meaning(snapshot: IndexSnapshot, vector: Vector | None, asked: _Asked) -> dict[int, float]:
    """Cosine by chunk id."""
    if vector is None:
        return {}
    hits = snapshot.dense.search(vector, asked.candidates, allowed=asked.allowed)
    return {hit.chunk_id: hit.score for hit in hits}


def _by_words(snapshot: IndexSnapshot, asked: _Asked) -> FoundByWords:
    """The search by words, and in hybrid mode what it takes to read candidates closely.

    Where the words hardly tell chunks apart, those of documents that the question names join the candidates.
    """
    if asked.mode is SearchMode.DENSE:
        return FoundByWords(scores={})
    keyword = snapshot.keyword
    hits = keyword.search(asked.query, asked.candidates, allowed=asked.allowed)
    if asked.mode is SearchMode.KEYWORD:
        return FoundByWords(scores={hit.chunk_id: hit.score for hit in hits})
    language = detect_language(asked.query)
    reader = CloseReader(asked.query, language=language, keyword=keyword)
    # As rarities do, flatness speaks of the whole collection, so that a filter changes no order.
    top = hits if asked.allowed is None else keyword.search(asked.query, FLAT_PLACE, allowed=None)
    level = flatness([hit.score for hit in top])
    if level and reader.names:
        hits += keyword.search(asked.query, asked.candidates, allowed=asked.allowed, naming=reader.names)
    scores = {hit.chunk_id: hit.score for hit in hits}
    return FoundByWords(scores=scores, language=language, flatness=level, reader=reader)
