"""Metrics of binary decisions, of probabilities, of marked characters and of short answers.

The positive class is "unsupported" (or "unanswerable"). The metrics of decisions take optional weights of
shape ``(draws, n)`` and then give one value a draw, which is what :mod:`eval.bootstrap` needs; without
weights they give an array of one value. A metric that is not defined is ``nan`` here and ``null`` in a
report, never a number made up.
"""

from __future__ import annotations

import string
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Span = tuple[int, int]

_BINS = 10
_ARTICLES = frozenset(("a", "an", "the", "le", "la", "les", "l", "un", "une", "des", "du", "d"))
_SPELLINGS = str.maketrans({"’": " ", "ʼ": " ", "'": " ", "œ": "oe", "æ": "ae"})
_PUNCTUATION = frozenset(string.punctuation) | frozenset("«»“”„‘…–—·•")


# --------------------------------------------------------------------------------- binary decisions


def auroc(positive: Flags, scores: Floats, weights: Floats | None = None) -> Floats:
    """Area under the ROC curve: how often a positive scores above a negative, a tie counting half.

    The Mann-Whitney form, Hanley and McNeil (1982), *The meaning and use of the area under a receiver
    operating characteristic (ROC) curve*, Radiology 143. A weight counts a record that many times.

    Args:
        positive: shape ``(n,)``.
        scores: shape ``(n,)``, higher means "more likely positive".
        weights: shape ``(draws, n)``.

    Returns:
        Shape ``(draws,)``, 0 to 1; ``nan`` where a class is absent.
    """
    weights = _weights(weights, len(positive))
    if len(positive) == 0:
        return np.full(len(weights), np.nan)
    order = np.argsort(scores, kind="stable")
    ranked = scores[order]
    ties = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    positives = np.add.reduceat((weights * positive)[:, order], ties, axis=1)
    negatives = np.add.reduceat((weights * ~positive)[:, order], ties, axis=1)
    negatives_below = np.cumsum(negatives, axis=1) - negatives
    wins = (positives * (negatives_below + negatives / 2)).sum(axis=1)
    return _ratio(wins, positives.sum(axis=1) * negatives.sum(axis=1))


@dataclass(frozen=True, kw_only=True, slots=True)
class Confusion:
    """Counts of decisions, each of shape ``(draws,)``."""

    true_positive: Floats
    false_positive: Floats
    false_negative: Floats
    true_negative: Floats

    @property
    def precision(self) -> Floats:
        """Share of positives among those called positive; ``nan`` when none was called so."""
        return _ratio(self.true_positive, self.true_positive + self.false_positive)

    @property
    def recall(self) -> Floats:
        """Share of the positives that were called positive; ``nan`` without positives."""
        return _ratio(self.true_positive, self.true_positive + self.false_negative)

    @property
    def specificity(self) -> Floats:
        """Share of the negatives that were called negative; ``nan`` without negatives."""
        return _ratio(self.true_negative, self.true_negative + self.false_positive)

    @property
    def f1(self) -> Floats:
        """Harmonic mean of precision and recall, ``2TP / (2TP + FP + FN)`` (van Rijsbergen 1979, ch. 7)."""
        hits = 2 * self.true_positive
        return _ratio(hits, hits + self.false_positive + self.false_negative)

    @property
    def balanced_accuracy(self) -> Floats:
        """Mean of recall and specificity (Brodersen et al. 2010); ``nan`` where a class is absent."""
        return (self.recall + self.specificity) / 2


def confusion(positive: Flags, predicted: Flags, weights: Floats | None = None) -> Confusion:
    """Count decisions against labels, both of shape ``(n,)``."""
    weights = _weights(weights, len(positive))
    return Confusion(
        true_positive=weights @ (positive & predicted),
        false_positive=weights @ (~positive & predicted),
        false_negative=weights @ (positive & ~predicted),
        true_negative=weights @ (~positive & ~predicted),
    )


def always_positive_f1(positive: Flags) -> float:
    """F1 of calling everything positive: what an F1 has to beat; ``nan`` without records."""
    return float(confusion(positive, np.ones_like(positive)).f1[0])


def percentiles(values: Sequence[float], ranks: Sequence[int]) -> dict[str, float]:
    """Percentiles by linear interpolation, keyed ``p50`` and so on; ``nan`` without values."""
    if not values:
        return {f"p{rank}": float("nan") for rank in ranks}
    return {f"p{rank}": float(np.percentile(values, rank)) for rank in ranks}


# ----------------------------------------------------------------------------------- probabilities


