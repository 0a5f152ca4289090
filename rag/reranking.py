"""Rerankers: the null one; a cross-encoder implements the same interface."""

from __future__ import annotations

from collections.abc import Sequence

from rag.domain import Passage, Question


class NoReranker:
    """Keeps the retriever's order."""

    def rerank(self, question: Question, passages: Sequence[Passage]) -> list[Passage]:
        """The passages as they came."""
        return list(passages)
