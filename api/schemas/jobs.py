"""Ingestion requests and jobs as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import Field

from api.schemas.base import Body, RequestBody, optional
from rag.domain import Job, JobFile, JobFileState, JobState


class FolderIngestion(RequestBody):
    """A folder on the server to sync into a collection."""

    path: str = Field(min_length=1, description="Folder or file below one of the server's allowed roots.")
    collection: str | None = Field(default=None, description="Target collection; unset: the default one.")
    dry_run: bool = Field(default=False, description="Only say what would change.")
    delete_missing: bool = Field(default=True, description="Remove documents whose file is gone.")
    groups: Sequence[str] = Field(default=(), description="Access groups of the documents; empty: everyone.")


class JobError(Body):
    """Why a job failed."""

    code: str = Field(description="Stable: `disk_full`, `folder_not_found`, `worker_lost` …")
    message: str = Field(description="What is wrong and what to do.")


class JobFileBody(Body):
    """What became of one file; files that wait or did not change are only counted."""

    path: str
    state: JobFileState
    code: str | None = optional("Why it failed, as in the ingestion's `failures`.")
    message: str | None = optional("What is wrong and what helps; of a duplicate, which file it repeats.")

    @classmethod
    def of(cls, file: JobFile) -> JobFileBody:
        """The JSON of a job's file."""
        return cls(path=file.path, state=file.state, code=file.code, message=file.message)


class JobBody(Body):
    """A unit of background work."""

    id: str
    kind: str
    collection: str
    state: JobState
    stage: str = Field(description="What it is doing now; empty before it starts.")
    counts: Mapping[str, int] = Field(
        description="Progress of the present attempt: files_total (to read), files_done, added, modified, "
        "moved, deleted, unchanged, duplicates, failed, chunks."
    )
    rate: float | None = optional("Chunks per second so far.")
    eta_seconds: float | None = optional("Estimated seconds until done.")
    result: Mapping[str, Any] | None = optional("The ingestion's result, once the job is final.")
    error: JobError | None = optional("Why it failed.")
    attempts: int = Field(description="Workers that have begun it; more than 1: others before it died.")
    created_at: datetime
    updated_at: datetime = Field(description="Grows with every change.")
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
            attempts=job.attempts,
            created_at=job.created_at,
            updated_at=job.updated_at,
            heartbeat_at=job.heartbeat_at,
        )


class JobDetailBody(JobBody):
    """A job with its files."""

    files: Sequence[JobFileBody] = Field(
        description="Failed ones, then the others, newest first; at most 1,000. All: `/v1/jobs/{id}/files`."
    )
    files_total: int = Field(description="How many files there are to show.")

    @classmethod
    def with_files(cls, job: Job, files: Sequence[JobFile], total: int) -> JobDetailBody:
        """The JSON of a job and of some of its ``total`` files."""
        body = JobBody.of(job).model_dump()
        return cls(**body, files=[JobFileBody.of(file) for file in files], files_total=total)
