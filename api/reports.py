"""How commands print a report: one JSON object, or a short table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.console import Run

if TYPE_CHECKING:
    from eval.report import Report


def show_report(run: Run, report: Report, *, title: str) -> None:
    """Print ``report`` the way the command was asked to."""
    if run.as_json:
        run.print_json(report.to_json())
        return
    from eval.report import print_summary

    print_summary(report, run.out, title=title)
