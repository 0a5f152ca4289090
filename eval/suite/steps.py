"""How far a run is, and whether it is still wanted."""

from __future__ import annotations

from collections.abc import Callable

from eval.report import Progress

StepProgress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


class RunCancelled(Exception):
    """Nobody wants the report any more; nothing was written."""


def unseen(stage: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


def never() -> bool:
    """Nobody cancels."""
    return False


class Steps:
    """Passes progress on, and ends the run where it is no longer wanted."""

    def __init__(self, progress: StepProgress = unseen, cancelled: Callable[[], bool] = never) -> None:
        self._progress = progress
        self.cancelled = cancelled

    def counting(self, stage: str) -> Progress:
        """The progress of one stage; calling it raises :class:`RunCancelled` once the run is cancelled."""

        def count(done: int, total: int) -> None:
            self.check()
            self._progress(stage, done, total)

        return count

    def check(self) -> None:
        """Raises: RunCancelled."""
        if self.cancelled():
            raise RunCancelled
