"""The statements of the retrieved passages, scored against the question: by words, then by the encoder.

All are read by their words; the few that say most are read by the encoder, which compares every word piece of
the question with the nearest one of the statement or its heading (late interaction, Khattab and Zaharia 2020,
https://arxiv.org/abs/2004.12832, here with an encoder that was not trained for it), and the two as a whole.
The extractive answerer and the answerability judge share the result.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np
from pydantic import BaseModel, ConfigDict

from rag.answering.first_reading import Candidate, FirstReading, read_words
from rag.domain import Matrix, Passage, PieceVectors, Question
from rag.interfaces import Embedder
from rag.logistic import Weights
from rag.retrieval.caches import BoundedCache

_WEIGHTS_FILE = "sentences.json"
_READ_CLOSELY = 6
"""Statements that the encoder reads: with more of them the first is right as often, and comes later."""

_PIECES_READ = 180  # word pieces in all; an eighth of a millisecond each, on one core
_LONGEST_STATEMENT, _LONGEST_HEADING = 48, 16
_FUNCTION_WORD = 0.3  # of the mean weight of the question's content words
_LOWEST = 1 / 3
_CACHED_TEXTS, _CACHED_READINGS = 512, 512
_WORD = re.compile(r"[^\W\d_]+|\d+")


class SentenceModel(BaseModel):
    """The stored file: how statements are ordered by their words, and once the encoder has read them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    words: Weights
    closely: Weights


