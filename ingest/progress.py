"""How an ingestion tells how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from rag.domain import JobFile


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """How far an ingestion is.

    Attributes:
        stage: ``plan``, ``embed`` (parse, embed and commit run together), ``index`` or ``done``; before them
            ``reembed`` (documents take the files' place in the counts) where another model or chunker comes.
        files_total: files to add or replace; ``files_done`` of them are committed or have failed.
        failed: files, and files inside files, that could not be taken so far.
        added, modified, moved, deleted: files of which that has been done so far.
        unchanged, duplicates: files that need nothing, known once the plan is made.
        chunks: chunks committed so far.
        rate: chunks per second since the start.
        eta_s: estimated seconds left, by bytes; ``None`` while unknown.
        files: what became of files since the last status.
    """

    stage: str
    files_total: int = 0
    files_done: int = 0
    failed: int = 0
    added: int = 0
    modified: int = 0
    moved: int = 0
    deleted: int = 0
    unchanged: int = 0
    duplicates: int = 0
    chunks: int = 0
    rate: float = 0.0
    eta_s: float | None = None
    files: tuple[JobFile, ...] = ()


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
