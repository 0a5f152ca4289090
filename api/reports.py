"""How commands print a report, one JSON object or a short table, and show how far they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress

from api.console import Run

if TYPE_CHECKING:
    from eval.report import Progress as Count
    from eval.report import Report

SinkSpecs = Annotated[
    list[str] | None,
    typer.Option(
        "--sink", help="Send the report there too: mlflow[:URI] or wandb[:PROJECT]; may be given twice."
    ),
]


def show_report(run: Run, report: Report, *, title: str) -> None:
    """Print ``report`` the way the command was asked to."""
    if run.as_json:
        run.print_json(report.to_json())
        return
    from eval.report import print_summary

    print_summary(report, run.out, title=title)


@contextmanager
def counting(run: Run) -> Iterator[Count]:
    """A bar on stderr, on a terminal only."""
    with Progress(console=run.err, transient=True, disable=not run.err.is_terminal) as bar:
        task = bar.add_task("evaluating", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
