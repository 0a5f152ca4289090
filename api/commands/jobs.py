"""``footnote jobs list|show|cancel``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from api.console import AsJson, DataDir, command
from api.terminal import show_table
from rag.domain import Job, JobFile, JobFileState, JobState

app = typer.Typer(help="List, show and cancel the server's background jobs.", no_args_is_help=True)
JobId = Annotated[str, typer.Argument(help="Id of the job, from `footnote jobs list`.")]
_SHOWN_FAILURES = 20


@app.command("list")
def list_jobs(
    state: Annotated[JobState | None, typer.Option("--state", help="Only jobs in this state.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many, newest first.")] = 20,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """List jobs, newest first.

    Example: footnote jobs list --state failed
    """
    with command(as_json=as_json, data_dir=data_dir) as run:
        from api.schemas.jobs import JobBody

        jobs = run.footnote.catalog.jobs(limit=limit, states=[] if state is None else [state])
        if as_json:
            run.print_json({"items": [JobBody.of(job).to_json() for job in jobs]})
        elif not jobs:
            run.out.print("No jobs: POST /v1/ingestions makes one.", markup=False)
        else:
            rows = [(job.id, _about(job), _state(job), _done(job.counts), _why(job)) for job in jobs]
            show_table(run.out, ("id", "collection", "state", "done", "why"), rows)


@app.command("show")
def show_job(job_id: JobId, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Show how far a job is, and the files it could not take.

    Example: footnote jobs show 6fde0dd5…
    """
    with command(as_json=as_json, data_dir=data_dir) as run:
        from api.routes.jobs import MAX_FILES
        from api.schemas.jobs import JobDetailBody

        job = run.footnote.catalog.job(job_id)
        files, total = run.footnote.catalog.notable_job_files(job_id, limit=MAX_FILES)
        if as_json:
            run.print_json(JobDetailBody.with_files(job, files, total).to_json())
            return
        run.out.print(f"{_about(job)}: {_state(job)}, {_done(job.counts)}", style="bold", markup=False)
        if job.error_message:
            run.out.print(f"{job.error_code}: {job.error_message}", markup=False)
        failed = [file for file in files if file.state is JobFileState.FAILED]
        for file in failed[:_SHOWN_FAILURES]:
            run.out.print(_failure(file), markup=False)
        if len(failed) > _SHOWN_FAILURES:
            run.out.print("More files failed; --json lists them.", markup=False)


@app.command("cancel")
def stop_job(job_id: JobId, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Cancel a job; what it has committed stays. A job that has ended is left as it is.

    Example: footnote jobs cancel 6fde0dd5…
    """
    with command(as_json=as_json, data_dir=data_dir) as run:
        from api.cancelling import cancel_job
        from api.schemas.jobs import JobBody

        job = cancel_job(run.footnote.catalog, job_id)
        if as_json:
            run.print_json(JobBody.of(job).to_json())
        else:
            run.out.print(f"The job is {job.state}.", markup=False)


def _state(job: Job) -> str:
    return f"{job.state}, {job.stage}" if job.state is JobState.RUNNING and job.stage else job.state.value


def _about(job: Job) -> str:
    """An evaluation may be about documents of its own, in no collection."""
    return job.collection or job.kind


def _done(counts: Mapping[str, float]) -> str:
    if "total" in counts:  # of an evaluation's stage
        return f"{counts['done']:,.0f} of {counts['total']:,.0f}"
    return f"{counts.get('files_done', 0):,.0f} of {counts.get('files_total', 0):,.0f} files"


def _why(job: Job) -> str:
    return job.error_code or ("waiting" if job.stage == "waiting" else "")


def _failure(file: JobFile) -> str:
    return f"failed  {file.path}: {file.message} ({file.code})"
