"""Numbers as reports write them, and the table for people."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from eval.readers import LineFailure
from eval.report import failure_rows, failures_json, interval, number, print_summary, shown


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.123456, 0.1235), (0.0, 0.0), (None, None), (float("nan"), None), (float("inf"), None)],
)
def test_numbers_are_rounded_and_never_made_up(value: float | None, written: float | None) -> None:
    assert number(value) == written


def test_values_are_shown_with_interval_and_unit() -> None:
    assert shown(0.5, (0.25, 0.75)) == "0.500  (0.250–0.750)"
    assert shown(12.34, digits=1, unit=" ms") == "12.3 ms"
    assert shown(float("nan")) == "not defined"
    assert interval(None) is None
    assert interval((0.12345, 1)) == [0.1235, 1.0]


def test_failures_are_all_counted_and_the_first_twenty_shown() -> None:
    failures = [LineFailure(file="f", line=line, reason="broken") for line in range(1, 51)]
    written = failures_json(failures)
    assert (written["failed"], len(written["failures"])) == (50, 20)
    assert written["failures"][0] == {"file": "f", "line": 1, "reason": "broken"}
    assert failure_rows(failures) == [("failed", "50, first f line 1: broken")]
    assert failure_rows([]) == []


def test_the_table_shows_every_row() -> None:
    class TwoRows:
        def to_json(self) -> dict[str, object]:
            return {}

        def summary_rows(self) -> list[tuple[str, str]]:
            return [("AUROC", "0.900"), ("odd", "[red]not markup[/red]")]

    out = io.StringIO()
    print_summary(TwoRows(), Console(file=out, width=80), title="Groundedness")
    for words in ("Groundedness", "AUROC", "0.900", "[red]not markup[/red]"):
        assert words in out.getvalue()
