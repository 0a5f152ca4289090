"""Collections of any size that no disk holds documents for: made-up texts and vectors.

Words follow Zipf's law as far as content words do (the commonest stands in a third of all chunks; the words
that the analyzers drop anyway are left out). Vectors lie around topics, as those of texts do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from rag.domain import Collection, Matrix, NewChunk, NewVersion
from rag.interfaces import Catalog

SEED = 20261121
WORDS = 120
_QUESTION = "What is the {} of a {} {} with {} or {}?"
_VOCABULARY = 100_000
_FLATTENED = 30  # added to a word's rank: without function words the first ones are not that common
_TOPICS = 2000
_SPREAD = 0.8  # length of what a chunk's vector has of its own, beside its topic's of length 1
_CHUNKS_PER_DOCUMENT = 500
_WORDS_A_PART, _PARTS = 5, 4  # of a sentence
_SYLLABLES = [first + second for first in "bdfgklmnprstvz" for second in "aeiou"]


class Synthesizer:
    """Draws texts and vectors; the same seed gives the same ones."""

    def __init__(self, dimension: int, *, seed: int = SEED) -> None:
        self._random = np.random.default_rng(seed)
        self._topics = _unit(np.random.default_rng(SEED).standard_normal((_TOPICS, dimension)))
        share = 1 / (np.arange(_VOCABULARY) + _FLATTENED)
        self._cumulated = np.cumsum(share / share.sum())
        self._vocabulary = np.array([_word(rank) for rank in range(_VOCABULARY)], dtype=object)

    def texts(self, count: int, words: int) -> list[str]:
        """``count`` texts of as many words each."""
        drawn = np.searchsorted(self._cumulated, self._random.random((count, words)))
        return [" ".join(row) for row in self._vocabulary[np.minimum(drawn, _VOCABULARY - 1)].tolist()]

    def passages(self, count: int) -> list[str]:
        """``count`` texts as long as a chunk, in sentences."""
        return [_prose(text) for text in self.texts(count, WORDS)]

    def questions(self, count: int) -> list[str]:
        """``count`` questions of five content words and the function words between them."""
        return [_QUESTION.format(*text.split()) for text in self.texts(count, _QUESTION.count("{}"))]

    def vectors(self, count: int) -> Matrix:
        """``count`` unit vectors."""
        topics = self._topics[self._random.integers(_TOPICS, size=count)]
        own = self._random.standard_normal(topics.shape) / np.sqrt(topics.shape[1])
        return np.asarray(_unit(topics + _SPREAD * own), dtype=np.float32)

    def fill(self, catalog: Catalog, collection: Collection, chunks: int) -> None:
        """Commit ``chunks`` chunks through the catalog, as documents of 500."""
        for number, start in enumerate(range(0, chunks, _CHUNKS_PER_DOCUMENT)):
            count = min(_CHUNKS_PER_DOCUMENT, chunks - start)
            version = _version(number, self.passages(count), self.vectors(count))
            catalog.put_source(collection.id, [version])


def _prose(text: str) -> str:
    """The words as sentences of twenty with a few function words, without which no text has a language."""
    words = text.split()
    parts = [" ".join(words[at : at + _WORDS_A_PART]) for at in range(0, len(words), _WORDS_A_PART)]
    return " ".join(f"The {' of the '.join(parts[at : at + _PARTS])}." for at in range(0, len(parts), _PARTS))


def _word(rank: int) -> str:
    """A pronounceable word; no two ranks have the same."""
    syllables: list[str] = []
    while rank or len(syllables) < 2:
        rank, place = divmod(rank, len(_SYLLABLES))
        syllables.append(_SYLLABLES[place])
    return "".join(syllables)


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def _version(number: int, texts: Sequence[str], vectors: Matrix) -> NewVersion:
    title = f"Document {number}"
    return NewVersion(
        root="synthetic",
        path=f"{number}.txt",
        source_uri=f"synthetic/{number}.txt",
        sha256=f"{number:064x}",
        size=sum(map(len, texts)),
        mtime_ns=0,
        media_type="text/plain",
        title=title,
        language="en",
        text="\n".join(texts),
        chunks=tuple(_chunks(title, texts, vectors)),
    )


def _chunks(title: str, texts: Sequence[str], vectors: Matrix) -> Iterator[NewChunk]:
    offset = 0
    for ordinal, (text, vector) in enumerate(zip(texts, vectors, strict=True)):
        yield NewChunk(
            ordinal=ordinal,
            start=offset,
            end=offset + len(text),
            text=text,
            heading="",
            page=None,
            context=title,
            tokens=WORDS,
            vector=vector,
        )
        offset += len(text) + 1
