"""Searches that were made before, given again while nothing has changed that could change them."""

from __future__ import annotations

import time
from collections.abc import Hashable
from dataclasses import replace

from rag.domain import Access, Collection, SearchMode, SearchResult
from rag.errors import IndexBehind
from rag.filters import Filter
from rag.interfaces import Catalog, Indexes, Retriever
from rag.retrieval.caches import BoundedCache

_MOST_PASSAGES = 100
"""Longer results are not kept; a passage takes about a kilobyte."""


class CachingRetriever:
    """Another retriever, asked once for each search.

    A result is kept for who has exactly the same rights, the same filters, and the same state of the
    collection: its sequence (chunks), its revision (access groups, paths), its space (model) and its index's
    generation. All of these are read for each search, so another process's changes count at once.

    Args:
        size: results that are kept.
    """

    def __init__(self, retriever: Retriever, *, catalog: Catalog, indexes: Indexes, size: int) -> None:
        self._retriever = retriever
        self._catalog = catalog
        self._indexes = indexes
        self._results: BoundedCache[Hashable, SearchResult] = BoundedCache(size)

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
        """As the other retriever; ``timings_ms`` of a kept result say what it took this time."""
        started = time.perf_counter()
        state = self._state(self._catalog.collection(collection))
        key = (state, query, k, access.groups, mode, filters)
        kept = self._results.get(key) if state else None
        if kept is not None:
            spent = (time.perf_counter() - started) * 1000
            return replace(kept, timings_ms={"embed": 0.0, "retrieve": spent, "total": spent})
        result = self._retriever.retrieve(
            query, collection=collection, k=k, access=access, mode=mode, filters=filters
        )
        if state and len(result.passages) <= _MOST_PASSAGES:
            self._results.put(key, result)  # as new as the state that was read before it, or newer
        return result

    def _state(self, found: Collection) -> Hashable:
        """What results depend on besides the question; ``None`` while a re-embedding switches."""
        try:
            generation = self._indexes.snapshot(found).generation
        except IndexBehind:
            return None
        return found.id, found.space, found.sequence, found.revision, generation
