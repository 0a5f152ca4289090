"""What a sentence's verdict is made of: the model's reading, shared terms, and values compared."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from rag.grounding.comparing import Difference
from rag.grounding.features import Signals
from rag.grounding.local.reader import LABELS
from rag.grounding.local.reading import ClaimReading

_SUPPORTED, _CONTRADICTED = LABELS.index("supported"), LABELS.index("contradicted")
_TOP = 3
_LEAST = 1e-3

_SHARED = ("coverage_best", "bigrams", "missing_names", "longest_gap", "length")
"""Signals of :mod:`rag.grounding.features` that are used besides."""

NAMES = (
    "whole",
    "top_pieces",
    "mean_piece",
    "differing_values",
    "rival_values",
    *_SHARED,
)


def sentence_signals(
    reading: ClaimReading | None, shared: Signals, differing: Sequence[Difference]
) -> dict[str, float]:
    """Signals by name, see :data:`NAMES`.

    Args:
        reading: ``None`` when there is no evidence to read.
    """
    values = {name: shared.values[name] for name in _SHARED}
    values["differing_values"] = float(min(2, len(differing)))
    values["rival_values"] = float(min(2, sum(each.contradicted for each in differing)))
    return values | _read(reading)


def not_carried(reading: ClaimReading) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Probability of each piece that the evidence does not carry it."""
    return 1 - reading.pieces[:, _SUPPORTED]


def contradiction_share(reading: ClaimReading) -> float:
    """Of the claim's probability of not being carried, the share that says the evidence says otherwise."""
    doubt = 1 - float(reading.whole[_SUPPORTED])
    return float(reading.whole[_CONTRADICTED]) / max(doubt, _LEAST)


def _read(reading: ClaimReading | None) -> dict[str, float]:
    if reading is None or not len(reading.pieces):
        return {
            "whole": _logit(1.0),
            "top_pieces": _logit(1.0),
            "mean_piece": 1.0,
        }
    pieces = np.sort(not_carried(reading))
    return {
        "whole": _logit(1 - float(reading.whole[_SUPPORTED])),
        "top_pieces": _logit(float(pieces[-_TOP:].mean())),
        "mean_piece": float(pieces.mean()),
    }


def _logit(probability: float) -> float:
    clipped = min(max(probability, _LEAST), 1 - _LEAST)
    return math.log(clipped / (1 - clipped))
