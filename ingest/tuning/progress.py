"""How a tuning tells how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class TuningStatus:
    """How far a tuning is.

    Attributes:
        stage: ``mine``, ``train``, ``judge`` or ``reembed``, in this order.
        share: of the stage that is done, 0 to 1.
        eta_s: estimated seconds left of the stage; ``None`` while unknown.
    """

    stage: str
    share: float = 0.0
    eta_s: float | None = None


class TuningProgress(Protocol):
    """Whoever shows the progress."""

    def update(self, status: TuningStatus) -> None:
        """Called at every change; must be quick."""
        ...


class _Silent:
    def update(self, status: TuningStatus) -> None:
        pass


SILENT: TuningProgress = _Silent()
"""Shows nothing."""
