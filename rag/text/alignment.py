"""Which part of a text carries a sentence: shared by citing, answering and checking.

A sentence and a text are compared by their content terms (see :mod:`rag.index.analysis`: lower case,
unaccented, stemmed, no function words), each weighted by its rarity in the text at hand.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rag.index.analysis import terms
from rag.text.sentences import split_sentences

_WORD = re.compile(r"[^\W\d_]+|\d+")
_BLANKS = re.compile(r"\s+")
_NOT_WITHIN_BEFORE = r"(?<!\w)(?<!\d[.,])"
_NOT_WITHIN_AFTER = r"(?!\w)(?![.,]\d)"


@dataclass(frozen=True, slots=True)
class Term:
    """A content term with the place of its word; offsets into the text it was read from."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Window:
    """Some consecutive sentences of a text and the terms in them."""

    start: int
    end: int
    terms: frozenset[str]


@dataclass(frozen=True, slots=True)
class Match:
    """The window that carries a sentence best.

    Attributes:
        coverage: weighted share, 0 to 1, of the sentence's terms that the window holds.
    """

    start: int
    end: int
    coverage: float


@lru_cache(maxsize=200_000)
def _stem(word: str, language: str) -> str | None:
    found = terms(word, language)
    return found[0] if found else None


def located_terms(text: str, language: str) -> list[Term]:
    """Content terms of ``text`` in order, with the places of their words."""
    located = []
    for match in _WORD.finditer(text):
        term = _stem(match.group().lower(), language)
        if term is not None:
            located.append(Term(term, match.start(), match.end()))
    return located


def content_terms(text: str, language: str) -> frozenset[str]:
    """The distinct content terms of ``text``."""
    return frozenset(term.text for term in located_terms(text, language))


def windows(text: str, language: str, *, longest: int = 2) -> list[Window]:
    """Every run of 1 to ``longest`` consecutive sentences of ``text``."""
    spans = split_sentences(text)
    single = [content_terms(text[start:end], language) for start, end in spans]
    found = []
    for length in range(1, longest + 1):
        for first in range(len(spans) - length + 1):
            held = frozenset().union(*single[first : first + length])
            found.append(Window(spans[first][0], spans[first + length - 1][1], held))
    return found


class Rarity(dict[str, float]):
    """Weights of terms; one without a weight occurs nowhere in the evidence and gets the highest there is."""

    def __init__(self, weights: Mapping[str, float]) -> None:
        super().__init__(weights)
        self._heaviest = max(self.values(), default=1.0)

    def __missing__(self, term: str) -> float:
        return self._heaviest


def rarity(groups: Iterable[frozenset[str]]) -> Rarity:
    """Inverse document frequency of each term over ``groups``, smoothed, at least 1."""
    groups = list(groups)
    counts = Counter(term for group in groups for term in group)
    return Rarity({term: 1.0 + math.log((1 + len(groups)) / (1 + count)) for term, count in counts.items()})


def coverage(wanted: frozenset[str], held: frozenset[str], weights: Rarity) -> float:
    """Weighted share of ``wanted`` terms in ``held``; 0 when nothing is wanted."""
    total = sum(weights[term] for term in wanted)
    return sum(weights[term] for term in wanted & held) / total if total else 0.0


def best_match(sentence: str, text: str, language: str) -> Match | None:
    """The shortest part of ``text`` that carries ``sentence`` best; ``None`` without a common term.

    A sentence that stands in the text word for word matches there exactly, whatever its white space.
    """
    verbatim = find_verbatim(sentence, text)
    if verbatim is not None:
        return Match(*verbatim, 1.0)
    wanted = content_terms(sentence, language)
    candidates = windows(text, language)
    weights = rarity(window.terms for window in candidates)
    return _best(wanted, candidates, weights)


def _best(wanted: frozenset[str], candidates: Sequence[Window], weights: Rarity) -> Match | None:
    best: Match | None = None
    for window in candidates:
        share = coverage(wanted, window.terms, weights)
        # A longer window must carry clearly more to win; candidates come shortest first.
        if share > 0 and (best is None or share > best.coverage + 0.1):
            best = Match(window.start, window.end, share)
    return best


def find_verbatim(sentence: str, text: str) -> tuple[int, int] | None:
    """Where ``sentence`` stands in ``text``, any run of white space equal to any other.

    It must begin and end where words and figures do: "5 days" does not stand in "25 days".
    """
    words = sentence.split()
    if not words or " ".join(words) not in _BLANKS.sub(" ", text):
        return None
    pattern = r"\s+".join(map(re.escape, words))
    if words[0][0].isalnum():
        pattern = _NOT_WITHIN_BEFORE + pattern
    if words[-1][-1].isalnum():
        pattern += _NOT_WITHIN_AFTER
    match = re.search(pattern, text)
    return match.span() if match else None