@lru_cache(maxsize=1)
def stored_model() -> SentenceModel:
    """The weights that come with Footnote."""
    return SentenceModel.model_validate_json(files("rag.answering").joinpath(_WEIGHTS_FILE).read_bytes())


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoredSentence:
    """A statement of a passage as an answer candidate.

    Attributes:
        passage: place of the passage in the list, from 0.
        start, end: offsets into the passage's text.
        score: what candidates are ordered by; 1 more makes one e times as likely to be the answer.
        cosine: with the question, -1 to 1.
        likeness: mean over the question's word pieces of the nearest piece's cosine.
        weakest: the same of the third of its content words' pieces that are found least.
        header: for a table's row, the span of the line with the columns' labels.
        signals: all of them by name.
    """

    passage: int
    start: int
    end: int
    text: str
    score: float
    cosine: float
    likeness: float
    weakest: float
    header: tuple[int, int] | None
    signals: dict[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class EvidenceReading:
    """What was found in the passages.

    Attributes:
        sentences: those read closely, best first.
        held: share, 0 to 1, of the question's content words that any statement holds.
    """

    sentences: tuple[ScoredSentence, ...]
    held: float


class SentenceScorer:
    """Reads passages for questions; what was read last is kept."""

    def __init__(self, embedder: Embedder, model: SentenceModel | None = None) -> None:
        self._embedder = embedder
        self._model = model or stored_model()
        self._vectors: BoundedCache[str, PieceVectors] = BoundedCache(_CACHED_TEXTS)
        self._readings: BoundedCache[tuple[object, ...], EvidenceReading] = BoundedCache(_CACHED_READINGS)

    def passage_cosines(self, question: Question, passages: Sequence[Passage]) -> list[float]:
        """Cosine of each whole passage, with its title, for passages that retrieval has not scored."""
        texts = [f"{passage.title}\n{passage.text}" for passage in passages]
        similarities = self._embedder.embed_documents(texts) @ self._embedder.embed_query(question.text)
        return [float(value) for value in similarities]

    def read(self, question: Question, passages: Sequence[Passage]) -> EvidenceReading:
        """The statements of ``passages`` that may answer ``question``."""
        found = tuple((passage.chunk_id, passage.score, passage.text) for passage in passages)
        key = (question.text, question.language, found)
        return self._readings.get_or(key, lambda: self._read(question, passages))

    def _read(self, question: Question, passages: Sequence[Passage]) -> EvidenceReading:
        first = read_words(question, passages)
        ranked = sorted(first.candidates, key=lambda each: -self._model.words.logit(each.signals))
        chosen = self._affordable(ranked)
        if not chosen:
            return EvidenceReading(sentences=(), held=first.held)
        texts = [text for _, *read in chosen for text in read]
        vectors = self._embedded(dict.fromkeys([question.text, *texts]))
        asked = _Asked(question.text, vectors[question.text], first, self._embedder)
        sentences = [
            self._scored(candidate, asked, vectors[statement], vectors[heading], passages)
            for candidate, statement, heading in chosen
        ]
        return EvidenceReading(
            sentences=tuple(sorted(sentences, key=lambda each: -each.score)), held=first.held
        )

    def _affordable(self, ranked: Sequence[Candidate]) -> list[tuple[Candidate, str, str]]:
        """The first candidates, each with what the encoder reads of it and of its heading."""
        chosen: list[tuple[Candidate, str, str]] = []
        counted: dict[str, int] = {}
        for candidate in ranked[:_READ_CLOSELY]:
            statement, counted_statement = self._cut(candidate.statement.read, _LONGEST_STATEMENT)
            heading, counted_heading = self._cut(candidate.heading, _LONGEST_HEADING)
            with_it = counted | {statement: counted_statement, heading: counted_heading}
            if chosen and sum(with_it.values()) > _PIECES_READ:
                break
            counted = with_it
            chosen.append((candidate, statement, heading))
        return chosen

    def _cut(self, text: str, most: int) -> tuple[str, int]:
        offsets = self._embedder.token_offsets(text)
        return (text, len(offsets)) if len(offsets) <= most else (text[: offsets[most - 1][1]], most)

    def _embedded(self, texts: dict[str, None]) -> dict[str, PieceVectors]:
        known = {text: self._vectors.get(text) for text in texts}
        missing = [text for text, vectors in known.items() if vectors is None]
        for text, vectors in zip(missing, self._embedder.embed_pieces(missing), strict=True):
            known[text] = vectors
            self._vectors.put(text, vectors)
        return {text: vectors for text, vectors in known.items() if vectors is not None}

    def _scored(
        self,
        candidate: Candidate,
        asked: _Asked,
        statement: PieceVectors,
        heading: PieceVectors,
        passages: Sequence[Passage],
    ) -> ScoredSentence:
        likeness = asked.likeness([statement.pieces, heading.pieces])
        signals = candidate.signals | {
            "cosine": float(statement.text @ asked.vectors.text),
            "late_interaction": float(likeness @ asked.weights),
        }
        span = candidate.statement
        return ScoredSentence(
            passage=candidate.passage,
            start=span.start,
            end=span.end,
            text=passages[candidate.passage].text[span.start : span.end],
            score=self._model.closely.logit(signals),
            cosine=signals["cosine"],
            likeness=float(likeness.mean()) if likeness.size else 0.0,
            weakest=asked.weakest(likeness),
            header=span.header,
            signals=signals,
        )


class _Asked:
    """A question's word pieces and what each counts.

    Attributes:
        weights: of the pieces, by the rarity of their words; sum to 1.
    """

    def __init__(self, text: str, vectors: PieceVectors, read: FirstReading, embedder: Embedder) -> None:
        self.vectors = vectors
        words = {place: word.group() for word in _WORD.finditer(text) for place in range(*word.span())}
        offsets = embedder.token_offsets(text)[: len(vectors.pieces)]
        known = [read.weights.get(words.get(start, "")) for start, _ in offsets]
        other = _FUNCTION_WORD * float(np.mean([*read.weights.values()] or [1.0]))
        counted = np.array([other if weight is None else weight for weight in known])
        self.weights = counted / (counted.sum() or 1.0)
        self._is_content = np.array([weight is not None for weight in known], dtype=bool)

    def likeness(self, texts: Sequence[Matrix]) -> Matrix:
        """For every piece of the question the cosine of the nearest piece of any of the texts."""
        pieces = np.concatenate(texts)
        if not len(pieces):
            return np.zeros(len(self.weights), dtype=np.float32)
        nearest: Matrix = (self.vectors.pieces @ pieces.T).max(axis=1)
        return nearest

    def weakest(self, likeness: Matrix) -> float:
        """Mean of the third of the content words' pieces that are found least."""
        content = np.sort(likeness[self._is_content] if self._is_content.any() else likeness)
        return float(content[: max(1, int(len(content) * _LOWEST))].mean()) if content.size else 0.0