def calibration_error(positive: Flags, probabilities: Floats, weights: Floats | None = None) -> Floats:
    """Expected calibration error: how far probabilities are from the shares that come true, 0 to 1.

    Probabilities are put into ten bins of equal width; of each, the distance between its mean probability
    and its share of positives counts with its size. Guo et al. (2017), *On Calibration of Modern Neural
    Networks*, https://arxiv.org/abs/1706.04599, section 2. Small samples make it too high, and a constant at
    the share of positives has none: read it beside the AUROC and the Brier score.
    """
    weights = _weights(weights, len(positive))
    bins = np.minimum((probabilities * _BINS).astype(np.int64), _BINS - 1)
    gaps = np.zeros((len(positive), _BINS))
    gaps[np.arange(len(positive)), bins] = probabilities - positive
    return _ratio(np.abs(weights @ gaps).sum(axis=1), weights.sum(axis=1))


def brier_score(positive: Flags, probabilities: Floats, weights: Floats | None = None) -> Floats:
    """Mean square of what probabilities are off by, 0 to 1, lower is better; a half always gives 0.25.

    Brier (1950), *Verification of forecasts expressed in terms of probability*, Monthly Weather Review 78.
    """
    weights = _weights(weights, len(positive))
    return _ratio(weights @ np.square(probabilities - positive), weights.sum(axis=1))


# ------------------------------------------------------------------------------- marked characters


@dataclass(frozen=True, kw_only=True, slots=True)
class SpanScore:
    """Precision, recall and F1 over characters, 0 to 1; ``nan`` where not defined."""

    precision: float
    recall: float
    f1: float


def merge_spans(spans: Iterable[Span]) -> list[Span]:
    """The same characters as disjoint spans in order, so that none counts twice."""
    merged: list[Span] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def span_character_score(pairs: Iterable[tuple[Iterable[Span], Iterable[Span]]]) -> SpanScore:
    """Character overlap of gold and predicted spans, summed over all responses (micro-averaged).

    The span-level measure of Niu et al. (2024), *RAGTruth*, https://arxiv.org/abs/2401.00396, section 4.2.

    Args:
        pairs: gold spans and predicted spans of each response, half-open, in any order, overlaps allowed.
    """
    table = span_characters(pairs)
    return SpanScore(
        precision=float(table.precision[0]), recall=float(table.recall[0]), f1=float(table.f1[0])
    )


def span_characters(
    pairs: Iterable[tuple[Iterable[Span], Iterable[Span]]], weights: Floats | None = None
) -> Confusion:
    """Characters of all responses as decisions: marked in the gold, called so, both.

    Characters that nobody marked are not counted: ``true_negative`` is 0.
    """
    counts = np.asarray([_marked_characters(*pair) for pair in pairs], dtype=np.float64).reshape(-1, 3)
    gold, predicted, shared = (_weights(weights, len(counts)) @ counts).T
    return Confusion(
        true_positive=shared,
        false_positive=predicted - shared,
        false_negative=gold - shared,
        true_negative=np.zeros_like(shared),
    )


def _marked_characters(gold: Iterable[Span], predicted: Iterable[Span]) -> tuple[int, int, int]:
    gold_spans, predicted_spans = merge_spans(gold), merge_spans(predicted)
    marked, called = _length(gold_spans), _length(predicted_spans)
    return marked, called, marked + called - _length(merge_spans(gold_spans + predicted_spans))


# ----------------------------------------------------------------------------------- short answers


def answer_tokens(text: str) -> list[str]:
    """Words as SQuAD compares them: lower case, no punctuation, no English or French article.

    An apostrophe separates words, so that ``l'avion`` and ``avion`` agree, and so do ``cœur`` and ``coeur``;
    accents stay.
    """
    plain = unicodedata.normalize("NFC", text).lower().translate(_SPELLINGS)
    letters = "".join(" " if character in _PUNCTUATION else character for character in plain)
    return [word for word in letters.split() if word not in _ARTICLES]


def token_f1(answer: str, references: Sequence[str]) -> float:
    """Best F1 over tokens of ``answer`` against any of ``references``, 0 to 1.

    Rajpurkar et al. (2016), *SQuAD*, https://arxiv.org/abs/1606.05250, section 6.1. Two answers without
    any token agree fully.
    """
    return max(
        (_overlap_f1(answer_tokens(answer), answer_tokens(reference)) for reference in references),
        default=0.0,
    )


def _overlap_f1(answer: list[str], reference: list[str]) -> float:
    if not answer and not reference:
        return 1.0
    shared = sum((Counter(answer) & Counter(reference)).values())
    return 2 * shared / (len(answer) + len(reference))


# ------------------------------------------------------------------------------------------ shared


def _weights(weights: Floats | None, n: int) -> Floats:
    return np.ones((1, n)) if weights is None else weights


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    ratio: Floats = np.full(numerator.shape, np.nan)
    np.divide(numerator, denominator, out=ratio, where=denominator > 0)
    return ratio


def _length(spans: Iterable[Span]) -> int:
    return sum(end - start for start, end in spans)
