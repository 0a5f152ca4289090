"""Embedding of questions for many callers: one thread, small batches, and a cache of exact matches."""

from __future__ import annotations

from collections.abc import Sequence

from rag.domain import EmbeddingProfile, Matrix, PieceVectors, Vector
from rag.interfaces import Embedder
from rag.microbatching import MicroBatcher
from rag.retrieval.caches import BoundedCache

MOST_AT_ONCE = 8
"""Questions in a batch: on a core, eight take half the time of eight single ones, and more gain nothing."""


class QueryEmbedder:
    """The model ``embedder``, whose questions are embedded by one thread, those that wait together.

    A question's vector depends on the others in its batch only by the model's rounding: with the default
    model in bfloat16 the cosine to the vector of the question alone is at least 0.99999.

    Args:
        cached: vectors that are kept, by model and text.
    """

    def __init__(self, embedder: Embedder, *, cached: int) -> None:
        self._embedder = embedder
        self._cache: BoundedCache[tuple[str, str], Vector] = BoundedCache(cached)
        self._batches: MicroBatcher[str, Vector] = MicroBatcher("embed-query", self._embed, most=MOST_AT_ONCE)

    @property
    def profile(self) -> EmbeddingProfile:
        """Identity and limits of the model."""
        return self._embedder.profile

    @property
    def description(self) -> str:
        """Model, device and precision, for people."""
        return self._embedder.description

    @property
    def texts_at_once(self) -> int:
        """Documents worth giving to one call."""
        return self._embedder.texts_at_once

    def embed_query(self, text: str) -> Vector:
        """Embed one question, together with those that wait."""
        key = (self.profile.fingerprint, text)
        return self._cache.get_or(key, lambda: self._batches.result(text))

    def embed_queries(self, texts: Sequence[str]) -> Matrix:
        """Embed several questions at once, past the thread and the cache."""
        return self._embedder.embed_queries(texts)

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        """Embed texts."""
        return self._embedder.embed_documents(texts)

    def embed_pieces(self, texts: Sequence[str]) -> list[PieceVectors]:
        """Each text's vector and its word pieces'."""
        return self._embedder.embed_pieces(texts)

    def token_offsets(self, text: str) -> list[tuple[int, int]]:
        """Character span of every word piece of ``text``."""
        return self._embedder.token_offsets(text)

    def knows(self, text: str) -> bool:
        """Whether the model knows any part of a word of ``text``."""
        return self._embedder.knows(text)

    def _embed(self, texts: Sequence[str]) -> Sequence[Vector]:
        vectors = self._embedder.embed_queries(texts)
        vectors.setflags(write=False)  # callers share them
        return list(vectors)

    def close(self) -> None:
        """End the thread."""
        self._batches.close()
