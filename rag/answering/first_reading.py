"""Reading passages for a question by their words alone: cheap, so every statement is read.

Words count by how few of the statements hold them. A statement is read by its stems, as the index does, and
by its letters, four at a time: *privés* is close to *privée*, and to ``donnéesprivées``, where a blank was
lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rag.answering.asked import wanted_kind
from rag.answering.statements import Statement, statements
from rag.domain import Passage, Question
from rag.index.analysis import content_words, folded
from rag.text.alignment import content_terms, coverage, rarity

SIGNALS = (
    "coverage",
    "coverage_before",
    "letters",
    "letters_headed",
    "passage",
    "lacks_kind",
    "short",
    "first",
)
_GRAM = 4
_FURTHEST = -0.3
"""A passage's score below the best one's counts down to here: other rankers have other scales."""

_SHORT = 4  # words
_CACHED_PASSAGES = 1024
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A statement with what its words say.

    Attributes:
        passage: place of its passage in the list, from 0.
        heading: title, heading path and caption that it stands under.
        signals: by name, see :data:`SIGNALS`.
    """

    passage: int
    statement: Statement
    heading: str
    signals: dict[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class FirstReading:
    """All statements of the passages.

    Attributes:
        weights: rarity of the question's content words among the statements, by word.
        held: mean over these words of the share of a word's letters in the statement that holds most of it.
    """

    candidates: tuple[Candidate, ...]
    weights: dict[str, float]
    held: float


@dataclass(frozen=True, kw_only=True, slots=True)
class _Read:
    """What a statement is made of, whatever is asked."""

    statement: Statement
    heading: str
    terms: frozenset[str]
    heading_terms: frozenset[str]
    terms_before: frozenset[str]
    letters: str
    heading_letters: str


def read_words(question: Question, passages: Sequence[Passage]) -> FirstReading:
    """Read every statement of ``passages`` for ``question``."""
    read = [
        (place, each)
        for place, passage in enumerate(passages)
        for each in _read_passage(passage.text, passage.title, passage.heading, question.language)
    ]
    words = content_words(question.text, question.language)
    shares, headed = _shares(words, [each for _, each in read])
    rarities = _rarities(shares)
    total = float(rarities.sum()) or 1.0
    wanted = content_terms(question.text, question.language)
    weights = rarity(each.terms | each.heading_terms for _, each in read)
    kind = wanted_kind(question.text)
    best = max((passage.score for passage in passages), default=0.0)
    candidates = []
    for row, (place, each) in enumerate(read):
        headed_terms = each.terms | each.heading_terms
        signals = {
            "coverage": coverage(wanted, headed_terms, weights),
            "coverage_before": coverage(wanted, headed_terms | each.terms_before, weights),
            "letters": float(shares[row] @ rarities) / total,
            "letters_headed": float(headed[row] @ rarities) / total,
            "passage": max(passages[place].score - best, _FURTHEST),
            "lacks_kind": float(kind is not None and not kind.search(each.statement.read)),
            "short": float(len(each.statement.read.split()) < _SHORT),
            "first": float(row == 0 or read[row - 1][0] != place),
        }
        candidates.append(
            Candidate(passage=place, statement=each.statement, heading=each.heading, signals=signals)
        )
    return FirstReading(
        candidates=tuple(candidates),
        weights=dict(zip(words, map(float, rarities), strict=True)),
        held=float(headed.max(axis=0).mean()) if headed.size else 0.0,
    )


@lru_cache(maxsize=_CACHED_PASSAGES)
def _terms(text: str, language: str) -> frozenset[str]:
    """The terms of a heading, or of a sentence that is also the one before the next."""
    return content_terms(text, language)


@lru_cache(maxsize=_CACHED_PASSAGES)
def _read_passage(text: str, title: str, heading: str, language: str) -> tuple[_Read, ...]:
    path = [part for part in (title, heading) if part]
    found = []
    for statement in statements(text):
        above = " > ".join([*path, statement.caption] if statement.caption else path)
        found.append(
            _Read(
                statement=statement,
                heading=above,
                terms=_terms(statement.read, language),
                heading_terms=_terms(above, language),
                terms_before=_terms(statement.before, language),
                letters=folded(statement.read),
                heading_letters=folded(above),
            )
        )
    return tuple(found)


def _shares(words: Sequence[str], read: Sequence[_Read]) -> tuple[Floats, Floats]:
    """Per statement and word the squared share of the word's letters, without and with the heading."""
    shares, headed = np.zeros((2, len(read), len(words)))
    for column, word in enumerate(map(folded, words)):
        grams = [word[start : start + _GRAM] for start in range(max(1, len(word) - _GRAM + 1))]
        for row, each in enumerate(read):
            shares[row, column] = _share(word, grams, each.letters)
            headed[row, column] = _share(word, grams, f"{each.letters} {each.heading_letters}")
    return shares, headed


def _share(word: str, grams: Sequence[str], text: str) -> float:
    return 1.0 if word in text else (sum(gram in text for gram in grams) / len(grams)) ** 2


def _rarities(shares: Floats) -> Floats:
    """BM25's inverse document frequency, a statement holding a word as far as it holds its letters."""
    held = shares.sum(axis=0)
    rarities: Floats = np.log(1 + (len(shares) - held + 0.5) / (held + 0.5))
    return rarities
