"""Retrieval that shows no text twice and no document alone, as answers are written from it.

Copies of a text crowd everything else out of a prompt, and so does one long document that repeats itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from rag.domain import Access, Passage, SearchMode, SearchResult
from rag.filters import Filter
from rag.index.analysis import folded
from rag.interfaces import Retriever

_FETCHED = 3
_MOST_FETCHED = 100  # retrieval does not read more of them closely
_SHINGLE = 5  # words
_SAME = 0.9  # share of the longer text’s shingles that the other holds too


class DistinctRetriever:
    """Chooses from what another retriever finds.

    Args:
        per_document: passages of one document, while others are left.
    """

    def __init__(self, retriever: Retriever, *, per_document: int) -> None:
        self._retriever = retriever
        self._per_document = per_document

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
        """At most ``k`` passages, best first, chosen by :func:`choose_passages`. Raises as the other does."""
        fetched = max(k, min(_FETCHED * k, _MOST_FETCHED))
        found = self._retriever.retrieve(
            query, collection=collection, k=fetched, access=access, mode=mode, filters=filters
        )
        chosen = choose_passages(found.passages, k=k, per_document=self._per_document)
        return replace(found, passages=tuple(chosen))


def choose_passages(passages: Sequence[Passage], *, k: int, per_document: int) -> list[Passage]:
    """At most ``k`` of the passages, in their order.

    Of texts that hardly differ the best-ranked is kept. Of one document ``per_document`` passages are taken,
    and more of them only where the others do not fill ``k`` places.
    """
    distinct = _without_repetitions(passages)
    taken: Counter[str] = Counter()
    within: list[int] = []
    beyond: list[int] = []
    for place, passage in enumerate(distinct):
        taken[passage.document_id] += 1
        (within if taken[passage.document_id] <= per_document else beyond).append(place)
    chosen = sorted((within + beyond)[:k])
    return [distinct[place] for place in chosen]


def _without_repetitions(passages: Sequence[Passage]) -> list[Passage]:
    kept: list[Passage] = []
    seen: list[frozenset[tuple[str, ...]]] = []
    for passage in passages:
        shingles = _shingles(passage.text)
        if not any(_same(shingles, other) for other in seen):
            kept.append(passage)
            seen.append(shingles)
    return kept


def _shingles(text: str) -> frozenset[tuple[str, ...]]:
    """Runs of five words; a shorter text is one run."""
    words = folded(text).split()
    return frozenset(tuple(words[at : at + _SHINGLE]) for at in range(max(1, len(words) - _SHINGLE + 1)))


def _same(one: frozenset[tuple[str, ...]], other: frozenset[tuple[str, ...]]) -> bool:
    return len(one & other) >= _SAME * max(len(one), len(other))
