"""Evaluation requests and evaluations as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import Field

from api.schemas.base import Body, RequestBody, optional
from api.schemas.jobs import JobError
from rag.domain import Job, JobState


class EvaluationRequest(RequestBody):
    """A suite on the server to run."""

    suite: str = Field(
        min_length=1,
        description="The suite's TOML file, below one of the server's allowed roots like all that it names.",
    )
    baseline: str | None = Field(
        default=None, description="Id of an earlier evaluation over the same questions to compare with."
    )


class EvaluationBody(Body):
    """A run of a suite; it is also a job, at `/v1/jobs/{id}`."""

    id: str
    suite: str = Field(description="Name of the suite.")
    state: JobState
    stage: str = Field(description="What it is doing now; empty before it starts.")
    done: int = Field(description="How much of the stage is done; `total` is all of it.")
    total: int
    baseline: str | None = optional("The evaluation it is compared with.")
    result: Mapping[str, Any] | None = optional(
        "Once it is committed: the figures with their intervals, what failed, what missed its threshold."
    )
    report: str | None = optional("Once it is committed: where the whole report is, as a page and as JSON.")
    error: JobError | None = optional("Why it failed.")
    created_at: datetime
    updated_at: datetime = Field(description="Grows with every change.")

    @classmethod
    def of(cls, job: Job) -> EvaluationBody:
        """The JSON of an evaluation's job."""
        is_done = job.state is JobState.COMMITTED
        return cls(
            id=job.id,
            suite=job.request["suite"]["name"],
            state=job.state,
            stage=job.stage,
            done=int(job.counts.get("done", 0)),
            total=int(job.counts.get("total", 0)),
            baseline=job.request.get("baseline"),
            result=job.result,
            report=f"/v1/evaluations/{job.id}/report" if is_done else None,
            error=JobError(code=job.error_code, message=job.error_message or "") if job.error_code else None,
            created_at=job.created_at,
            updated_at=job.updated_at,
        )
