"""The progress bar of ``footnote tune``."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from api.ingest_progress import time_left
from ingest.tuning.progress import TuningStatus


class TuningBar:
    """The stage, its share and the time left of it, on a terminal; silent elsewhere."""

    def __init__(self, console: Console, *, shown: bool) -> None:
        self._bar = Progress(
            TextColumn("{task.fields[stage]:<7}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[left]}"),
            console=console,
            transient=True,
            disable=not shown,
        )
        self._task = self._bar.add_task("tune", total=1.0, stage="mine", left="")

    def __enter__(self) -> TuningBar:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def update(self, status: TuningStatus) -> None:
        """Show how far the tuning is."""
        self._bar.update(self._task, completed=status.share, stage=status.stage, left=time_left(status.eta_s))
