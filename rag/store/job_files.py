"""What became of each file of a job: recorded in batches, paged, forgotten some time after its end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from rag.domain import FINAL_JOB_STATES, JobFile, JobFileState
from rag.store.batches import in_batches
from rag.store.clock import database_now
from rag.store.jobs import job_row
from rag.store.schema import JobFileRow, JobRow

KEPT_JOBS = 1000
KEPT_DAYS = 30
"""The files of that many of the newest jobs are kept, and for that long; those of a job at work always."""


def record_job_files(session: Session, job_id: str, files: Sequence[JobFile], owner: str) -> bool:
    """Record the files if ``owner`` holds the job, or held it when it was cancelled; whether it was so.

    A file recorded before takes its new state and a new place at the end.
    """
    if job_row(session, job_id, lock=True).owner != owner:
        return False
    latest = {_storable(file.path): file for file in files}
    for paths in in_batches(list(latest)):
        session.execute(delete(JobFileRow).where(JobFileRow.job_id == job_id, JobFileRow.path.in_(paths)))
    last = session.scalar(select(func.max(JobFileRow.number)).where(JobFileRow.job_id == job_id)) or 0
    rows = [
        {
            "job_id": job_id,
            "path": path,
            "number": number,
            "state": file.state.value,
            "code": file.code,
            "message": None if file.message is None else _storable(file.message),
        }
        for number, (path, file) in enumerate(latest.items(), start=last + 1)
    ]
    if rows:
        session.execute(insert(JobFileRow), rows)
    return True


def list_job_files(
    session: Session, job_id: str, state: JobFileState | None, limit: int, after: int
) -> list[JobFile]:
    """In the order in which they were recorded; those after the number ``after``. Raises: JobNotFound."""
    job_row(session, job_id)
    query = select(JobFileRow).where(JobFileRow.job_id == job_id, JobFileRow.number > after)
    if state is not None:
        query = query.where(JobFileRow.state == state.value)
    return [_file(row) for row in session.scalars(query.order_by(JobFileRow.number).limit(limit))]


def notable_job_files(session: Session, job_id: str, limit: int) -> tuple[list[JobFile], int]:
    """``(files, total)``: those that failed, then the others, each newest first; ``limit`` of ``total``."""
    of_job = select(JobFileRow).where(JobFileRow.job_id == job_id).order_by(JobFileRow.number.desc())
    has_failed = JobFileRow.state == JobFileState.FAILED.value
    rows = list(session.scalars(of_job.where(has_failed).limit(limit)))
    if len(rows) < limit:
        rows += session.scalars(of_job.where(~has_failed).limit(limit - len(rows)))
    total = session.scalar(select(func.count()).select_from(JobFileRow).where(JobFileRow.job_id == job_id))
    return [_file(row) for row in rows], total or 0


def last_file(session: Session, job_id: str) -> str | None:
    """The file that was recorded last."""
    query = select(JobFileRow.path).where(JobFileRow.job_id == job_id).order_by(JobFileRow.number.desc())
    return session.scalar(query.limit(1))


def prune_job_files(session: Session, limit: int) -> int:
    """Forget at most ``limit`` files of jobs that ended long ago; returns how many."""
    is_final = JobRow.state.in_([state.value for state in FINAL_JOB_STATES])
    newest_old = (
        select(JobRow.number).where(is_final).order_by(JobRow.number.desc()).offset(KEPT_JOBS).limit(1)
    )
    limit_number = session.scalar(newest_old)
    is_old = JobRow.updated_at < database_now(session) - timedelta(days=KEPT_DAYS)
    if limit_number is not None:
        is_old = is_old | (JobRow.number <= limit_number)
    query = (
        select(JobFileRow.job_id, JobFileRow.path)
        .where(JobFileRow.job_id.in_(select(JobRow.id).where(is_final, is_old)))
        .limit(limit)
    )
    doomed: dict[str, list[str]] = {}
    for job_id, path in session.execute(query):
        doomed.setdefault(job_id, []).append(path)
    for job_id, paths in doomed.items():
        for batch in in_batches(paths):
            session.execute(delete(JobFileRow).where(JobFileRow.job_id == job_id, JobFileRow.path.in_(batch)))
    return sum(len(paths) for paths in doomed.values())


def _file(row: JobFileRow) -> JobFile:
    return JobFile(
        path=row.path, state=JobFileState(row.state), code=row.code, message=row.message, number=row.number
    )


def _storable(text: str) -> str:
    """Names of embedded files come from outside; what a database refuses is shown by its escape."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\0")
