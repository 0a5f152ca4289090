"""Stand-ins for the edges: a hashed bag-of-words embedder and a scripted generator."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence

import numpy as np

from rag.cancellation import Cancellation
from rag.domain import Draft, EmbeddingProfile, GeneratorItem, Matrix, PieceVectors, Prompt, Vector

_WORD = re.compile(r"\w+|[^\w\s]")


class HashedEmbedder:
    """Words hashed into dimensions: near texts give near vectors, equal texts equal ones."""

    def __init__(self, *, dimension: int = 256, max_tokens: int = 256, name: str = "hashed") -> None:
        self._profile = EmbeddingProfile(
            fingerprint=f"{name}:{dimension}", dimension=dimension, max_tokens=max_tokens
        )
        self.embedded: list[str] = []

    @property
    def profile(self) -> EmbeddingProfile:
        return self._profile

    @property
    def description(self) -> str:
        return "hashed bag of words (test)"

    @property
    def texts_at_once(self) -> int:
        return 128

    def embed_query(self, text: str) -> Vector:
        return self._embed(text)

    def embed_queries(self, texts: Sequence[str]) -> Matrix:
        vectors = [self._embed(text) for text in texts]
        return np.array(vectors, dtype=np.float32).reshape(len(texts), self._profile.dimension)

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        self.embedded.extend(texts)
        if not texts:
            return np.zeros((0, self._profile.dimension), dtype=np.float32)
        return np.stack([self._embed(text) for text in texts])

    def embed_pieces(self, texts: Sequence[str]) -> list[PieceVectors]:
        self.embedded.extend(texts)
        return [PieceVectors(text=self._embed(text), pieces=self._pieces(text)) for text in texts]

    def _pieces(self, text: str) -> Matrix:
        offsets = self.token_offsets(text)[: self._profile.max_tokens]
        return self.embed_queries([text[start:end] for start, end in offsets])

    def token_offsets(self, text: str) -> list[tuple[int, int]]:
        return [match.span() for match in _WORD.finditer(text)]

    def knows(self, text: str) -> bool:
        return bool(re.search(r"\w", text))

    def _embed(self, text: str) -> Vector:
        vector = np.zeros(self._profile.dimension, dtype=np.float32)
        for word in re.findall(r"\w+", text.lower()):
            vector[zlib.crc32(word.encode()) % self._profile.dimension] += 1.0
        norm = float(np.linalg.norm(vector))
        return vector / norm if norm else vector


class ScriptedGenerator:
    """Answers from a queue, in pieces, and remembers every prompt."""

    def __init__(self, *answers: str | Exception, name: str = "scripted") -> None:
        self._answers = list(answers)
        self._name = name
        self.prompts: list[Prompt] = []

    @property
    def name(self) -> str:
        return self._name

    def stream(self, prompt: Prompt, *, cancellation: Cancellation | None = None) -> Iterator[GeneratorItem]:
        self.prompts.append(prompt)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        yield from re.findall(r"\S+\s*", answer)
        yield Draft(text=answer, llm=self._name)
