"""Writes an ingestion's progress into its job, a batch a second however many files go by."""

from __future__ import annotations

import logging
import time

from ingest.progress import Status
from rag.domain import JobFile
from rag.errors import StorageError
from rag.interfaces import Catalog

_SECONDS_PER_WRITE = 1.0
_FILES_PER_WRITE = 5000
_COUNTS = (
    "files_total", "files_done", "added", "modified", "moved", "deleted", "unchanged", "duplicates",
    "failed", "chunks",
)  # fmt: skip
_log = logging.getLogger(__name__)


class JobProgress:
    """The :class:`ingest.progress.Progress` of a job that ``owner`` runs.

    A write that fails is made up for by the next one: whether the run can go on is for its commits to say.
    """

    def __init__(self, catalog: Catalog, job_id: str, *, owner: str) -> None:
        self._catalog = catalog
        self._job_id = job_id
        self._owner = owner
        self._written_at = float("-inf")
        self._status = Status(stage="")
        self._files: list[JobFile] = []

    def update(self, status: Status) -> None:
        """Record the status, if the last record is old enough or of another stage."""
        stage, self._status = self._status.stage, status
        self._files += status.files
        if status.stage != stage or time.monotonic() - self._written_at >= _SECONDS_PER_WRITE:
            self.flush()

    def flush(self) -> None:
        """Record what is not recorded yet."""
        self._written_at = time.monotonic()
        try:
            while self._files:
                batch = self._files[:_FILES_PER_WRITE]
                self._catalog.record_job_files(self._job_id, batch, owner=self._owner)
                del self._files[: len(batch)]
            self._catalog.update_job(
                self._job_id, owner=self._owner, stage=self._status.stage, counts=counts_of(self._status)
            )
        except StorageError as exc:
            _log.warning("The progress of job %s could not be recorded: %s", self._job_id, exc)


def counts_of(status: Status) -> dict[str, float]:
    """The numbers of a status as a job keeps them."""
    counts: dict[str, float] = {name: getattr(status, name) for name in _COUNTS}
    counts["rate"] = round(status.rate, 1)
    return counts if status.eta_s is None else {**counts, "eta_s": round(status.eta_s, 1)}
