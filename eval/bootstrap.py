"""Confidence intervals by resampling whole clusters of records.

Responses to one source are not independent, so sources are drawn, not responses: Field and Welsh (2007),
*Bootstrapping clustered data*, J. R. Statist. Soc. B 69. Percentile interval of Efron and Tibshirani (1993),
*An Introduction to the Bootstrap*, ch. 13.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from eval.metrics import Floats

DRAWS = 1000
SEED = 20240229
_LEVEL = 0.95
_NUMBERS_AT_ONCE = 4_000_000  # a block of draws stays near 32 MB

Statistic = Callable[[Floats], Floats]
"""From weights of shape ``(draws, n)`` to one value a draw; ``nan`` where the metric is not defined."""

Interval = tuple[float, float]


def cluster_interval(
    statistic: Statistic, clusters: Sequence[str], *, draws: int = DRAWS, seed: int = SEED
) -> Interval | None:
    """95 % interval of ``statistic`` when whole clusters are drawn with replacement.

    Args:
        clusters: the cluster of each record, length ``n``; all different: the ordinary bootstrap.
        seed: the same one gives the same interval.

    Returns:
        Lower and upper bound, or ``None`` with fewer than two clusters or when the statistic was undefined
        in more than one draw of twenty. Undefined draws are left out.
    """
    names, membership = np.unique(np.asarray(clusters, dtype=object).astype(str), return_inverse=True)
    if len(names) < 2:
        return None
    generator = np.random.default_rng(seed)
    block = max(1, _NUMBERS_AT_ONCE // len(membership))
    values = np.concatenate(
        [
            statistic(_cluster_counts(generator, len(names), min(block, draws - done))[:, membership])
            for done in range(0, draws, block)
        ]
    )
    defined = values[np.isfinite(values)]
    if len(defined) < _LEVEL * draws:
        return None
    tail = 100 * (1 - _LEVEL) / 2
    low, high = np.percentile(defined, [tail, 100 - tail])
    return float(low), float(high)


def mean_interval(values: Sequence[float], *, draws: int = DRAWS, seed: int = SEED) -> Interval | None:
    """95 % interval of the mean of independent values, for instance one score a query."""
    column = np.asarray(values, dtype=np.float64)
    independent = [str(position) for position in range(len(column))]
    return cluster_interval(
        lambda weights: weights @ column / weights.sum(axis=1), independent, draws=draws, seed=seed
    )


def _cluster_counts(generator: np.random.Generator, clusters: int, draws: int) -> Floats:
    """How often each cluster was drawn, shape ``(draws, clusters)``; each row sums to ``clusters``."""
    return generator.multinomial(clusters, np.full(clusters, 1 / clusters), size=draws).astype(np.float64)
