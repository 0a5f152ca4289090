"""Who runs a job: one worker at a time, for as long as it gives signs of life.

A claim lends the job to its owner until ``lease_until``; the owner renews the lease while it lives. A running
job whose lease has run out is claimed again, so a dead worker's job is taken up by another one. All moments
are the database's (:mod:`rag.store.clock`). A clock set forward ends leases early: the owner then finds
another owner in the row and stops, so nothing runs twice for longer than a heartbeat. A clock set back makes
a dead worker's lease last longer by as much.

Jobs of one kind into one collection run in the order of their arrival, one at a time.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, text
from sqlalchemy.orm import Session

from rag.domain import Job, JobState
from rag.store.clock import database_now
from rag.store.job_files import last_file
from rag.store.jobs import job_of, job_row, touch
from rag.store.schema import JobRow

MAX_ATTEMPTS = 3
"""A job that as many workers died of fails."""

_CLAIMS = 0x466F6F74  # any number that no other advisory lock of this database has


def is_claimable(session: Session, kind: str | None) -> bool:
    """Whether a worker would get a job, of ``kind`` if given, now; takes no lock."""
    return session.scalar(_claimable(session, kind)) is not None


def claim_job(session: Session, owner: str, lease_s: float, kind: str | None) -> Job | None:
    """The oldest job, of ``kind`` if given, that may run now, running from now on; ``None`` without any.

    A job that ``MAX_ATTEMPTS`` workers left without an end fails instead, as ``worker_lost``.
    """
    if session.get_bind().dialect.name != "sqlite":  # SQLite lets one writer in at a time
        session.execute(text("SELECT pg_advisory_xact_lock(:claims)"), {"claims": _CLAIMS})
    while (row := session.scalar(_claimable(session, kind).with_for_update())) is not None:
        if row.attempts >= MAX_ATTEMPTS:
            _give_up(session, row)
            continue
        row.state, row.stage = JobState.RUNNING.value, ""
        row.attempts += 1
        row.owner = owner
        touch(session, row)
        row.heartbeat_at = row.updated_at
        row.lease_until = database_now(session) + timedelta(seconds=lease_s)
        session.flush()
        return job_of(row)
    return None


def renew_lease(session: Session, job_id: str, owner: str, lease_s: float) -> Job:
    """Lengthen the lease if ``owner`` still holds the job; returns the job as it is now."""
    row = job_row(session, job_id, lock=True)
    if (row.state, row.owner) == (JobState.RUNNING.value, owner):
        row.heartbeat_at = database_now(session)
        row.lease_until = row.heartbeat_at + timedelta(seconds=lease_s)
        session.flush()
    return job_of(row)


def release_job(session: Session, job_id: str, owner: str, stage: str, retry_s: float) -> Job:
    """Put a job that ``owner`` holds back into its place in the queue; the attempt does not count."""
    row = job_row(session, job_id, lock=True)
    if (row.state, row.owner) == (JobState.RUNNING.value, owner):
        row.state, row.stage, row.owner = JobState.QUEUED.value, stage, None
        row.attempts -= 1
        row.lease_until = database_now(session) + timedelta(seconds=retry_s)
        touch(session, row)
        session.flush()
    return job_of(row)


def _claimable(session: Session, kind: str | None) -> Select[JobRow]:
    """Of each kind and collection the oldest unfinished job, if it may run now; oldest first."""
    unfinished = JobRow.state.in_((JobState.QUEUED.value, JobState.RUNNING.value))
    first = select(func.min(JobRow.number)).where(unfinished).group_by(JobRow.kind, JobRow.collection)
    now = database_now(session)
    is_free: ColumnElement[bool] = or_(
        and_(JobRow.state == JobState.QUEUED.value, JobRow.lease_until.is_(None)),
        JobRow.lease_until <= now,
    )
    found = select(JobRow).where(JobRow.number.in_(first), unfinished, is_free)
    if kind is not None:
        found = found.where(JobRow.kind == kind)
    return found.order_by(JobRow.number).limit(1)


def _give_up(session: Session, row: JobRow) -> None:
    seen = last_file(session, row.id)
    where = f"the last file recorded is {seen!r}" if seen else "before it recorded any file"
    row.state, row.error_code = JobState.FAILED.value, "worker_lost"
    row.error_message = (
        f"{row.attempts} workers died while running this job; {where}. See the server's log and its memory, "
        "take out the file that does it, then send the request again: what is committed stays."
    )
    touch(session, row)
    session.flush()
