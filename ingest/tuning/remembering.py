"""An embedder that keeps what it has embedded: judging and re-embedding want the same vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from rag.domain import EmbeddingProfile, Matrix, PieceVectors, Vector
from rag.interfaces import Embedder


class RememberingEmbedder:
    """Gives the vectors of another embedder, each text's computed once."""

    def __init__(self, embedder: Embedder, known: dict[str, Vector] | None = None) -> None:
        self._embedder = embedder
        self._known = dict(known or {})

    @property
    def profile(self) -> EmbeddingProfile:
        """Of the other embedder."""
        return self._embedder.profile

    @property
    def description(self) -> str:
        """Of the other embedder."""
        return self._embedder.description

    @property
    def texts_at_once(self) -> int:
        """Of the other embedder."""
        return self._embedder.texts_at_once

    def embed_query(self, text: str) -> Vector:
        """Embed one question."""
        return self._embedder.embed_query(text)

    def embed_queries(self, texts: Sequence[str]) -> Matrix:
        """Embed several questions."""
        return self._embedder.embed_queries(texts)

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        """Embed texts, in order."""
        vectors = self.vectors(texts, step=lambda share: None)
        return np.stack([vectors[text] for text in texts]) if texts else self._embedder.embed_documents(texts)

    def embed_pieces(self, texts: Sequence[str]) -> list[PieceVectors]:
        """Each text's vector and its word pieces'."""
        return self._embedder.embed_pieces(texts)

    def token_offsets(self, text: str) -> list[tuple[int, int]]:
        """Character spans of the word pieces."""
        return self._embedder.token_offsets(text)

    def knows(self, text: str) -> bool:
        """Whether the model knows any part of a word of the text."""
        return self._embedder.knows(text)

    def vectors(self, texts: Sequence[str], *, step: Callable[[float], None]) -> dict[str, Vector]:
        """The texts' vectors; ``step`` is told which share of the new ones is done."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        at_once = self._embedder.texts_at_once  # how soon progress is told
        for start in range(0, len(new), at_once):
            part = new[start : start + at_once]
            self._known.update(zip(part, self._embedder.embed_documents(part), strict=True))
            step(min((start + at_once) / len(new), 1.0))
        return {text: self._known[text] for text in texts}
