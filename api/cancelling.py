"""Cancelling a job, with the files that were uploaded for it."""

from __future__ import annotations

from pathlib import Path

from ingest.uploads import settle_upload
from rag.domain import Job, JobState
from rag.interfaces import Catalog


def cancel_job(catalog: Catalog, job_id: str) -> Job:
    """Cancel a job; a running one hears of it within a second. A job that is final is returned as it is.

    Raises:
        JobNotFound: there is none with that id.
    """
    job = catalog.update_job(job_id, state=JobState.CANCELLED)
    upload = job.request.get("upload")
    if upload and job.state is JobState.CANCELLED and job.owner is None:  # else its worker tidies up
        settle_upload(catalog, Path(upload))
    return job
