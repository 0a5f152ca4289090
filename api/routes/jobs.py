"""/v1/jobs: list, show, cancel and follow background work."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

import anyio
from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api import cancelling
from api.dependencies import (
    Cursor,
    FootnoteParts,
    LastEventId,
    Limit,
    decode_cursor,
    decode_number_cursor,
    encode_cursor,
)
from api.errors import problems, request_id_of
from api.schemas.base import Page
from api.schemas.jobs import JobBody, JobDetailBody, JobFileBody
from api.sse import Named, event_stream
from rag.domain import FINAL_JOB_STATES, Job, JobFileState, JobState
from rag.interfaces import Catalog

POLL_SECONDS = 0.3
MAX_FILES = 1000
router = APIRouter(prefix="/v1/jobs", tags=["jobs"])


@router.get("", responses=problems())
def list_jobs(
    footnote: FootnoteParts,
    state: Annotated[JobState | None, Query(description="Only jobs in this state.")] = None,
    collection: Annotated[str | None, Query(description="Only jobs of this collection.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[JobBody]:
    """All jobs, newest first."""
    rows = footnote.catalog.jobs(
        limit=limit + 1,
        after=decode_cursor(cursor),
        states=[] if state is None else [state],
        collection=collection,
    )
    return Page(
        items=[JobBody.of(job) for job in rows[:limit]],
        next_cursor=encode_cursor(rows[limit - 1].id) if len(rows) > limit else None,
    )


@router.get("/{job_id}", responses=problems(404))
def show_job(job_id: str, footnote: FootnoteParts) -> JobDetailBody:
    """One job: state, stage, counts, files, and its result once it is final."""
    job = footnote.catalog.job(job_id)
    files, total = footnote.catalog.notable_job_files(job_id, limit=MAX_FILES)
    return JobDetailBody.with_files(job, files, total)


@router.get("/{job_id}/files", responses=problems(404))
def list_files(
    job_id: str,
    footnote: FootnoteParts,
    state: Annotated[JobFileState | None, Query(description="Only files in this state.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[JobFileBody]:
    """What became of each file, in the order of events. Long after a job's end its files are forgotten."""
    rows = footnote.catalog.job_files(
        job_id, state=state, limit=limit + 1, after=decode_number_cursor(cursor) or 0
    )
    return Page(
        items=[JobFileBody.of(file) for file in rows[:limit]],
        next_cursor=encode_cursor(str(rows[limit - 1].number)) if len(rows) > limit else None,
    )


@router.delete("/{job_id}", responses=problems(404))
def cancel_job(job_id: str, footnote: FootnoteParts) -> JobBody:
    """Cancel a job; documents it has committed stay. A job that is final is returned as it is."""
    return JobBody.of(cancelling.cancel_job(footnote.catalog, job_id))


@router.get(
    "/{job_id}/events",
    response_class=Response,
    responses={
        **problems(404),
        200: {"description": "Events `job` at every change, then `done`."},
        204: {"description": "`Last-Event-ID` is that of `done`: nothing will follow."},
    },
)
def follow_job(
    job_id: str, request: Request, footnote: FootnoteParts, last_event_id: LastEventId = None
) -> Response:
    """Follow a job as server-sent events until it is final."""
    job = footnote.catalog.job(job_id)
    if last_event_id == event_id(("done", JobBody.of(job))):
        return Response(status_code=204)  # tells a browser not to connect again
    changes = _changes(footnote.catalog, job, seen=last_event_id)
    return event_stream(changes, request_id=request_id_of(request), identify=lambda _, event: event_id(event))


def event_id(event: Named) -> str:
    """The moment of the job's change, the same from every server; ``done`` is told apart."""
    name, body = event
    assert isinstance(body, JobBody)
    moment = f"{body.updated_at:%Y%m%dT%H%M%S.%f}"
    return moment if name == "job" else f"{moment}-{name}"


async def _changes(catalog: Catalog, job: Job, *, seen: str | None) -> AsyncIterator[Named]:
    first: Named = ("job", JobBody.of(job))
    if seen != event_id(first):
        yield first
    while job.state not in FINAL_JOB_STATES:
        await anyio.sleep(POLL_SECONDS)
        newer = await run_in_threadpool(catalog.job, job.id)
        if newer.updated_at != job.updated_at:
            yield "job", JobBody.of(newer)
        job = newer
    yield "done", JobBody.of(job)
