"""Reranking: passages read again together with the question, behind the retriever's own interface."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from rag.domain import Access, Passage, Question, SearchMode, SearchResult
from rag.filters import Filter
from rag.interfaces import Reranker, Retriever
from rag.text.language import detect_language


class NoReranker:
    """Keeps the retriever's order."""

    @property
    def description(self) -> str:
        """For people."""
        return "none"

    def rerank(self, question: Question, passages: Sequence[Passage]) -> list[Passage]:
        """The passages as they came."""
        return list(passages)


class RerankingRetriever:
    """Retrieves more passages than are wanted, has the best of them reread, and returns the wanted ones.

    Args:
        candidates: passages that the reranker reads for each question.
    """

    def __init__(self, retriever: Retriever, reranker: Reranker, *, candidates: int) -> None:
        self._retriever = retriever
        self._reranker = reranker
        self._candidates = candidates

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
        """At most ``k`` passages, best first; those beyond the candidates follow in the retriever's order.

        Raises: as the retriever does; ModelUnavailable when the reranker fails.
        """
        found = self._retriever.retrieve(
            query,
            collection=collection,
            k=max(k, self._candidates),
            access=access,
            mode=mode,
            filters=filters,
        )
        started = time.perf_counter()
        asked = Question(text=found.query, collection=collection, k=k, language=detect_language(found.query))
        reread = self._reranker.rerank(asked, found.passages[: self._candidates])
        passages = reread + _below(reread, found.passages[self._candidates :])
        spent = (time.perf_counter() - started) * 1000
        timings = {**found.timings_ms, "rerank": spent, "total": found.timings_ms["total"] + spent}
        return replace(found, passages=tuple(passages[:k]), timings_ms=timings)


def _below(reread: Sequence[Passage], rest: Sequence[Passage]) -> list[Passage]:
    """``rest`` with scores from the lowest of ``reread`` downwards: the two are on different scales."""
    if not reread or not rest:
        return list(rest)
    shift = reread[-1].score - rest[0].score
    return [replace(passage, score=passage.score + shift) for passage in rest]
