"""The progress bar of ``footnote ingest``."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from ingest.progress import Status


class ProgressBar:
    """Files done, rate, time left and the current stage, on a terminal; silent elsewhere."""

    def __init__(self, console: Console, *, shown: bool) -> None:
        self._bar = Progress(
            TextColumn("{task.fields[stage]:<7}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]} · {task.fields[chunks]:,} chunks"),
            TextColumn("· {task.fields[rate]:.0f}/s · {task.fields[left]}"),
            console=console,
            transient=True,
            disable=not shown,
        )
        self._task = self._bar.add_task(
            "ingest", total=None, stage="plan", unit="files", chunks=0, rate=0.0, left=""
        )

    def __enter__(self) -> ProgressBar:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def update(self, status: Status) -> None:
        """Show how far the ingestion is."""
        self._bar.update(
            self._task,
            total=status.files_total or None,
            completed=status.files_done,
            stage=status.stage,
            unit="documents" if status.stage == "reembed" else "files",
            chunks=status.chunks,
            rate=status.rate,
            left=time_left(status.eta_s),
        )


def time_left(seconds: float | None) -> str:
    """Estimated time left, as people say it."""
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min left"
    return f"{minutes} min {rest:02d} s left" if minutes else f"{rest} s left"
