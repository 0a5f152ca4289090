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

from rag.domain import Matrix, Passage, Question, Vector
from rag.interfaces import Embedder
from rag.text.alignment import content_terms, coverage, rarity
from rag.text.sentences import split_sentences
from rag.text.tables import row_headers, with_labels

COVERAGE_WEIGHT = 0.3
"""Share of the question's terms in a sentence, added to its cosine; set on clapnq-dev's marked sentences."""

_CACHED_CHUNKS = 4096
_LONGEST_HEADING = 4  # words; a longer line without a full stop is a list item or a table row
_LIST_NUMBER = re.compile(r"^(?:\d+[.)]|\d+(?:\.\d+)+)\s+")
_STATES = re.compile(r"\d|[.!;:…|]")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Statement:
    """A sentence that could be an answer, and what is compared with the question."""

    start: int
    end: int
    read: str
    header: tuple[int, int] | None


def _statements(text: str) -> list[_Statement]:
    """The sentences that could be an answer: no questions, no headings, and rows with their labels."""
    headers = row_headers(text)
    labels = set(headers.values())
    found = []
    for start, end in split_sentences(text):
        sentence, header = text[start:end], headers.get((start, end))
        if (start, end) in labels or not _is_statement(sentence):
            continue
        read = with_labels(sentence, text[slice(*header)]) if header else sentence
        found.append(_Statement(start=start, end=end, read=read, header=header))
    return found


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
        header: for a table's row, the span of the line with the columns' labels.
    """

    passage: int
    start: int
    end: int
    text: str
    cosine: float
    coverage: float
    header: tuple[int, int] | None = None

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
        statements = [_statements(passage.text) for passage in passages]
        vectors = self._vectors(passages, statements)
        wanted = content_terms(question.text, question.language)
        terms = [
            [
                content_terms(f"{passage.heading} {statement.read}", question.language)
                for statement in of_passage
            ]
            for passage, of_passage in zip(passages, statements, strict=True)
        ]
        weights = rarity(group for groups in terms for group in groups)
        return [
            ScoredSentence(
                passage=place,
                start=statement.start,
                end=statement.end,
                text=passages[place].text[statement.start : statement.end],
                cosine=float(np.dot(vectors[place][index], vector)),
                coverage=coverage(wanted, terms[place][index], weights),
                header=statement.header,
            )
            for place, of_passage in enumerate(statements)
            for index, statement in enumerate(of_passage)
        ]

    def _question_vector(self, text: str) -> Vector:
        held = self._question
        if held is None or held[0] != text:
            held = self._question = (text, self._embedder.embed_query(text))
        return held[1]

    def _vectors(self, passages: Sequence[Passage], statements: Sequence[list[_Statement]]) -> list[Matrix]:
        keys = [(passage.chunk_id, passage.text) for passage in passages]
        with self._lock:
            known = {key: self._cache[key] for key in keys if key in self._cache}
        missing = [place for place, key in enumerate(keys) if key not in known]
        texts = [statement.read for place in missing for statement in statements[place]]
        embedded = self._embedder.embed_documents(texts)
        offset = 0
        for place in missing:
            known[keys[place]] = embedded[offset : offset + len(statements[place])]
            offset += len(statements[place])
        with self._lock:
            for key in keys:
                self._cache[key] = known[key]
                self._cache.move_to_end(key)
            while len(self._cache) > _CACHED_CHUNKS:
                self._cache.popitem(last=False)
        return [known[key] for key in keys]
