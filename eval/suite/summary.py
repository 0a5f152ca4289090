"""A report in short: for a terminal, for a script, and as the sentences that end a build."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from eval.report import FAILURES_SHOWN, SummaryRow, number, shown
from eval.suite.comparing import regressions_in_words
from eval.suite.report import Figure, SuiteReport


@dataclass(frozen=True, kw_only=True, slots=True)
class SuiteSummary:
    """The :class:`eval.report.Report` of a suite.

    Attributes:
        files: where the whole report lies, by kind.
    """

    report: SuiteReport
    files: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """The figures by key, what failed, and the comparison if there was one."""
        report = self.report
        compared: dict[str, Any] = {}
        if report.comparison is not None:
            compared["comparison"] = {
                **report.comparison.model_dump(mode="json"),
                "regressions": regressions_in_words(report),
            }
        return {
            "suite": report.suite,
            **self.files,
            "seconds": report.seconds,
            "llm": report.environment.llm,
            "checker": report.environment.checker,
            "figures": {figure.key: _figure_json(figure) for figure in report.figures},
            "missed": [figure.key for figure in report.missed],
            "failed": len(report.failures),
            "failures": [each.model_dump() for each in report.failures[:FAILURES_SHOWN]],
            **compared,
        }

    def summary_rows(self) -> list[SummaryRow]:
        """Each figure with its interval and the trivial ones; then what failed, and where the report is."""
        report = self.report
        rows = [
            (f"{'✗ ' if figure.passed is False else ''}{figure.key}", _one_line(figure))
            for figure in report.figures
            if figure.is_told
        ]
        if report.comparison is not None:
            worse = [each for each in report.comparison.differences if each.verdict == "worse"]
            better = [each for each in report.comparison.differences if each.verdict == "better"]
            rows.append(("against the baseline", f"{len(better)} better, {len(worse)} worse for certain"))
        if report.failures:
            first = report.failures[0]
            place = f"{first.file} line {first.line}" if first.line else first.file
            rows.append(("failed", f"{len(report.failures)}, first {place}: {first.reason}"))
        return [*rows, *self.files.items()]


def shortcomings(report: SuiteReport) -> Iterator[str]:
    """Why a build should fail: nothing measured, a threshold missed; regressions are asked for apart."""
    for part in report.sets:
        if not part.records:
            first = next((each.reason for each in report.failures if each.part == part.part), "")
            yield f"Nothing of {part.part} could be evaluated; first: {first}."
    for figure in report.missed:
        side = "above" if figure.better == "lower" else "below"
        yield f"{figure.key} is {shown(figure.value)}, {side} its threshold of {figure.threshold:g}."


def _figure_json(figure: Figure) -> dict[str, Any]:
    judged = {} if figure.threshold is None else {"threshold": figure.threshold, "passed": figure.passed}
    return {
        "value": number(figure.value),
        "ci95": None if figure.ci95 is None else [number(bound) for bound in figure.ci95],
        "n": figure.n,
        "better": figure.better,
        "trivial": {name: number(value) for name, value in figure.trivial.items()},
        **judged,
    }


def _one_line(figure: Figure) -> str:
    digits, unit = (0, f" {figure.unit}") if figure.unit else (3, "")
    trivial = ", ".join(
        f"{name} {shown(value)}" for name, value in figure.trivial.items() if value is not None
    )
    beside = f"  [{trivial}]" if trivial else ""
    return f"{shown(figure.value, figure.ci95, digits=digits, unit=unit)}  n = {figure.n}{beside}"
