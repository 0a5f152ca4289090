"""Signals that evidence carries a sentence: shared terms, figures, names, negation, and embeddings."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from rag.domain import Evidence, Matrix
from rag.grounding.figures import claimed_figures, held_figures
from rag.interfaces import Embedder
from rag.text.alignment import Term, Window, content_terms, coverage, located_terms, rarity, windows

NAMES = (
    "coverage_all",
    "coverage_best",
    "bigrams",
    "missing_figures",
    "distant_figures",
    "missing_names",
    "longest_gap",
    "cosine",
    "negation_differs",
    "length",
)

_NAME = re.compile(r"(?<=[\w,;:’'] )[A-ZÀ-Þ][\w'’-]+")
_NEGATION = re.compile(
    r"\b(not|no|never|none|nobody|nothing|neither|nor|without|cannot|ne|pas|jamais|aucune?|rien|sans|ni)\b|n['’]t\b",
    re.IGNORECASE,
)
_EMBEDDED_WINDOWS = 2
"""Windows compared by embedding per sentence, chosen by shared terms; more cost time and gained nothing."""


@dataclass(frozen=True, slots=True)
class EvidenceWindow:
    """A window of one evidence text."""

    evidence: int
    window: Window
    text: str


@dataclass(frozen=True, slots=True)
class Signals:
    """What was found out about one sentence.

    Attributes:
        values: by name, see :data:`NAMES`.
        best: the window with the largest share of the sentence's terms, if any is shared.
        missing: content terms of the sentence that no evidence holds, with their places.
        wrong_figures: figures of the sentence that no evidence holds.
        distant_figures: those that the evidence holds, but not near what the sentence speaks of.
    """

    values: dict[str, float]
    best: EvidenceWindow | None
    missing: tuple[Term, ...]
    wrong_figures: tuple[str, ...]
    distant_figures: tuple[str, ...]


class EvidenceIndex:
    """Evidence texts cut into windows, ready to be compared with many sentences."""

    def __init__(self, evidence: Sequence[Evidence], language: str) -> None:
        self._language = language
        self.windows = [
            EvidenceWindow(place, window, text.text[window.start : window.end])
            for place, text in enumerate(evidence)
            for window in windows(text.text, language)
        ]
        self._weights = rarity(found.window.terms for found in self.windows)
        everything = "\n".join(text.text for text in evidence)
        sequence = [term.text for term in located_terms(everything, language)]
        self._terms = frozenset(sequence)
        self._bigrams = frozenset(pairwise(sequence))
        self._figures = held_figures(everything)
        self._words = everything.lower()

    def nearest(self, sentence: str) -> list[EvidenceWindow]:
        """The windows that share most with ``sentence``, best first."""
        wanted = content_terms(sentence, self._language)
        shares = [coverage(wanted, found.window.terms, self._weights) for found in self.windows]
        order = sorted(range(len(shares)), key=lambda place: (-shares[place], place))
        return [self.windows[place] for place in order[:_EMBEDDED_WINDOWS]]

    def signals(self, sentence: str, nearest: Sequence[EvidenceWindow], cosine: float) -> Signals:
        """Compare ``sentence`` with the evidence; ``cosine``: the highest with a nearest window."""
        located = located_terms(sentence, self._language)
        wanted = frozenset(term.text for term in located)
        best = nearest[0] if nearest else None
        best_share = coverage(wanted, best.window.terms, self._weights) if best else 0.0
        bigrams = list(pairwise(located))
        shared_bigrams = sum((one.text, two.text) in self._bigrams for one, two in bigrams)
        figures = claimed_figures(sentence)
        wrong = tuple(figure for figure in figures if figure not in self._figures)
        near = frozenset().union(*(held_figures(window.text) for window in nearest))
        distant = [figure for figure in figures if figure in self._figures and figure not in near]
        names = _NAME.findall(sentence)
        missing = tuple(term for term in located if term.text not in self._terms)
        values = {
            "coverage_all": coverage(wanted, self._terms, self._weights),
            "coverage_best": best_share,
            "bigrams": shared_bigrams / len(bigrams) if bigrams else 1.0,
            "missing_figures": len(wrong) / len(figures) if figures else 0.0,
            "distant_figures": len(distant) / len(figures) if figures else 0.0,
            "missing_names": sum(name.lower() not in self._words for name in names) / len(names)
            if names
            else 0.0,
            "longest_gap": _longest_gap(located, self._terms) / max(1, len(located)),
            "cosine": cosine,
            "negation_differs": float(best is not None and _negated(sentence) != _negated(best.text)),
            "length": math.log1p(len(located)),
        }
        return Signals(values, best if best_share > 0 else None, missing, wrong, tuple(distant))


def highest_cosines(
    sentences: Sequence[str], nearest: Sequence[Sequence[EvidenceWindow]], embedder: Embedder
) -> list[float]:
    """For each sentence the highest cosine with one of its nearest windows; 0 where it has none."""
    texts = list(dict.fromkeys([*sentences, *(window.text for group in nearest for window in group)]))
    vectors: Matrix = embedder.embed_documents(texts)
    place = {text: row for row, text in enumerate(texts)}
    return [
        max(
            (float(np.dot(vectors[place[sentence]], vectors[place[window.text]])) for window in group),
            default=0.0,
        )
        for sentence, group in zip(sentences, nearest, strict=True)
    ]


def _negated(text: str) -> bool:
    return _NEGATION.search(text) is not None


def _longest_gap(located: Sequence[Term], held: frozenset[str]) -> int:
    longest = run = 0
    for term in located:
        run = 0 if term.text in held else run + 1
        longest = max(longest, run)
    return longest
