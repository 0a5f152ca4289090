"""How an ingestion tells how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """How far an ingestion is.

    Attributes:
        stage: ``plan``, ``embed`` (parse, embed and commit run together), ``index`` or ``done``; before them
            ``reembed`` (documents take the files' place in the counts) where another model or chunker comes.
        files_total: files to add or replace; ``files_done`` of them are committed or have failed.
        chunks: chunks committed so far.
        rate: chunks per second since the start.
        eta_s: estimated seconds left, by bytes; ``None`` while unknown.
    """

    stage: str
    files_total: int = 0
    files_done: int = 0
    failed: int = 0
    chunks: int = 0
    rate: float = 0.0
    eta_s: float | None = None


class Progress(Protocol):
    """Whoever shows the progress: a bar, a job's record, nobody."""

    def update(self, status: Status) -> None:
        """Called from the ingesting thread after every file and at every change of stage; must be quick."""
        ...


class _Silent:
    def update(self, status: Status) -> None:
        pass


SILENT: Progress = _Silent()
"""Shows nothing."""
