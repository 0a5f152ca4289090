"""``footnote eval run``."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress

from api.console import FAILURE, AsJson, DataDir, Run, command
from api.reports import SinkSpecs, show_report
from rag.errors import InvalidRequest

if TYPE_CHECKING:
    from eval.suite.steps import StepProgress

DEFAULT_OUT = Path("reports")


def run_suite(
    suite: Annotated[Path, typer.Argument(help="The suite's TOML file; docs/evaluation.md describes it.")],
    out: Annotated[
        Path, typer.Option("--out", help="Folder for NAME.html and NAME.json.", file_okay=False)
    ] = DEFAULT_OUT,
    baseline: Annotated[
        Path | None, typer.Option("--baseline", help="JSON report of an earlier run to compare with.")
    ] = None,
    fail_on_regression: Annotated[
        bool,
        typer.Option(
            "--fail-on-regression", help="Exit 1 when anything is worse than the baseline for sure."
        ),
    ] = False,
    tolerance: Annotated[
        float, typer.Option("--tolerance", min=0, help="A figure may get worse by so much.")
    ] = 0.0,
    llm: Annotated[
        str | None, typer.Option("--llm", help="Instead of the suite's: extractive, or provider:model.")
    ] = None,
    sink: SinkSpecs = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Evaluate the whole pipeline as a suite says, and write the report as one page and as JSON.

    Exits 1 when a threshold of the suite is missed, and, if asked to, when something got worse.

    Example: footnote eval run samples/suite.toml --baseline reports/main.json --fail-on-regression
    """
    with command(as_json=as_json, data_dir=data_dir, kept="No report was written.") as run:
        if fail_on_regression and baseline is None:
            raise InvalidRequest("--fail-on-regression needs the report to compare with: --baseline FILE.")
        from eval.sinks import open_sinks
        from eval.suite.comparing import compare, regressions_in_words
        from eval.suite.config import read_suite
        from eval.suite.report import read_report
        from eval.suite.running import run_suite as run_all
        from eval.suite.steps import RunCancelled, Steps
        from eval.suite.summary import SuiteSummary, shortcomings
        from eval.suite.writing import require_writable, write_report

        sinks = open_sinks(sink or [])
        wanted = read_suite(suite)
        if llm is not None:
            wanted = wanted.model_copy(update={"llm": llm})
        earlier = None if baseline is None else read_report(baseline)
        require_writable(out)
        with _showing(run) as show, _remembering_ctrl_c() as interrupted:
            try:
                report = run_all(wanted, run.footnote, steps=Steps(show, interrupted))
            except RunCancelled:
                raise KeyboardInterrupt from None
            if interrupted():
                raise KeyboardInterrupt
        if earlier is not None:
            report = compare(report, earlier, name=str(baseline), gate=wanted.gate, tolerance=tolerance)
        written = write_report(report, out)
        files = {"report": str(written[0]), "page": str(written[1])}
        show_report(run, SuiteSummary(report=report, files=files), title=f"Suite {report.suite}")
        for each in sinks:
            each.log(report.model_dump(mode="json"), written)
        reasons = [*shortcomings(report), *(regressions_in_words(report) if fail_on_regression else [])]
        for reason in reasons:
            typer.secho(f"footnote: {reason}", err=True)
        if reasons:
            raise typer.Exit(FAILURE)


@contextmanager
def _remembering_ctrl_c() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C was pressed: Python drops an interrupt that falls into a callback of a library."""
    pressed = Event()

    def remember(_: int, __: FrameType | None) -> None:
        pressed.set()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, remember)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _showing(run: Run) -> Iterator[StepProgress]:
    """A bar on stderr, on a terminal only, that names the stage."""
    with Progress(console=run.err, transient=True, disable=not run.err.is_terminal) as bar:
        task = bar.add_task("starting", total=None)

        def show(stage: str, done: int, total: int) -> None:
            bar.update(task, description=stage, completed=done, total=total)

        yield show
