"""Ingestions asked for through the API: one background thread that works through the catalog's queue."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from typing import Any

from ingest.factory import build_ingestor, target_collection
from ingest.pipeline import Ingestor
from ingest.progress import Status
from ingest.result import IngestResult
from ingest.sources import Source, UploadSource, open_source
from rag.domain import Job, JobState
from rag.errors import FootnoteError, InvalidRequest, SourceError
from rag.factory import Footnote
from rag.interfaces import Catalog

KIND = "ingestion"
_IDLE_SECONDS = 0.5
_HEARTBEAT_SECONDS = 1.0
_log = logging.getLogger(__name__)


class JobRunner:
    """Runs queued ingestions one after the other; start it once per data directory.

    A job's ``request`` holds ``path`` or ``upload`` (a folder of uploaded files), and may hold ``groups``,
    ``delete_missing`` and ``dry_run``. Jobs that a dead process left running are queued again at the start,
    those that :meth:`stop` interrupts likewise: what they had committed is then found unchanged.
    """

    def __init__(self, footnote: Footnote) -> None:
        self._footnote = footnote
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin working, in a background thread."""
        self._footnote.catalog.requeue_interrupted_jobs()
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
        ingestor: Ingestor | None = None
        try:
            while not self._stopping.is_set():
                job = self._next_job()
                if job is None:
                    self._stopping.wait(_IDLE_SECONDS)
                    continue
                ingestor = self._run(job, ingestor)
        finally:
            if ingestor is not None:
                ingestor.close()

    def _next_job(self) -> Job | None:
        try:
            return self._footnote.catalog.next_queued_job()
        except FootnoteError:  # a full disk, a locked database: later calls may succeed
            _log.exception("The job queue could not be read; trying again.")
            return None

    def _run(self, job: Job, ingestor: Ingestor | None) -> Ingestor | None:
        """Run one job to its end; the ingestor is kept for the next one."""
        catalog = self._footnote.catalog
        try:
            if job.kind != KIND:
                raise InvalidRequest(f"Jobs of kind {job.kind!r} cannot be run; known is {KIND!r}.")
            source = _source(job.request)
            ingestor = ingestor or build_ingestor(self._footnote)
            result = self._sync(job, source, ingestor)
            self._end(job, result)
        except SourceError as exc:
            _fail(catalog, job, exc.source_code, str(exc))
        except FootnoteError as exc:
            _fail(catalog, job, exc.code, str(exc))
        except Exception:  # noqa: BLE001 - a job must not end the runner; the details are logged
            _log.exception("The ingestion job %s failed", job.id)
            _fail(
                catalog,
                job,
                "internal_error",
                "The ingestion failed unexpectedly; the server's log says why.",
            )
        return ingestor

    def _sync(self, job: Job, source: Source, ingestor: Ingestor) -> IngestResult:
        progress = JobProgress(self._footnote.catalog, job.id)
        dry_run = bool(job.request.get("dry_run", False))
        return ingestor.sync(
            source,
            collection=target_collection(self._footnote, job.collection, dry_run=dry_run),
            groups=frozenset(job.request.get("groups") or ()),
            delete_missing=bool(job.request.get("delete_missing", True)),
            dry_run=dry_run,
            progress=progress,
            cancelled=lambda: self._stopping.is_set() or progress.is_cancelled,
        )

    def _end(self, job: Job, result: IngestResult) -> None:
        catalog = self._footnote.catalog
        if self._stopping.is_set() and result.cancelled and catalog.job(job.id).state is JobState.RUNNING:
            catalog.update_job(job.id, state=JobState.QUEUED, stage="queued")
            return
        catalog.update_job(job.id, state=JobState.COMMITTED, stage="done", result=result.to_json())


class JobProgress:
    """Writes an ingestion's progress into its job, at most once a second, and learns of its cancellation."""

    def __init__(self, catalog: Catalog, job_id: str) -> None:
        self._catalog = catalog
        self._job_id = job_id
        self._written_at = float("-inf")
        self._asked_at = float("-inf")
        self._stage = ""
        self._was_cancelled = False

    def update(self, status: Status) -> None:
        """Record the status, if the last record is old enough or of another stage."""
        now = time.monotonic()
        if status.stage == self._stage and now - self._written_at < _HEARTBEAT_SECONDS:
            return
        self._written_at, self._stage = now, status.stage
        self._catalog.update_job(self._job_id, stage=status.stage, counts=_counts(status))

    @property
    def is_cancelled(self) -> bool:
        """Whether the job was cancelled; the catalog is asked at most once a second."""
        now = time.monotonic()
        if not self._was_cancelled and now - self._asked_at >= _HEARTBEAT_SECONDS:
            self._asked_at = now
            self._was_cancelled = self._catalog.job(self._job_id).state is JobState.CANCELLED
        return self._was_cancelled


def _counts(status: Status) -> dict[str, float]:
    counts = {
        "files_total": status.files_total,
        "files_done": status.files_done,
        "failed": status.failed,
        "chunks": status.chunks,
        "rate": round(status.rate, 1),
    }
    return counts if status.eta_s is None else {**counts, "eta_s": round(status.eta_s, 1)}


def _source(request: Mapping[str, Any]) -> Source:
    if upload := request.get("upload"):
        return UploadSource(upload)
    if path := request.get("path"):
        return open_source(path)
    raise InvalidRequest("An ingestion names a 'path', or an 'upload'.")


def _fail(catalog: Catalog, job: Job, code: str, message: str) -> None:
    try:
        catalog.update_job(job.id, state=JobState.FAILED, error_code=code, error_message=message)
    except FootnoteError:  # the job stays "running" and is queued again at the next start
        _log.exception("The failure of job %s (%s) could not be recorded", job.id, code)
