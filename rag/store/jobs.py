"""Background work: enqueue once, report progress, finish once. Who works on it: :mod:`rag.store.leases`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from rag.domain import FINAL_JOB_STATES, Job, JobState
from rag.errors import Conflict, InvalidRequest, JobNotFound
from rag.store.clock import database_now
from rag.store.schema import JobRow
from rag.store.storable import is_storable, require_storable

_CHANGEABLE = frozenset({"state", "stage", "counts", "result", "error_code", "error_message"})


def create_job(
    session: Session, kind: str, collection: str, request: Mapping[str, Any], idempotency_key: str | None
) -> tuple[Job, bool]:
    """``(job, created)``; a known key gives the earlier job. Raises: Conflict."""
    require_storable("The idempotency key", idempotency_key or "")
    require_storable("The collection's name", collection)
    wanted = json.loads(json.dumps(dict(request)))
    now = database_now(session)
    row = JobRow(
        id=uuid4().hex,
        kind=kind,
        collection=collection,
        state=JobState.QUEUED.value,
        stage="",
        request=wanted,
        counts={},
        attempts=0,
        idempotency_key=idempotency_key,
        created_at=now,
        updated_at=now,
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        earlier = session.scalar(select(JobRow).where(JobRow.idempotency_key == idempotency_key))
        if earlier is None:
            raise
        if (earlier.kind, earlier.collection, earlier.request) != (kind, collection, wanted):
            raise Conflict(
                f"The idempotency key {idempotency_key!r} was used for another request (job {earlier.id}); "
                "send a new key with a new request."
            ) from None
        return job_of(earlier), False
    return job_of(row), True


def find_job(session: Session, job_id: str) -> Job:
    """Raises: JobNotFound."""
    return job_of(job_row(session, job_id))


def list_jobs(
    session: Session,
    limit: int,
    after: str | None,
    states: Sequence[JobState],
    collection: str | None,
    kind: str | None,
) -> list[Job]:
    """Newest first; those older than the job ``after``, in one of ``states`` if any are given."""
    query = select(JobRow).order_by(JobRow.number.desc()).limit(limit)
    if after is not None:
        query = query.where(JobRow.number < job_row(session, after).number)
    if states:
        query = query.where(JobRow.state.in_([state.value for state in states]))
    if collection is not None:
        query = query.where(JobRow.collection == collection)
    if kind is not None:
        query = query.where(JobRow.kind == kind)
    return [job_of(row) for row in session.scalars(query)]


def update_job(session: Session, job_id: str, changes: Mapping[str, Any], owner: str | None) -> Job:
    """Set fields of a job that is not final and, if ``owner`` is given, still runs for that worker."""
    unknown = sorted(changes.keys() - _CHANGEABLE)
    if unknown:
        raise InvalidRequest(
            f"A job has no changeable field {unknown[0]!r}; known are {', '.join(sorted(_CHANGEABLE))}."
        )
    row = job_row(session, job_id, lock=True)
    is_theirs = owner is not None and (row.state, row.owner) != (JobState.RUNNING.value, owner)
    if is_theirs or JobState(row.state) in FINAL_JOB_STATES:
        return job_of(row)
    for name, value in changes.items():
        setattr(row, name, _stored(name, value))
    touch(session, row)
    row.heartbeat_at = row.updated_at
    session.flush()
    return job_of(row)


def touch(session: Session, row: JobRow) -> None:
    """Note the change; ``updated_at`` grows with every one, whatever the clock does."""
    row.updated_at = max(database_now(session), row.updated_at + timedelta(microseconds=1))


def job_row(session: Session, job_id: str, *, lock: bool = False) -> JobRow:
    """Raises: JobNotFound."""
    row = None
    if is_storable(job_id):
        query = select(JobRow).where(JobRow.id == job_id)
        row = session.scalar(query.with_for_update() if lock else query)
    if row is None:
        raise JobNotFound(f"No job has the id {job_id!r}.")
    return row


def _stored(name: str, value: Any) -> Any:
    if name == "state":
        try:
            return JobState(value).value
        except ValueError as exc:
            raise InvalidRequest(f"{value!r} is no job state; known are {', '.join(JobState)}.") from exc
    return dict(value) if isinstance(value, Mapping) else value


def job_of(row: JobRow) -> Job:
    """The job as the core knows it."""
    return Job(
        id=row.id,
        kind=row.kind,
        collection=row.collection,
        state=JobState(row.state),
        stage=row.stage,
        request=row.request,
        counts=row.counts,
        result=row.result,
        error_code=row.error_code,
        error_message=row.error_message,
        idempotency_key=row.idempotency_key,
        created_at=row.created_at,
        updated_at=row.updated_at,
        heartbeat_at=row.heartbeat_at,
        owner=row.owner,
        lease_until=row.lease_until,
        attempts=row.attempts,
    )
