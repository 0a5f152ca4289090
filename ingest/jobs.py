"""Ingestions asked for through the API: a background thread that works through the catalog's queue."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ingest.factory import build_ingestor, target_collection
from ingest.job_progress import JobProgress
from ingest.lease import LEASE_SECONDS, Lease
from ingest.pipeline import Ingestor
from ingest.queue import End, QueueRunner, failure_of
from ingest.reserve import Reserve
from ingest.result import IngestResult
from ingest.sources import Source, UploadSource, open_source
from ingest.uploads import settle_abandoned, settle_upload
from rag.domain import FINAL_JOB_STATES, Job
from rag.errors import Busy, FootnoteError, InvalidRequest
from rag.factory import Footnote

KIND = "ingestion"
WAITING = "waiting"
"""Stage of a job whose collection another ingestion holds."""

_BUSY_SECONDS = 2.0  # until a waiting job is tried again
_UPKEEP_SECONDS = 3600.0
_PRUNED_AT_ONCE = 10_000


class JobRunner(QueueRunner):
    """Runs queued ingestions one after the other; any number of processes may do so over one catalog.

    A job's ``request`` holds ``path`` or ``upload`` (a folder of uploaded files), and may hold ``groups``,
    ``delete_missing`` and ``dry_run``. What a job that is run again had committed is found unchanged.
    """

    def __init__(self, footnote: Footnote, *, lease_s: float = LEASE_SECONDS) -> None:
        super().__init__(footnote, kind=KIND, lease_s=lease_s)
        self._ingestor: Ingestor | None = None
        self._reserve = Reserve(footnote.settings.data_dir / "reserve")
        self._upkept_at = float("-inf")

    def _before_looking(self) -> None:
        self._reserve.fill()

    def _make_room(self) -> bool:
        return self._reserve.spend()

    def _after(self, job: Job) -> None:
        if (upload := job.request.get("upload")) and self._catalog.job(job.id).state in FINAL_JOB_STATES:
            settle_upload(self._catalog, Path(upload))

    def _end_of(self, job: Job, lease: Lease) -> End:
        progress = JobProgress(self._catalog, job.id, owner=self._owner)
        end = self._outcome(job, lease, progress)
        progress.flush()
        return end

    def _outcome(self, job: Job, lease: Lease, progress: JobProgress) -> End:
        try:
            result = self._sync(job, lease, progress)
        except Busy:
            return End(retry_s=_BUSY_SECONDS, stage=WAITING)
        except Exception as exc:  # noqa: BLE001 - a job must not end the runner; the details are logged
            if not isinstance(exc, FootnoteError):
                self._close()  # whatever it was, it must not fail the next job too
            return End.failed(*failure_of(job, exc))
        return End(retry_s=0.0, stage="queued") if result.cancelled else End.committed(result.to_json())

    def _sync(self, job: Job, lease: Lease, progress: JobProgress) -> IngestResult:
        source = _source(job.request)
        self._ingestor = self._ingestor or build_ingestor(self._footnote)
        dry_run = bool(job.request.get("dry_run", False))
        return self._ingestor.sync(
            source,
            collection=target_collection(self._footnote, job.collection, dry_run=dry_run),
            groups=frozenset(job.request.get("groups") or ()),
            delete_missing=bool(job.request.get("delete_missing", True)),
            dry_run=dry_run,
            progress=progress,
            cancelled=lambda: self._stopping.is_set() or lease.is_lost,
        )

    def _keep_up(self) -> None:
        """Once an hour, with nothing else to do: forget what is old, and tidy the uploads."""
        if time.monotonic() - self._upkept_at < _UPKEEP_SECONDS:
            return
        if self._catalog.prune_job_files(limit=_PRUNED_AT_ONCE) == _PRUNED_AT_ONCE:
            return  # the rest when the queue has been looked at again
        self._upkept_at = time.monotonic()
        self._footnote.conversations.prune()
        settle_abandoned(self._catalog, self._footnote.settings.data_dir)

    def _close(self) -> None:
        if self._ingestor is not None:
            self._ingestor.close()
            self._ingestor = None


def _source(request: Mapping[str, Any]) -> Source:
    if upload := request.get("upload"):
        return UploadSource(upload)
    if path := request.get("path"):
        return open_source(path)
    raise InvalidRequest("An ingestion names a 'path', or an 'upload'.")
