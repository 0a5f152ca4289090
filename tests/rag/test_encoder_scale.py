"""How an encoder's cosines are read, measured on the encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from rag.domain import EmbeddingProfile, Matrix, Vector
from rag.retrieval.encoder_scale import ENGLISH_SHARE, FOREIGN_SHARE, EncoderScales, MeasuredEncoders, measure
from tests.fakes import HashedEmbedder


@dataclass
class Squeezed:
    """An embedder whose vectors lie close together, as those of some models do."""

    inner: HashedEmbedder
    asked: int = 0

    @property
    def profile(self) -> EmbeddingProfile:
        return self.inner.profile

    @property
    def description(self) -> str:
        return "squeezed"

    @property
    def texts_at_once(self) -> int:
        return 128

    def embed_query(self, text: str) -> Vector:
        return np.asarray(self.embed_documents([text])[0])

    def embed_queries(self, texts: Sequence[str]) -> Matrix:
        return self.embed_documents(texts)

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        self.asked += 1
        vectors = self.inner.embed_documents(texts)
        vectors = vectors + 3 / np.sqrt(vectors.shape[1])
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)

    def token_offsets(self, text: str) -> list[tuple[int, int]]:
        return [(place, place + 1) for place, letter in enumerate(text) if letter.isalnum()]

    def knows(self, text: str) -> bool:
        return self.inner.knows(text)


def scales(en: float, fr: float) -> EncoderScales:
    return EncoderScales(origin=0.0, spread=0.08, pieces={"en": en, "fr": fr})


def test_a_foreign_language_leaves_more_to_words() -> None:
    english = scales(en=1.16, fr=1.77)
    assert english.share_of("en") == english.share_of("und") == ENGLISH_SHARE
    assert english.share_of("fr") == english.share_of("de") == pytest.approx(FOREIGN_SHARE)


def test_an_encoder_that_knows_both_languages_treats_them_alike() -> None:
    multilingual = scales(en=1.25, fr=1.3)
    assert multilingual.share_of("fr") == multilingual.share_of("en") == ENGLISH_SHARE


def test_a_share_that_is_set_holds_for_every_language() -> None:
    given = EncoderScales(origin=0.0, spread=0.08, pieces={"en": 1.1, "fr": 2.0}, share=0.7)
    assert given.in_language("fr").share == given.in_language("en").share == 0.7
    assert "as set" in given.describe()


def test_cosines_that_lie_close_together_are_spread() -> None:
    plain = HashedEmbedder()
    wide, narrow = measure(plain), measure(Squeezed(plain))
    assert narrow.origin > 0.8 > wide.origin
    assert narrow.in_language("en").spread > 2 * wide.in_language("en").spread


def test_an_encoder_is_measured_once() -> None:
    embedder, encoders = Squeezed(HashedEmbedder()), MeasuredEncoders()
    assert encoders.scales(embedder) is encoders.scales(embedder)
    assert embedder.asked == 1
