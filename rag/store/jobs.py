"""Background work: enqueue once, claim once, report progress, finish once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from rag.domain import Job, JobState
from rag.errors import Conflict, InvalidRequest, JobNotFound
from rag.store.schema import JobRow
from rag.store.storable import is_storable, require_storable

FINAL = frozenset({JobState.COMMITTED, JobState.FAILED, JobState.CANCELLED})
_CHANGEABLE = frozenset({"state", "stage", "counts", "result", "error_code", "error_message"})


def create_job(
    session: Session, kind: str, collection: str, request: Mapping[str, Any], idempotency_key: str | None
) -> tuple[Job, bool]:
    """``(job, created)``; a known key gives the earlier job. Raises: Conflict."""
    require_storable("The idempotency key", idempotency_key or "")
    require_storable("The collection's name", collection)
    wanted = json.loads(json.dumps(dict(request)))
    now = datetime.now(UTC)
    row = JobRow(
        id=uuid4().hex,
        kind=kind,
        collection=collection,
        state=JobState.QUEUED.value,
        stage="",
        request=wanted,
        counts={},
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
        return _job(earlier), False
    return _job(row), True


def find_job(session: Session, job_id: str) -> Job:
    """Raises: JobNotFound."""
    return _job(_row(session, job_id))


def list_jobs(session: Session, limit: int, after: str | None) -> list[Job]:
    """Newest first; those older than the job ``after``."""
    query = select(JobRow).order_by(JobRow.number.desc()).limit(limit)
    if after is not None:
        query = query.where(JobRow.number < _row(session, after).number)
    return [_job(row) for row in session.scalars(query)]


def update_job(session: Session, job_id: str, changes: Mapping[str, Any]) -> Job:
    """Set fields of a job that is not final, and its heartbeat."""
    unknown = sorted(changes.keys() - _CHANGEABLE)
    if unknown:
        raise InvalidRequest(
            f"A job has no changeable field {unknown[0]!r}; known are {', '.join(sorted(_CHANGEABLE))}."
        )
    row = _row(session, job_id, lock=True)
    if JobState(row.state) in FINAL:
        return _job(row)
    for name, value in changes.items():
        setattr(row, name, _stored(name, value))
    row.heartbeat_at = row.updated_at = datetime.now(UTC)
    session.flush()
    return _job(row)


def claim_job(session: Session) -> Job | None:
    """The oldest queued job, running from now on; one that another runner is claiming is passed over."""
    queued = select(JobRow).where(JobRow.state == JobState.QUEUED.value).order_by(JobRow.number).limit(1)
    row = session.scalar(queued.with_for_update(skip_locked=True))
    if row is None:
        return None
    row.state = JobState.RUNNING.value
    row.heartbeat_at = row.updated_at = datetime.now(UTC)
    session.flush()
    return _job(row)


def requeue_jobs(session: Session, states: Sequence[JobState]) -> int:
    """Put the unfinished jobs in ``states`` back into the queue; returns how many."""
    unfinished = [state.value for state in states if state not in FINAL]
    rows = session.scalars(select(JobRow).where(JobRow.state.in_(unfinished)).with_for_update()).all()
    for row in rows:
        row.state, row.stage, row.heartbeat_at = JobState.QUEUED.value, "", None
        row.updated_at = datetime.now(UTC)
    return len(rows)


def _row(session: Session, job_id: str, *, lock: bool = False) -> JobRow:
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


def _job(row: JobRow) -> Job:
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
    )
