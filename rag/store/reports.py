"""Reports of jobs: kept whole, opaque here."""

from __future__ import annotations

from sqlalchemy import delete
from sqlalchemy.orm import Session

from rag.domain import JobState
from rag.errors import JobNotFound
from rag.store.clock import database_now
from rag.store.jobs import job_row
from rag.store.schema import JobReportRow


def store_report(session: Session, job_id: str, content: bytes, owner: str) -> bool:
    """Keep the report of a job, in place of an earlier one, if ``owner`` still runs it."""
    row = job_row(session, job_id, lock=True)
    if (row.state, row.owner) != (JobState.RUNNING.value, owner):
        return False
    session.execute(delete(JobReportRow).where(JobReportRow.job_id == job_id))
    session.add(JobReportRow(job_id=job_id, content=content, created_at=database_now(session)))
    session.flush()
    return True


def find_report(session: Session, job_id: str) -> bytes:
    """Raises: JobNotFound when there is no such job, or no report of it."""
    row = session.get(JobReportRow, job_row(session, job_id).id)
    if row is None:
        raise JobNotFound(f"No report is kept of the job {job_id!r}.")
    return row.content
