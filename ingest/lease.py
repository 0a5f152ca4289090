"""A worker's hold on the job it runs: a heartbeat of its own, however long a single file takes."""

from __future__ import annotations

import logging
import threading
import time
from types import TracebackType

from rag.domain import Job, JobState
from rag.interfaces import Catalog

LEASE_SECONDS = 20.0
"""So long after its last heartbeat a worker counts as dead."""

_WATCH_SECONDS = 0.5  # how soon a cancellation is noticed
_RENEWALS_PER_LEASE = 6
_log = logging.getLogger(__name__)


class Lease:
    """Renews the lease of a claimed job until the ``with`` block ends, and notices when it is lost.

    It is lost when the job was cancelled, when another worker has it, and when it could not be renewed for
    as long as it lasts, since another worker may then have it.
    """

    def __init__(self, catalog: Catalog, job: Job, *, owner: str, lease_s: float) -> None:
        self._catalog = catalog
        self._job_id = job.id
        self._owner = owner
        self._lease_s = lease_s
        self._renewed_at = time.monotonic()
        self._has_ended = threading.Event()
        self._is_lost = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="job-heartbeat", daemon=True)

    def __enter__(self) -> Lease:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._has_ended.set()
        self._thread.join()

    @property
    def is_lost(self) -> bool:
        """Whether the work must stop at once; costs nothing to ask."""
        return self._is_lost.is_set()

    def _watch(self) -> None:
        while not self._has_ended.wait(_WATCH_SECONDS):
            try:
                is_held = self._is_held()
            except Exception as exc:  # noqa: BLE001 - whatever it is, the next heartbeat may succeed
                _log.warning("The lease of job %s could not be renewed: %r", self._job_id, exc)
                is_held = time.monotonic() - self._renewed_at < self._lease_s
            if not is_held:
                _log.info("Job %s was cancelled, or is another worker's; it stops here", self._job_id)
                self._is_lost.set()
                return

    def _is_held(self) -> bool:
        now = time.monotonic()
        if now - self._renewed_at >= self._lease_s / _RENEWALS_PER_LEASE:
            job = self._catalog.renew_lease(self._job_id, owner=self._owner, lease_s=self._lease_s)
            self._renewed_at = now
        else:
            job = self._catalog.job(self._job_id)
        return (job.state, job.owner) == (JobState.RUNNING, self._owner)
