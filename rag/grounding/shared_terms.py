"""What a sentence and its evidence have in common, term by term."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from rag.domain import Evidence
from rag.text.alignment import Term, Window, content_terms, coverage, located_terms, rarity, windows

_NAME = re.compile(r"(?<=[\w,;:’'] )[A-ZÀ-Þ][\w'’-]+")
_NEAREST = 2
_KEPT = 500
"""Texts whose windows are remembered: the next answer often rests on the same passages."""


@dataclass(frozen=True, slots=True)
class EvidenceWindow:
    """A window of one evidence text."""

    evidence: int
    window: Window
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SharedTerms:
    """What was found out about one sentence; shares weigh rare terms more and are between 0 and 1.

    Attributes:
        coverage_all: share of the sentence's terms that the evidence holds.
        coverage_best: share that one window of it holds.
        bigrams: share of its pairs of consecutive terms that the evidence has too; unweighted.
        missing_names: share of its names that the evidence lacks; unweighted.
        longest_gap: terms in a row that the evidence lacks, as a share of all.
        length: logarithm of 1 and the number of terms.
        best: the window with the largest share, if any term is shared.
        terms: content terms of the sentence, in order.
        missing: those that no evidence holds.
    """

    coverage_all: float
    coverage_best: float
    bigrams: float
    missing_names: float
    longest_gap: float
    length: float
    best: EvidenceWindow | None
    terms: tuple[Term, ...]
    missing: tuple[Term, ...]


class EvidenceIndex:
    """Evidence texts cut into windows, ready to be compared with many sentences."""

    def __init__(self, evidence: Sequence[Evidence], language: str) -> None:
        self._language = language
        self.windows = [
            EvidenceWindow(place, window, text.text[window.start : window.end])
            for place, text in enumerate(evidence)
            for window in _windows(text.text, language)
        ]
        self._weights = rarity(found.window.terms for found in self.windows)
        everything = "\n".join(text.text for text in evidence)
        sequence = [term.text for term in located_terms(everything, language)]
        self._terms = frozenset(sequence)
        self._bigrams = frozenset(pairwise(sequence))
        self._words = everything.lower()

    def nearest(self, sentence: str) -> list[EvidenceWindow]:
        """The two windows that share most with ``sentence``, best first."""
        shares = self._shares(content_terms(sentence, self._language))
        order = sorted(range(len(shares)), key=lambda place: (-shares[place], place))
        return [self.windows[place] for place in order[:_NEAREST]]

    def shared(self, sentence: str) -> SharedTerms:
        """Compare ``sentence`` with the evidence."""
        located = located_terms(sentence, self._language)
        wanted = frozenset(term.text for term in located)
        shares = self._shares(wanted)
        best_share = max(shares, default=0.0)
        bigrams = list(pairwise(located))
        shared_bigrams = sum((one.text, two.text) in self._bigrams for one, two in bigrams)
        names = _NAME.findall(sentence)
        return SharedTerms(
            coverage_all=coverage(wanted, self._terms, self._weights),
            coverage_best=best_share,
            bigrams=shared_bigrams / len(bigrams) if bigrams else 1.0,
            missing_names=sum(name.lower() not in self._words for name in names) / max(1, len(names)),
            longest_gap=_longest_gap(located, self._terms) / max(1, len(located)),
            length=math.log1p(len(located)),
            best=self.windows[shares.index(best_share)] if best_share > 0 else None,
            terms=tuple(located),
            missing=tuple(term for term in located if term.text not in self._terms),
        )

    def _shares(self, wanted: frozenset[str]) -> list[float]:
        return [coverage(wanted, found.window.terms, self._weights) for found in self.windows]


@lru_cache(maxsize=_KEPT)
def _windows(text: str, language: str) -> tuple[Window, ...]:
    return tuple(windows(text, language))


def _longest_gap(located: Sequence[Term], held: frozenset[str]) -> int:
    longest = run = 0
    for term in located:
        run = 0 if term.text in held else run + 1
        longest = max(longest, run)
    return longest
