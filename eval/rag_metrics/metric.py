"""A metric of answered questions, and what a whole question set comes to by it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from eval.answered import AnsweredQuestion
from eval.bootstrap import Interval, cluster_interval
from eval.metrics import Floats, percentiles
from eval.readers.lines import LineFailure
from eval.report import Progress, failures_json, interval, number, numbers, silent

Better = Literal["higher", "lower"]
Unit = Literal["share", "ms", "tokens"]
PerQuestion = Callable[[AnsweredQuestion], float | None]

_LATENCY_RANKS = (50, 95, 99)


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """One row of the tables of metrics.

    Attributes:
        name: stable, as in reports.
        title: for people.
        per_question: its value for one answered question; ``None`` where it says nothing about it.
        better: whether higher or lower values are better.
        explained: one or two sentences for someone who has never measured such a system.
        unit: a ``share`` is 0 to 1.
        judge: name of the language model whose opinion it is; ``None`` where none is asked.
        trivial: what the same questions and passages give without any cleverness, by its name.
    """

    name: str
    title: str
    per_question: PerQuestion
    better: Better
    explained: str
    unit: Unit = "share"
    judge: str | None = None
    trivial: Mapping[str, PerQuestion] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricScore:
    """What a question set comes to.

    Attributes:
        mean: over the ``n`` questions that the metric says something about; ``None`` without any.
        ci95: questions about one document drawn together.
        failed: questions on which measuring itself failed; they are in no mean.
        trivial: means of the metric's trivial rows, by their names.
    """

    metric: Metric
    n: int
    mean: float | None
    ci95: Interval | None
    failed: int
    trivial: Mapping[str, float | None]

    def to_json(self) -> dict[str, Any]:
        """``{mean, n, ci95, better, unit}``, with judge, trivial rows and failures where there are any."""
        more: dict[str, Any] = {"judge": self.metric.judge} if self.metric.judge else {}
        if self.trivial:
            more["trivial"] = numbers(self.trivial)
        if self.failed:
            more["failed"] = self.failed
        return {
            "mean": number(self.mean),
            "n": self.n,
            "ci95": interval(self.ci95),
            "better": self.metric.better,
            "unit": self.metric.unit,
            **more,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class RagScores:
    """Every metric of every answered question.

    Attributes:
        values: by metric's name, one value a question in the order of ``answered``; ``None`` where the
            metric says nothing about the question, or could not be measured.
        failures: where measuring failed; beside the scores, never in them.
    """

    answered: tuple[AnsweredQuestion, ...]
    metrics: tuple[Metric, ...]
    values: Mapping[str, tuple[float | None, ...]]
    failures: tuple[LineFailure, ...]
    failed: Mapping[str, int]

    def score(self, name: str) -> MetricScore:
        """What the whole set comes to by the metric ``name``."""
        metric = next(each for each in self.metrics if each.name == name)
        return self._score(metric)

    def scores(self) -> list[MetricScore]:
        """All metrics, in the table's order."""
        return [self._score(metric) for metric in self.metrics]

    def by_group(self) -> dict[str, RagScores]:
        """The same of each group of questions, by its name; empty where the set names none. No failures."""
        names = sorted({each.question.group for each in self.answered if each.question.group is not None})
        return {name: self._part(name) for name in names}

    def latency_ms(self) -> dict[str, float]:
        """``p50``, ``p95`` and ``p99`` of the whole answer, in milliseconds; ``nan`` without answers."""
        return percentiles([each.milliseconds for each in self.answered], _LATENCY_RANKS)

    def to_json(self) -> dict[str, Any]:
        """``{n, metrics:{name: {mean, n, ci95, …}}, latency_ms, by_group?, failed, failures}``."""
        parts = {name: part._figures() for name, part in self.by_group().items()}
        return {**self._figures(), **({"by_group": parts} if parts else {}), **failures_json(self.failures)}

    def _figures(self) -> dict[str, Any]:
        return {
            "n": len(self.answered),
            "metrics": {score.metric.name: score.to_json() for score in self.scores()},
            "latency_ms": numbers(self.latency_ms(), 2),
        }

    def _part(self, group: str) -> RagScores:
        kept = [place for place, each in enumerate(self.answered) if each.question.group == group]
        return replace(
            self,
            answered=tuple(self.answered[place] for place in kept),
            values={name: tuple(column[place] for place in kept) for name, column in self.values.items()},
            failures=(),
            failed={},
        )

    def _score(self, metric: Metric) -> MetricScore:
        values = self.values[metric.name]
        clusters = [cluster_of(each) for each in self.answered]
        return MetricScore(
            metric=metric,
            n=sum(value is not None for value in values),
            mean=mean_of(values),
            ci95=mean_interval(values, clusters),
            failed=self.failed.get(metric.name, 0),
            trivial={
                name: mean_of([per_question(each) for each in self.answered])
                for name, per_question in metric.trivial.items()
            },
        )


def measure(
    answered: Sequence[AnsweredQuestion], metrics: Sequence[Metric], *, progress: Progress = silent
) -> RagScores:
    """Every metric of every answered question; what cannot be measured is a failure, never a score."""
    values: dict[str, list[float | None]] = {metric.name: [] for metric in metrics}
    failures: list[LineFailure] = []
    failed: dict[str, int] = {}
    for done, each in enumerate(answered, start=1):
        for metric in metrics:
            value = None
            try:
                value = _checked(metric.per_question(each))
            except Exception as exc:  # noqa: BLE001 (a judge's crash is a finding, not the end of the run)
                reason = f"{metric.name} of {each.question.id!r} failed: {type(exc).__name__}: {exc}"
                failures.append(LineFailure(file=each.question.file, line=each.question.line, reason=reason))
                failed[metric.name] = failed.get(metric.name, 0) + 1
            values[metric.name].append(value)
        progress(done, len(answered))
    return RagScores(
        answered=tuple(answered),
        metrics=tuple(metrics),
        values={name: tuple(column) for name, column in values.items()},
        failures=tuple(failures),
        failed=failed,
    )


def cluster_of(answered: AnsweredQuestion) -> str:
    """What is drawn as a whole: the questions of a source, or about one document; others by themselves."""
    question = answered.question
    if question.source is not None:
        return f"source {question.source}"
    return f"document {min(question.documents)}" if question.documents else f"question {question.id}"


def mean_of(values: Sequence[float | None]) -> float | None:
    """Mean of the values that are there; ``None`` without any."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def mean_interval(values: Sequence[float | None], clusters: Sequence[str]) -> Interval | None:
    """95 % interval of the mean of the values that are there; whole clusters are drawn."""
    known = [(value, cluster) for value, cluster in zip(values, clusters, strict=True) if value is not None]
    if not known:
        return None
    column = np.asarray([value for value, _ in known], dtype=np.float64)

    def mean(weights: Floats) -> Floats:
        return np.asarray(weights @ column / weights.sum(axis=1), dtype=np.float64)

    return cluster_interval(mean, [cluster for _, cluster in known])


def _checked(value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise ValueError(f"the value is {value}, expected a finite number")
    return value
