"""Suites asked for through the API: a background thread that runs them, and keeps their reports.

A job's ``request`` holds the whole suite as it was checked when it was sent, and may name an earlier
evaluation as ``baseline``. A job that is run again after a restart begins anew.
"""

from __future__ import annotations

import logging
import time
import zlib

from ingest.lease import LEASE_SECONDS, Lease
from ingest.queue import End, QueueRunner, failure_of
from rag.domain import Job
from rag.errors import JobNotFound, StorageError
from rag.factory import Footnote
from rag.interfaces import Catalog

KIND = "evaluation"
_SECONDS_PER_WRITE = 1.0
_log = logging.getLogger(__name__)


class EvaluationRunner(QueueRunner):
    """Runs queued evaluations one after the other, beside the ingestions."""

    def __init__(self, footnote: Footnote, *, lease_s: float = LEASE_SECONDS) -> None:
        super().__init__(footnote, kind=KIND, lease_s=lease_s)

    def _end_of(self, job: Job, lease: Lease) -> End:
        from eval.suite.steps import RunCancelled

        try:
            return self._evaluated(job, lease)
        except RunCancelled:
            return End(retry_s=0.0, stage="queued")
        except Exception as exc:  # noqa: BLE001 - a job must not end the runner; the details are logged
            return End.failed(*failure_of(job, exc))

    def _evaluated(self, job: Job, lease: Lease) -> End:
        # Imported when the first evaluation comes: they take a second, and a server starts without one.
        from eval.suite.comparing import compare
        from eval.suite.config import Suite
        from eval.suite.report import parse_report
        from eval.suite.requested import require_allowed
        from eval.suite.running import run_suite
        from eval.suite.steps import Steps
        from eval.suite.summary import SuiteSummary

        suite = Suite.model_validate(job.request["suite"])
        require_allowed(suite, self._footnote.settings.allowed_roots)
        shown = _Shown(self._catalog, job.id, owner=self._owner)
        steps = Steps(shown.show, cancelled=lambda: self._stopping.is_set() or lease.is_lost)
        report = run_suite(suite, self._footnote, steps=steps)
        if baseline := job.request.get("baseline"):
            earlier = parse_report(stored_report(self._catalog, baseline), baseline)
            report = compare(report, earlier, name=baseline, gate=suite.gate)
        self._catalog.store_report(job.id, packed(report.to_text()), owner=self._owner)
        return End.committed(SuiteSummary(report=report, files={}).to_json())


class _Shown:
    """Writes how far a run is into its job, once a second; a write that fails is made up for by the next."""

    def __init__(self, catalog: Catalog, job_id: str, *, owner: str) -> None:
        self._catalog = catalog
        self._job_id = job_id
        self._owner = owner
        self._stage = ""
        self._written_at = float("-inf")

    def show(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if stage == self._stage and done < total and now - self._written_at < _SECONDS_PER_WRITE:
            return
        self._stage, self._written_at = stage, now
        try:
            self._catalog.update_job(
                self._job_id, owner=self._owner, stage=stage, counts={"done": done, "total": total}
            )
        except StorageError as exc:
            _log.warning("The progress of job %s could not be recorded: %s", self._job_id, exc)


def packed(report: str) -> bytes:
    """A report as the catalog keeps it."""
    return zlib.compress(report.encode())


def stored_report(catalog: Catalog, job_id: str) -> str:
    """The report of an evaluation, as JSON. Raises: JobNotFound when none is kept."""
    if catalog.job(job_id).kind != KIND:
        raise JobNotFound(f"No evaluation has the id {job_id!r}.")
    return zlib.decompress(catalog.report(job_id)).decode()
