"""A background thread that works through one kind of the catalog's jobs; subclasses say what a job is."""

from __future__ import annotations

import errno
import logging
import os
import socket
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from ingest.lease import LEASE_SECONDS, Lease
from rag.domain import Job, JobState
from rag.errors import DiskFull, FootnoteError, SourceError, StorageError
from rag.factory import Footnote
from rag.interfaces import Catalog

_IDLE_SECONDS = 0.5
_TROUBLE_SECONDS = 2.0  # until a queue that could not be read, or an end that could not be recorded, is again
_RECORD_SECONDS = 60.0  # then the lease runs out, and the job is run again: what is committed is unchanged
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class End:
    """How a run ended: ``changes`` to the job, or back into the queue for at least ``retry_s`` seconds."""

    changes: Mapping[str, Any] = field(default_factory=dict)
    retry_s: float | None = None
    stage: str = ""

    @classmethod
    def failed(cls, code: str, message: str) -> End:
        """The job cannot be done."""
        return cls(changes={"state": JobState.FAILED, "error_code": code, "error_message": message})

    @classmethod
    def committed(cls, result: Mapping[str, Any]) -> End:
        """The job is done."""
        return cls(changes={"state": JobState.COMMITTED, "stage": "done", "result": result})


class QueueRunner(ABC):
    """Runs the queued jobs of one kind one after the other; any number of processes may do so.

    While a job runs its lease is renewed; the job of a process that died is run again by whoever finds its
    lease run out.

    Args:
        kind: of the jobs; others are left alone.
    """

    def __init__(self, footnote: Footnote, *, kind: str, lease_s: float = LEASE_SECONDS) -> None:
        self._footnote = footnote
        self._kind = kind
        self._lease_s = lease_s
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def _catalog(self) -> Catalog:
        return self._footnote.catalog

    def start(self) -> None:
        """Begin working, in a background thread."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._work, name=f"{self._kind}-jobs", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End soon: a running job stops where it is and goes back into the queue."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    @abstractmethod
    def _end_of(self, job: Job, lease: Lease) -> End:
        """Run the job to its end, whatever that is; stop soon when stopping, or when the lease is lost."""

    def _before_looking(self) -> None:  # noqa: B027 (most runners need nothing here, nor below)
        """Called before the queue is looked at."""

    def _keep_up(self) -> None:  # noqa: B027
        """Called when there is nothing to do."""

    def _after(self, job: Job) -> None:  # noqa: B027
        """Called when the end of a job has been recorded."""

    def _make_room(self) -> bool:
        """Called when the disk is too full to record an end; whether that may have helped."""
        return False

    def _close(self) -> None:  # noqa: B027
        """Called when the thread ends."""

    def _work(self) -> None:
        try:
            while not self._stopping.is_set():
                self._stopping.wait(self._safe_step())
        finally:
            self._close()

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
        self._before_looking()
        job = self._catalog.next_queued_job(owner=self._owner, lease_s=self._lease_s, kind=self._kind)
        if job is not None:
            self._run(job)
            return 0.0
        self._keep_up()
        return _IDLE_SECONDS

    def _run(self, job: Job) -> None:
        with Lease(self._catalog, job, owner=self._owner, lease_s=self._lease_s) as lease:
            self._record(job, self._end_of(job, lease))
        self._after(job)

    def _record(self, job: Job, end: End) -> None:
        """Write the end into the job, unless it was cancelled or is another worker's by now."""
        give_up_at = time.monotonic() + _RECORD_SECONDS
        while True:
            try:
                if end.retry_s is None:
                    self._catalog.update_job(job.id, owner=self._owner, **end.changes)
                else:
                    self._catalog.release_job(job.id, owner=self._owner, stage=end.stage, retry_s=end.retry_s)
                return
            except StorageError as exc:
                _log.error("The end of job %s could not be recorded: %s", job.id, exc)
                if isinstance(exc, DiskFull) and self._make_room():
                    continue
                if time.monotonic() > give_up_at or self._stopping.wait(_TROUBLE_SECONDS):
                    return


def failure_of(job: Job, exc: Exception) -> tuple[str, str]:
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
    _log.error("The %s job %s failed", job.kind, job.id, exc_info=exc)
    return "internal_error", f"The {job.kind} failed unexpectedly; the server's log says why."
