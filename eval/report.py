"""How every report is written: one JSON object for programs, one short table for people."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from rich.console import Console
from rich.table import Table
from rich.text import Text

from eval.bootstrap import Interval
from eval.readers.lines import LineFailure

FAILURES_SHOWN = 20

Progress = Callable[[int, int], None]
"""Called with the number of records done and the number of all."""

SummaryRow = tuple[str, str]
"""A name and a value, ready to print."""


class Report(Protocol):
    """What every evaluation returns."""

    def to_json(self) -> dict[str, Any]:
        """The contract's fields; a metric that is not defined is ``None``."""
        ...

    def summary_rows(self) -> list[SummaryRow]:
        """The figures a person looks at first."""
        ...


def silent(done: int, total: int) -> None:
    """Progress that nobody watches."""


def number(value: float | None, digits: int = 4) -> float | None:
    """``value`` rounded for JSON; ``None`` when it is not defined or not finite."""
    return None if value is None or not math.isfinite(value) else round(float(value), digits)


def numbers(values: Mapping[str, float | None], digits: int = 4) -> dict[str, float | None]:
    """Each value as :func:`number` rounds it."""
    return {name: number(value, digits) for name, value in values.items()}


def interval(bounds: Interval | None) -> list[float | None] | None:
    """``[low, high]`` for JSON, or ``None``."""
    return None if bounds is None else [number(bound) for bound in bounds]


def failures_json(failures: Sequence[LineFailure]) -> dict[str, Any]:
    """``{failed, failures}``: how many there are, and the first twenty."""
    shown = [
        {"file": each.file, "line": each.line, "reason": each.reason} for each in failures[:FAILURES_SHOWN]
    ]
    return {"failed": len(failures), "failures": shown}


def shown(value: float | None, bounds: Interval | None = None, *, digits: int = 3, unit: str = "") -> str:
    """``value`` with its interval and unit for a table; ``not defined`` when it is not."""
    rounded = number(value, digits)
    if rounded is None:
        return "not defined"
    text = f"{rounded:.{digits}f}{unit}"
    return text if bounds is None else f"{text}  ({bounds[0]:.{digits}f}–{bounds[1]:.{digits}f})"


def failure_rows(failures: Sequence[LineFailure]) -> list[SummaryRow]:
    """A row that counts the failures and shows the first; none without failures."""
    if not failures:
        return []
    first = failures[0]
    return [("failed", f"{len(failures)}, first {first.file} line {first.line}: {first.reason}")]


def print_summary(report: Report, console: Console, *, title: str) -> None:
    """Print a report's first figures as a table of two columns."""
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in report.summary_rows():
        table.add_row(Text(name), Text(value))  # data may hold square brackets, which are no markup
    console.print(table)
