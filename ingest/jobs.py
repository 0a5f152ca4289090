"""Ingestions asked for through the API: a background thread that works through the catalog's queue."""

from __future__ import annotations

import errno
import logging
import os
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from ingest.factory import build_ingestor, target_collection
from ingest.job_progress import JobProgress
from ingest.lease import LEASE_SECONDS, Lease
from ingest.pipeline import Ingestor
from ingest.reserve import Reserve
from ingest.result import IngestResult
from ingest.sources import Source, UploadSource, open_source
from ingest.uploads import settle_abandoned, settle_upload
from rag.domain import FINAL_JOB_STATES, Job, JobState
from rag.errors import Busy, DiskFull, FootnoteError, InvalidRequest, SourceError, StorageError
from rag.factory import Footnote

KIND = "ingestion"
WAITING = "waiting"
"""Stage of a job whose collection another ingestion holds."""

_IDLE_SECONDS = 0.5
_BUSY_SECONDS = 2.0  # until a waiting job is tried again
_TROUBLE_SECONDS = 2.0  # until a queue that could not be read, or an end that could not be recorded, is again
_RECORD_SECONDS = 60.0  # then the lease runs out, and the job is run again: what is committed is unchanged
_UPKEEP_SECONDS = 3600.0
_PRUNED_AT_ONCE = 10_000
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class _End:
    """How a run ended: ``changes`` to the job, or back into the queue for at least ``retry_s`` seconds."""

    changes: Mapping[str, Any] = field(default_factory=dict)
    retry_s: float | None = None
    stage: str = ""


class JobRunner:
    """Runs queued ingestions one after the other; any number of processes may do so over one catalog.

    A job's ``request`` holds ``path`` or ``upload`` (a folder of uploaded files), and may hold ``groups``,
    ``delete_missing`` and ``dry_run``. While a job runs its lease is renewed; the job of a process that died
    is run again by whoever finds its lease run out, and what it had committed is then found unchanged.
    """

    def __init__(self, footnote: Footnote, *, lease_s: float = LEASE_SECONDS) -> None:
        self._footnote = footnote
        self._lease_s = lease_s
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._ingestor: Ingestor | None = None
        self._reserve = Reserve(footnote.settings.data_dir / "reserve")
        self._upkept_at = float("-inf")

    def start(self) -> None:
        """Begin working, in a background thread."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._work, name="ingestion-jobs", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End soon: a running job stops where it is and goes back into the queue."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _work(self) -> None:
        try:
            while not self._stopping.is_set():
                self._stopping.wait(self._safe_step())
        finally:
            self._close_ingestor()

    def _safe_step(self) -> float:
        """What fails here (a full disk, a locked database) may succeed later."""
        try:
            return self._step()
        except StorageError as exc:
            _log.error("The job queue could not be worked on, trying again: %s", exc)
        except Exception:  # noqa: BLE001 - the runner must outlive it
            _log.exception("The job queue could not be worked on; trying again")
        return _TROUBLE_SECONDS

    def _step(self) -> float:
        """Run the next job, or tidy up; returns seconds to wait."""
        self._reserve.fill()
        job = self._footnote.catalog.next_queued_job(owner=self._owner, lease_s=self._lease_s)
        if job is not None:
            self._run(job)
            return 0.0
        self._keep_up()
        return _IDLE_SECONDS

    def _run(self, job: Job) -> None:
        catalog = self._footnote.catalog
        progress = JobProgress(catalog, job.id, owner=self._owner)
        with Lease(catalog, job, owner=self._owner, lease_s=self._lease_s) as lease:
            end = self._end_of(job, lease, progress)
            progress.flush()
            self._record(job, end)
        if (upload := job.request.get("upload")) and catalog.job(job.id).state in FINAL_JOB_STATES:
            settle_upload(catalog, Path(upload))

    def _end_of(self, job: Job, lease: Lease, progress: JobProgress) -> _End:
        """Run the job to its end, whatever that is."""
        try:
            result = self._sync(job, lease, progress)
        except Busy:
            return _End(retry_s=_BUSY_SECONDS, stage=WAITING)
        except Exception as exc:  # noqa: BLE001 - a job must not end the runner; the details are logged
            code, message = _failure(job, exc)
            if not isinstance(exc, FootnoteError):
                self._close_ingestor()  # whatever it was, it must not fail the next job too
            return _End(changes={"state": JobState.FAILED, "error_code": code, "error_message": message})
        if result.cancelled:
            return _End(retry_s=0.0, stage="queued")
        return _End(changes={"state": JobState.COMMITTED, "stage": "done", "result": result.to_json()})

    def _sync(self, job: Job, lease: Lease, progress: JobProgress) -> IngestResult:
        if job.kind != KIND:
            raise InvalidRequest(f"Jobs of kind {job.kind!r} cannot be run; known is {KIND!r}.")
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

    def _record(self, job: Job, end: _End) -> None:
        """Write the end into the job, unless it was cancelled or is another worker's by now."""
        catalog, give_up_at = self._footnote.catalog, time.monotonic() + _RECORD_SECONDS
        while True:
            try:
                if end.retry_s is None:
                    catalog.update_job(job.id, owner=self._owner, **end.changes)
                else:
                    catalog.release_job(job.id, owner=self._owner, stage=end.stage, retry_s=end.retry_s)
                return
            except StorageError as exc:
                _log.error("The end of job %s could not be recorded: %s", job.id, exc)
                if isinstance(exc, DiskFull) and self._reserve.spend():
                    continue
                if time.monotonic() > give_up_at or self._stopping.wait(_TROUBLE_SECONDS):
                    return

    def _keep_up(self) -> None:
        """Once an hour, with nothing else to do: forget what is old, and tidy the uploads."""
        if time.monotonic() - self._upkept_at < _UPKEEP_SECONDS:
            return
        if self._footnote.catalog.prune_job_files(limit=_PRUNED_AT_ONCE) == _PRUNED_AT_ONCE:
            return  # the rest when the queue has been looked at again
        self._upkept_at = time.monotonic()
        self._footnote.conversations.prune()
        settle_abandoned(self._footnote.catalog, self._footnote.settings.data_dir)

    def _close_ingestor(self) -> None:
        if self._ingestor is not None:
            self._ingestor.close()
            self._ingestor = None


def _source(request: Mapping[str, Any]) -> Source:
    if upload := request.get("upload"):
        return UploadSource(upload)
    if path := request.get("path"):
        return open_source(path)
    raise InvalidRequest("An ingestion names a 'path', or an 'upload'.")


def _failure(job: Job, exc: Exception) -> tuple[str, str]:
    """``(code, message)`` for the client; what is not meant for it goes to the log."""
    if isinstance(exc, SourceError):
        return exc.source_code, str(exc)
    if isinstance(exc, FootnoteError):
        return exc.code, str(exc)
    if isinstance(exc, OSError) and exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            DiskFull.code,
            "No space is left on the server's disk; free some, then send the request again. "
            "What was committed before is intact.",
        )
    _log.error("The ingestion job %s failed", job.id, exc_info=exc)
    return "internal_error", "The ingestion failed unexpectedly; the server's log says why."
