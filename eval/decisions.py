"""Scores of a set of yes-or-no decisions, with their intervals: shared by groundedness and refusal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eval.bootstrap import Interval, Statistic, cluster_interval
from eval.metrics import (
    Confusion,
    Floats,
    always_positive_f1,
    auroc,
    brier_score,
    calibration_error,
    confusion,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class DecisionScores:
    """How well decisions and their scores agree with labels; ``nan`` where a metric is not defined.

    Attributes:
        calibration_error, brier: of the scores, read as probabilities.
        base_rate_brier: Brier score of the share of positives, said of every record.
    """

    n: int
    positives: int
    auroc: float
    balanced_accuracy: float
    precision: float
    recall: float
    specificity: float
    f1: float
    always_positive_f1: float
    calibration_error: float
    brier: float
    base_rate_brier: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """One of the decisions: what two runs over the same records are compared by.

    Attributes:
        id: no other record of the file has it, even where the file repeats its own ids.
        cluster: records with the same one are resampled together.
        positive: the gold label.
        score: higher means "more likely positive".
        predicted: what was decided.
    """

    id: str
    cluster: str
    positive: bool
    score: float
    predicted: bool


class Decisions:
    """Labels, scores and decisions of the same records, in the same order.

    Args:
        positive: gold labels.
        scores: probabilities of "positive".
        predicted: what was decided.
        clusters: records with the same one are resampled together.
    """

    def __init__(
        self,
        *,
        positive: Sequence[bool],
        scores: Sequence[float],
        predicted: Sequence[bool],
        clusters: Sequence[str],
    ) -> None:
        self._positive = np.asarray(positive, dtype=np.bool_)
        self._scores = np.asarray(scores, dtype=np.float64)
        self._predicted = np.asarray(predicted, dtype=np.bool_)
        self._clusters = clusters

    def scores(self) -> DecisionScores:
        """All metrics on all records."""
        table = confusion(self._positive, self._predicted)
        return DecisionScores(
            n=len(self._positive),
            positives=int(self._positive.sum()),
            auroc=float(auroc(self._positive, self._scores)[0]),
            balanced_accuracy=float(table.balanced_accuracy[0]),
            precision=float(table.precision[0]),
            recall=float(table.recall[0]),
            specificity=float(table.specificity[0]),
            f1=float(table.f1[0]),
            always_positive_f1=always_positive_f1(self._positive),
            calibration_error=float(calibration_error(self._positive, self._scores)[0]),
            brier=float(brier_score(self._positive, self._scores)[0]),
            base_rate_brier=float(np.var(self._positive)) if len(self._positive) else float("nan"),
        )

    def intervals(self) -> Mapping[str, Interval | None]:
        """95 % intervals by the names of :class:`DecisionScores`; ``None`` where not defined."""
        statistics: dict[str, Statistic] = {
            "auroc": lambda weights: auroc(self._positive, self._scores, weights),
            "balanced_accuracy": lambda weights: self._confusion(weights).balanced_accuracy,
            "precision": lambda weights: self._confusion(weights).precision,
            "recall": lambda weights: self._confusion(weights).recall,
            "specificity": lambda weights: self._confusion(weights).specificity,
            "f1": lambda weights: self._confusion(weights).f1,
            "calibration_error": lambda weights: calibration_error(self._positive, self._scores, weights),
        }
        return {name: cluster_interval(statistic, self._clusters) for name, statistic in statistics.items()}

    def _confusion(self, weights: Floats) -> Confusion:
        return confusion(self._positive, self._predicted, weights)
