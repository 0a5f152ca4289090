"""Logistic regression as Footnote stores it: a few named weights in a JSON file, no pickle."""

from __future__ import annotations

import math
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

_LARGEST = 30.0  # beyond it the exponential says nothing more


class Weights(BaseModel):
    """``probability = sigmoid(intercept + Σ weight · signal)``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    intercept: float
    weights: dict[str, float]

    def logit(self, values: Mapping[str, float]) -> float:
        """``intercept + Σ weight · signal``: what is ordered by where no probability is asked for."""
        return self.intercept + sum(weight * values[name] for name, weight in self.weights.items())

    def probability(self, values: Mapping[str, float]) -> float:
        """Probability, 0 to 1, for the given signals by name."""
        return 1 / (1 + math.exp(-max(-_LARGEST, min(_LARGEST, self.logit(values)))))
