"""/v1/jobs: list, show, cancel and follow background work."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.dependencies import Cursor, FootnoteParts, Limit, decode_cursor, encode_cursor
from api.errors import problems, request_id_of
from api.schemas.base import Page
from api.schemas.jobs import FINAL, JobBody
from api.sse import Named, event_stream
from rag.domain import Job, JobState
from rag.interfaces import Catalog

POLL_SECONDS = 0.3
router = APIRouter(prefix="/v1/jobs", tags=["jobs"])


@router.get("", responses=problems())
def list_jobs(footnote: FootnoteParts, limit: Limit = 100, cursor: Cursor = None) -> Page[JobBody]:
    """All jobs, newest first."""
    rows = footnote.catalog.jobs(limit=limit + 1, after=decode_cursor(cursor))
    return Page(
        items=[JobBody.of(job) for job in rows[:limit]],
        next_cursor=encode_cursor(rows[limit - 1].id) if len(rows) > limit else None,
    )


@router.get("/{job_id}", responses=problems(404))
def show_job(job_id: str, footnote: FootnoteParts) -> JobBody:
    """One job: state, stage, counts, and its result once it is final."""
    return JobBody.of(footnote.catalog.job(job_id))


@router.delete("/{job_id}", responses=problems(404))
def cancel_job(job_id: str, footnote: FootnoteParts) -> JobBody:
    """Cancel a job; documents it has committed stay. A job that is final is returned as it is."""
    return JobBody.of(footnote.catalog.update_job(job_id, state=JobState.CANCELLED))


@router.get(
    "/{job_id}/events",
    response_class=Response,
    responses={**problems(404), 200: {"description": "Events `job` at every change, then `done`."}},
)
def follow_job(job_id: str, request: Request, footnote: FootnoteParts) -> Response:
    """Follow a job as server-sent events until it is final."""
    job = footnote.catalog.job(job_id)
    return event_stream(_changes(footnote.catalog, job), request_id=request_id_of(request))


async def _changes(catalog: Catalog, job: Job) -> AsyncIterator[Named]:
    yield "job", JobBody.of(job)
    while job.state not in FINAL:
        await anyio.sleep(POLL_SECONDS)
        newer = await run_in_threadpool(catalog.job, job.id)
        if newer != job:
            job = newer
            yield "job", JobBody.of(job)
    yield "done", JobBody.of(job)
