"""What a tracker is given of a report: a name, figures, parameters, files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

_NAME = re.compile(r"[^\w./ -]+")


class Sink(Protocol):
    """A tracker of experiments."""

    def log(self, report: Mapping[str, Any], files: Sequence[Path]) -> None:
        """Record the report of an evaluation as one run, with ``files`` beside it.

        Args:
            report: the JSON of ``footnote eval run`` or ``footnote eval compare``.

        Raises:
            StorageError: the tracker did not take it; the files are where they were.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Logged:
    """A report as trackers keep it.

    Attributes:
        metrics: by name; what is not defined is absent.
    """

    name: str
    metrics: Mapping[str, float]
    parameters: Mapping[str, str]


def logged(report: Mapping[str, Any]) -> Logged:
    """What a tracker keeps of a report."""
    if report.get("kind") == "comparison":
        metrics, parameters = _of_comparison(report), _comparison_parameters(report)
        name = f"compare {report['dataset']}"
    else:
        metrics, parameters = _of_suite(report), _suite_parameters(report)
        name = f"suite {report['suite']}"
    found = {_NAME.sub("_", key): float(value) for key, value in metrics if value is not None}
    return Logged(name=name, metrics=found, parameters=parameters)


def _of_suite(report: Mapping[str, Any]) -> Iterator[tuple[str, float | None]]:
    for figure in report["figures"]:
        yield f"{figure['part']}/{figure['name']}", figure["value"]


def _suite_parameters(report: Mapping[str, Any]) -> dict[str, str]:
    environment = dict(report["environment"])
    settings = environment.pop("settings", {})
    return {name: str(value) for name, value in {**environment, **settings}.items()}


def _of_comparison(report: Mapping[str, Any]) -> Iterator[tuple[str, float | None]]:
    for variant in report["variants"]:
        for metric, score in variant["metrics"].items():
            yield f"{variant['name']}/{metric}", score["mean"]
        for rank, milliseconds in variant["latency_ms"].items():
            yield f"{variant['name']}/latency_ms_{rank}", milliseconds
        yield f"{variant['name']}/cost_per_thousand", variant["cost"]["per_thousand_questions"]
        yield f"{variant['name']}/failed", variant["failed"]
    for rated in report["ranking"]:
        for rating in ("bradley_terry", "elo"):
            yield f"{rated['name']}/{rating}", rated[rating]


def _comparison_parameters(report: Mapping[str, Any]) -> dict[str, str]:
    names = ("dataset", "collection", "checker", "questions")
    variants = [variant["name"] for variant in report["variants"]]
    return {**{name: str(report[name]) for name in names}, "variants": "; ".join(variants)}
