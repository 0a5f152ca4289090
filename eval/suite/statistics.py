"""From records to figures, and to differences between two runs: one row a statistic.

Documents are drawn, not records (:mod:`eval.bootstrap`). A difference is drawn over both runs at once, so
that what makes a question hard cancels out: the paired bootstrap of Koehn (2004), *Statistical Significance
Tests for Machine Translation Evaluation*, https://aclanthology.org/W04-3250.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from eval.bootstrap import Interval, Statistic, cluster_interval
from eval.metrics import Confusion, Floats, auroc, confusion
from eval.suite.report import Record, RecordSet

_Columns = Mapping[str, Floats]
_OfDecisions = Callable[[_Columns, Floats | None], Floats]

DECISION_STATISTICS: Mapping[str, _OfDecisions] = {
    "auroc": lambda of, weights: auroc(of["positive"] > 0, of["score"], weights),
    "balanced_accuracy": lambda of, weights: _confusion(of, weights).balanced_accuracy,
    "precision": lambda of, weights: _confusion(of, weights).precision,
    "recall": lambda of, weights: _confusion(of, weights).recall,
    "f1": lambda of, weights: _confusion(of, weights).f1,
    "refusal_recall": lambda of, weights: _confusion(of, weights).recall,
    "false_refusal_rate": lambda of, weights: 1 - _confusion(of, weights).specificity,
}
"""Figures of yes-or-no decisions, by name."""


def statistic_of(kind: str, records: Sequence[Record], name: str) -> Statistic:
    """The figure ``name`` over weighted ``records``: one value a row of weights."""
    if kind == "means":
        return _mean(_column(records, name))
    columns = {field: _column(records, field) for field in ("positive", "score", "predicted")}
    compute = DECISION_STATISTICS[name]
    return lambda weights: compute(columns, weights)


def value_and_interval(
    kind: str, records: Sequence[Record], name: str, *, seed: int
) -> tuple[float | None, Interval | None, int]:
    """``(value, 95 % interval, records)`` of a figure; of a mean only where it is defined."""
    used = _defined(records, name) if kind == "means" else list(records)
    if not used:
        return None, None, 0
    statistic = statistic_of(kind, used, name)
    value = float(statistic(np.ones((1, len(used))))[0])
    if not np.isfinite(value):
        return None, None, len(used)
    return value, cluster_interval(statistic, _clusters(used), seed=seed), len(used)


def paired_difference(
    before: RecordSet, after: RecordSet, name: str, *, seed: int
) -> tuple[float | None, Interval | None, int]:
    """``(after - before, 95 % interval, records)`` over the records that both runs have.

    A mean is compared over the records where both runs define it.
    """
    earlier = {record.id: record for record in before.records}
    pairs = [(earlier[record.id], record) for record in after.records if record.id in earlier]
    if after.kind == "means":
        pairs = [pair for pair in pairs if all(each.values.get(name) is not None for each in pair)]
    if not pairs:
        return None, None, 0
    old, new = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    of_old, of_new = statistic_of(before.kind, old, name), statistic_of(after.kind, new, name)

    def difference(weights: Floats) -> Floats:
        return of_new(weights) - of_old(weights)

    value = float(difference(np.ones((1, len(pairs))))[0])
    if not np.isfinite(value):
        return None, None, len(pairs)
    return value, cluster_interval(difference, _clusters(new), seed=seed), len(pairs)


def _mean(column: Floats) -> Statistic:
    return lambda weights: weights @ column / weights.sum(axis=1)


def _column(records: Sequence[Record], name: str) -> Floats:
    return np.asarray([record.values[name] for record in records], dtype=np.float64)


def _defined(records: Sequence[Record], name: str) -> list[Record]:
    return [record for record in records if record.values.get(name) is not None]


def _clusters(records: Sequence[Record]) -> list[str]:
    return [record.cluster for record in records]


def _confusion(of: _Columns, weights: Floats | None) -> Confusion:
    return confusion(of["positive"] > 0, of["predicted"] > 0, weights)
