"""Ingestion requests and jobs as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import Field

from api.schemas.base import Body, RequestBody, optional
from rag.domain import Job, JobState

FINAL = frozenset({JobState.COMMITTED, JobState.FAILED, JobState.CANCELLED})


class FolderIngestion(RequestBody):
    """A folder on the server to sync into a collection."""

    path: str = Field(min_length=1, description="Folder or file below one of the server's allowed roots.")
    collection: str | None = Field(default=None, description="Target collection; unset: the default one.")
    dry_run: bool = Field(default=False, description="Only say what would change.")
    delete_missing: bool = Field(default=True, description="Remove documents whose file is gone.")
    groups: Sequence[str] = Field(default=(), description="Access groups of the documents; empty: everyone.")


class JobError(Body):
    """Why a job failed."""

    code: str
    message: str


class JobBody(Body):
    """A unit of background work."""

    id: str
    kind: str
    collection: str
    state: JobState
    stage: str = Field(description="What it is doing now; empty before it starts.")
    counts: Mapping[str, int] = Field(description="Progress: files_total, files_done, failed, chunks.")
    rate: float | None = optional("Chunks per second so far.")
    eta_seconds: float | None = optional("Estimated seconds until done.")
    result: Mapping[str, Any] | None = optional("The ingestion's result, once the job is final.")
    error: JobError | None = optional("Why it failed.")
    created_at: datetime
    updated_at: datetime
    heartbeat_at: datetime | None = Field(description="When the worker last gave a sign of life.")

    @classmethod
    def of(cls, job: Job) -> JobBody:
        """The JSON of a job."""
        counts = dict(job.counts)
        return cls(
            id=job.id,
            kind=job.kind,
            collection=job.collection,
            state=job.state,
            stage=job.stage,
            rate=counts.pop("rate", None),
            eta_seconds=counts.pop("eta_s", None),
            counts=counts,
            result=job.result,
            error=JobError(code=job.error_code, message=job.error_message or "") if job.error_code else None,
            created_at=job.created_at,
            updated_at=job.updated_at,
            heartbeat_at=job.heartbeat_at,
        )
