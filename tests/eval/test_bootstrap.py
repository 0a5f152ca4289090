"""Intervals: reproducible, quick, and as wide as the number of independent sources demands."""

from __future__ import annotations

import numpy as np
import pytest

from eval import bootstrap
from eval.bootstrap import cluster_interval, mean_interval
from eval.metrics import Floats, auroc


def mean_of(values: Floats) -> bootstrap.Statistic:
    return lambda weights: weights @ values / weights.sum(axis=1)


def width(interval: tuple[float, float] | None) -> float:
    assert interval is not None
    return interval[1] - interval[0]


def test_the_interval_of_a_mean_is_that_of_the_normal_approximation() -> None:
    values = np.random.default_rng(1).normal(0.4, 0.2, size=400)
    low, high = mean_interval(values) or (0, 0)
    error = 1.96 * values.std() / 20
    assert low == pytest.approx(values.mean() - error, abs=0.004)
    assert high == pytest.approx(values.mean() + error, abs=0.004)


def test_the_same_seed_gives_the_same_interval_and_another_one_another() -> None:
    values = np.random.default_rng(1).random(50)
    assert mean_interval(values) == mean_interval(values)
    assert mean_interval(values) != mean_interval(values, seed=1)


def test_repeating_every_record_narrows_nothing_when_sources_are_drawn() -> None:
    values = np.random.default_rng(2).random(40)
    repeated = np.repeat(values, 9)
    sources = [str(number) for number in np.repeat(np.arange(40), 9)]
    alone = width(mean_interval(values))
    assert width(cluster_interval(mean_of(repeated), sources)) == pytest.approx(alone, rel=0.1)
    assert width(mean_interval(repeated)) < alone / 2


def test_drawing_in_blocks_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(3).random(30)
    whole = mean_interval(values)
    monkeypatch.setattr(bootstrap, "_NUMBERS_AT_ONCE", 100)
    assert mean_interval(values) == pytest.approx(whole)


def test_no_interval_from_one_source_or_when_the_metric_is_mostly_undefined() -> None:
    assert cluster_interval(mean_of(np.ones(3)), ["a", "a", "a"]) is None
    assert cluster_interval(mean_of(np.ones(0)), []) is None
    lone = np.array([True, False, False, False])
    scores = np.array([0.9, 0.1, 0.2, 0.3])
    assert cluster_interval(lambda weights: auroc(lone, scores, weights), list("abcd")) is None


def test_three_thousand_records_of_a_hundred_sources_have_a_narrow_interval() -> None:
    random = np.random.default_rng(4)
    positive, scores = random.random(3000) < 0.5, random.random(3000)
    sources = [str(number) for number in random.integers(0, 100, size=3000)]
    low, high = cluster_interval(lambda weights: auroc(positive, scores, weights), sources) or (1, 0)
    assert low < float(auroc(positive, scores)[0]) < high
