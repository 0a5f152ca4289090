"""Jobs of several kinds in one catalog, and the reports that are kept of them."""

from __future__ import annotations

import pytest

from rag.domain import Job, JobState
from rag.errors import JobNotFound
from rag.interfaces import Catalog


def enqueue(catalog: Catalog, kind: str = "evaluation", *, collection: str = "") -> Job:
    return catalog.create_job(kind=kind, collection=collection, request={}, idempotency_key=None)[0]


def claim(catalog: Catalog, kind: str | None = None, *, owner: str = "worker") -> Job | None:
    return catalog.next_queued_job(owner=owner, lease_s=60, kind=kind)


def test_a_worker_gets_jobs_of_its_kind_only(catalog: Catalog) -> None:
    ingestion, evaluation = enqueue(catalog, "ingestion"), enqueue(catalog)
    assert claim(catalog, "tuning") is None
    found = claim(catalog, "evaluation")
    assert found is not None
    assert found.id == evaluation.id
    assert claim(catalog, "evaluation") is None
    other = claim(catalog, "ingestion")
    assert other is not None
    assert other.id == ingestion.id


def test_kinds_do_not_wait_for_each_other_even_in_one_collection(catalog: Catalog) -> None:
    enqueue(catalog, "ingestion", collection="handbook")
    enqueue(catalog, "evaluation", collection="handbook")
    enqueue(catalog, "evaluation", collection="handbook")
    assert [claim(catalog) is not None for _ in range(3)] == [True, True, False]


def test_jobs_can_be_listed_by_kind(catalog: Catalog) -> None:
    enqueue(catalog, "ingestion")
    evaluation = enqueue(catalog)
    assert catalog.jobs(kind="evaluation") == [evaluation]
    assert len(catalog.jobs()) == 2


def test_the_report_of_a_running_job_is_kept_and_replaced(catalog: Catalog) -> None:
    job = enqueue(catalog)
    claim(catalog)
    assert catalog.store_report(job.id, b"\x00first", owner="worker")
    assert catalog.store_report(job.id, b"second", owner="worker")
    catalog.update_job(job.id, owner="worker", state=JobState.COMMITTED)
    assert catalog.report(job.id) == b"second"


def test_only_the_worker_that_runs_a_job_keeps_its_report(catalog: Catalog) -> None:
    job = enqueue(catalog)
    assert not catalog.store_report(job.id, b"too early", owner="worker")
    claim(catalog)
    assert not catalog.store_report(job.id, b"another's", owner="other")
    catalog.update_job(job.id, state=JobState.CANCELLED)
    assert not catalog.store_report(job.id, b"too late", owner="worker")
    with pytest.raises(JobNotFound, match="No report is kept"):
        catalog.report(job.id)
    with pytest.raises(JobNotFound):
        catalog.report("unknown")
