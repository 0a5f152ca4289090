"""What a verdict is made of: the model's reading, shared terms, values and denials compared."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rag.grounding.agreement import Agreement
from rag.grounding.comparing import Difference
from rag.grounding.local.reader import LABELS
from rag.grounding.local.reading import ClaimReading
from rag.grounding.shared_terms import SharedTerms

_SUPPORTED, _CONTRADICTED = LABELS.index("supported"), LABELS.index("contradicted")
_TOP = 3
_LEAST = 1e-3

_HELD_DOUBT = 0.1
"""What is left of the model's doubt about a figure that the evidence holds: "4 PM" where it has "16:0"."""

_SHARED = ("coverage_best", "bigrams", "missing_names", "longest_gap", "length")
"""Attributes of :class:`SharedTerms` that are used besides."""

NAMES = (
    "whole",
    "top_terms",
    "mean_term",
    "differing_values",
    "rival_values",
    "clause_share",
    "denied_alone",
    *_SHARED,
)


def sentence_signals(
    reading: ClaimReading | None,
    shared: SharedTerms,
    differing: Sequence[Difference],
    agreed: Agreement,
) -> dict[str, float]:
    """Signals by name, see :data:`NAMES`.

    Args:
        reading: ``None`` when there is no evidence to read.
    """
    values = {name: float(getattr(shared, name)) for name in _SHARED}
    values["differing_values"] = float(min(2, len(differing)))
    values["rival_values"] = float(min(2, sum(each.contradicted for each in differing)))
    values["clause_share"] = agreed.share
    values["denied_alone"] = agreed.denied_alone
    return values | _read(reading, shared, agreed)


def not_carried(reading: ClaimReading) -> NDArray[np.float32]:
    """Probability of each piece that the evidence does not carry it."""
    doubts: NDArray[np.float32] = 1 - reading.pieces[:, _SUPPORTED]
    return doubts


def contradiction_share(reading: ClaimReading) -> float:
    """Of the claim's probability of not being carried, the share that says the evidence says otherwise."""
    doubt = 1 - float(reading.whole[_SUPPORTED])
    return float(reading.whole[_CONTRADICTED]) / max(doubt, _LEAST)


def _read(reading: ClaimReading | None, shared: SharedTerms, agreed: Agreement) -> dict[str, float]:
    doubts = np.ones(1) if reading is None else _doubts(reading, shared, agreed)
    doubt = 1.0 if reading is None else 1 - float(reading.whole[_SUPPORTED])
    return {
        "whole": _logit(doubt),
        "top_terms": _logit(float(np.sort(doubts)[-_TOP:].mean())),
        "mean_term": float(doubts.mean()),
    }


def _doubts(reading: ClaimReading, shared: SharedTerms, agreed: Agreement) -> NDArray[np.float32]:
    """Doubt about each piece of a content term; about every piece where there is no such term."""
    doubts = not_carried(reading)
    if not len(doubts):
        return np.ones(1, dtype=np.float32)
    of_held = _touching(reading, agreed.held)
    doubts[of_held] = np.minimum(doubts[of_held], _HELD_DOUBT)
    of_terms = _touching(reading, [(term.start, term.end) for term in shared.terms])
    return doubts[of_terms] if of_terms.any() else doubts


def _touching(reading: ClaimReading, spans: Sequence[tuple[int, int]]) -> NDArray[np.bool_]:
    return np.array([any(low < end and start < high for low, high in spans) for start, end in reading.places])


def _logit(probability: float) -> float:
    clipped = min(max(probability, _LEAST), 1 - _LEAST)
    return math.log(clipped / (1 - clipped))
