"""The sentences of the retrieved passages, scored against the question.

Shared by the extractive answerer and the answerability judge. Sentence vectors are kept per chunk (a chunk
never changes), so a passage that comes back costs nothing.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rag.alignment import content_terms, coverage, rarity
from rag.domain import Matrix, Passage, Question, Vector
from rag.interfaces import Embedder
from rag.sentences import split_sentences

COVERAGE_WEIGHT = 0.3
"""Share of the question's terms in a sentence, added to its cosine; set on clapnq-dev's marked sentences."""

_CACHED_CHUNKS = 4096
_LONGEST_HEADING = 4  # words; a longer line without a full stop is a list item or a table row
_LIST_NUMBER = re.compile(r"^(?:\d+[.)]|\d+(?:\.\d+)+)\s+")
_STATES = re.compile(r"\d|[.!;:…|]")


def _statements(text: str) -> list[tuple[int, int]]:
    """Spans of the sentences that could be an answer: no questions, no headings."""
    return [(start, end) for start, end in split_sentences(text) if _is_statement(text[start:end])]


def _is_statement(sentence: str) -> bool:
    body = _LIST_NUMBER.sub("", sentence)
    is_heading = len(body.split()) <= _LONGEST_HEADING and not _STATES.search(body)
    return not is_heading and not body.endswith("?")


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoredSentence:
    """A sentence of a passage as an answer candidate.

    Attributes:
        passage: place of the passage in the list, from 0.
        start, end: offsets into the passage's text.
        cosine: with the question, -1 to 1.
        coverage: weighted share, 0 to 1, of the question's terms in the sentence and its heading.
    """

    passage: int
    start: int
    end: int
    text: str
    cosine: float
    coverage: float

    @property
    def score(self) -> float:
        """What candidates are ordered by."""
        return self.cosine + COVERAGE_WEIGHT * self.coverage


class SentenceScorer:
    """Splits passages into sentences and scores each against the question."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._cache: OrderedDict[tuple[int, str], Matrix] = OrderedDict()
        self._question: tuple[str, Vector] | None = None  # judge and answerer ask for the same one
        self._lock = threading.Lock()

    def passage_cosines(self, question: Question, passages: Sequence[Passage]) -> list[float]:
        """Cosine of each whole passage, with its title, for passages that retrieval has not scored."""
        texts = [f"{passage.title}\n{passage.text}" for passage in passages]
        similarities = self._embedder.embed_documents(texts) @ self._question_vector(question.text)
        return [float(value) for value in similarities]

    def score(self, question: Question, passages: Sequence[Passage]) -> list[ScoredSentence]:
        """Every statement in ``passages``, in reading order within each passage."""
        vector = self._question_vector(question.text)
        spans = [_statements(passage.text) for passage in passages]
        vectors = self._vectors(passages, spans)
        wanted = content_terms(question.text, question.language)
        terms = [
            [
                content_terms(f"{passage.heading} {passage.text[start:end]}", question.language)
                for start, end in places
            ]
            for passage, places in zip(passages, spans, strict=True)
        ]
        weights = rarity(group for groups in terms for group in groups)
        return [
            ScoredSentence(
                passage=place,
                start=start,
                end=end,
                text=passages[place].text[start:end],
                cosine=float(np.dot(vectors[place][index], vector)),
                coverage=coverage(wanted, terms[place][index], weights),
            )
            for place, places in enumerate(spans)
            for index, (start, end) in enumerate(places)
        ]

    def _question_vector(self, text: str) -> Vector:
        held = self._question
        if held is None or held[0] != text:
            held = self._question = (text, self._embedder.embed_query(text))
        return held[1]

    def _vectors(self, passages: Sequence[Passage], spans: Sequence[list[tuple[int, int]]]) -> list[Matrix]:
        keys = [(passage.chunk_id, passage.text) for passage in passages]
        with self._lock:
            known = {key: self._cache[key] for key in keys if key in self._cache}
        missing = [place for place, key in enumerate(keys) if key not in known]
        texts = [passages[place].text[start:end] for place in missing for start, end in spans[place]]
        embedded = self._embedder.embed_documents(texts)
        offset = 0
        for place in missing:
            known[keys[place]] = embedded[offset : offset + len(spans[place])]
            offset += len(spans[place])
        with self._lock:
            for key in keys:
                self._cache[key] = known[key]
                self._cache.move_to_end(key)
            while len(self._cache) > _CACHED_CHUNKS:
                self._cache.popitem(last=False)
        return [known[key] for key in keys]
