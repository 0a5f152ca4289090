"""Leases: one worker per job, taken over when it dies, given back when it must stop."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from rag.domain import Job, JobState
from rag.interfaces import Catalog
from rag.store.catalog import open_catalog
from rag.store.leases import MAX_ATTEMPTS
from tests.contracts.test_catalog_jobs import claim, enqueue


def claimed(catalog: Catalog, owner: str = "worker", *, lease_s: float = 60) -> Job:
    job = claim(catalog, owner, lease_s=lease_s)
    assert job is not None
    return job


def test_a_claim_is_a_lease(catalog: Catalog) -> None:
    enqueue(catalog)
    job = claimed(catalog, "a", lease_s=60)
    assert (job.owner, job.attempts) == ("a", 1)
    assert job.heartbeat_at is not None
    assert job.lease_until is not None
    assert abs(job.lease_until - job.heartbeat_at - timedelta(seconds=60)) < timedelta(seconds=5)


def test_a_live_job_is_nobody_else_s(catalog: Catalog) -> None:
    enqueue(catalog)
    claimed(catalog, "a")
    assert claim(catalog, "b") is None


def test_the_job_of_a_dead_worker_is_taken_up_by_another(catalog: Catalog) -> None:
    enqueue(catalog)
    first = claimed(catalog, "a", lease_s=0)
    second = claimed(catalog, "b")
    assert (second.id, second.owner, second.attempts) == (first.id, "b", 2)


def test_a_heartbeat_keeps_the_job(catalog: Catalog) -> None:
    job = enqueue(catalog)
    claimed(catalog, "a", lease_s=0.3)
    renewed = catalog.renew_lease(job.id, owner="a", lease_s=60)
    time.sleep(0.4)
    assert claim(catalog, "b") is None
    assert catalog.job(job.id) == renewed
    assert renewed.attempts == 1


def test_whoever_lost_the_lease_can_write_nothing_more(catalog: Catalog) -> None:
    job = enqueue(catalog)
    claimed(catalog, "a", lease_s=0)
    taken = claimed(catalog, "b")
    assert catalog.renew_lease(job.id, owner="a", lease_s=60) == taken
    assert catalog.update_job(job.id, owner="a", state=JobState.FAILED, stage="embed") == taken
    assert catalog.release_job(job.id, owner="a") == taken
    assert catalog.job(job.id) == taken
    assert catalog.update_job(job.id, owner="b", stage="embed").stage == "embed"


def test_a_cancelled_job_tells_its_worker(catalog: Catalog) -> None:
    job = enqueue(catalog)
    claimed(catalog, "a")
    cancelled = catalog.update_job(job.id, state=JobState.CANCELLED)
    assert catalog.renew_lease(job.id, owner="a", lease_s=60) == cancelled
    assert catalog.update_job(job.id, owner="a", state=JobState.COMMITTED) == cancelled


def test_a_job_given_back_is_the_next_one_and_has_not_been_tried(catalog: Catalog) -> None:
    job = enqueue(catalog)
    enqueue(catalog)
    claimed(catalog, "a")
    given_back = catalog.release_job(job.id, owner="a", stage="queued")
    assert (given_back.state, given_back.stage, given_back.attempts) == (JobState.QUEUED, "queued", 0)
    assert claimed(catalog, "b").id == job.id


def test_a_waiting_job_keeps_its_place(catalog: Catalog) -> None:
    first, _ = enqueue(catalog), enqueue(catalog)
    other = enqueue(catalog, collection="policies")
    claimed(catalog)
    catalog.release_job(first.id, owner="worker", stage="waiting", retry_s=600)
    assert claimed(catalog).id == other.id
    assert claim(catalog) is None


def test_a_waiting_job_is_tried_again_later(catalog: Catalog) -> None:
    first, _ = enqueue(catalog), enqueue(catalog)
    claimed(catalog)
    catalog.release_job(first.id, owner="worker", stage="waiting", retry_s=0.3)
    time.sleep(0.4)
    assert claimed(catalog).id == first.id


def test_jobs_into_one_collection_run_one_after_the_other(catalog: Catalog) -> None:
    first, second = enqueue(catalog), enqueue(catalog)
    claimed(catalog)
    assert claim(catalog) is None
    catalog.update_job(first.id, owner="worker", state=JobState.COMMITTED)
    assert claimed(catalog).id == second.id


def test_a_job_that_kills_its_workers_fails(catalog: Catalog) -> None:
    job, next_job = enqueue(catalog), enqueue(catalog)
    for attempt in range(1, MAX_ATTEMPTS + 1):
        assert claimed(catalog, lease_s=0).attempts == attempt
    assert claimed(catalog).id == next_job.id
    failed = catalog.job(job.id)
    assert (failed.state, failed.error_code) == (JobState.FAILED, "worker_lost")
    assert "before it recorded any file" in (failed.error_message or "")


def test_a_dead_worker_s_job_is_taken_up_once(catalog: Catalog, catalog_url: str) -> None:
    made = {enqueue(catalog, collection=f"c{n}").id for n in range(8)}
    for _ in made:
        claimed(catalog, "dead")
    for job_id in made:
        catalog.renew_lease(job_id, owner="dead", lease_s=0)
    other = open_catalog(catalog_url)

    def run(number: int) -> list[str]:
        runner = (catalog, other)[number % 2]
        found = []
        while job := claim(runner, f"worker {number}"):
            found.append(job.id)
        return found

    with ThreadPoolExecutor(6) as pool:
        taken = [job_id for found in pool.map(run, range(6)) for job_id in found]
    other.close()
    assert len(taken) == len(made)
    assert set(taken) == made


def test_every_change_has_a_later_time(catalog: Catalog) -> None:
    job = enqueue(catalog)
    times = [catalog.update_job(job.id, stage=str(n)).updated_at for n in range(20)]
    assert times == sorted(set(times))


@pytest.mark.parametrize("states", [[JobState.QUEUED], [JobState.QUEUED, JobState.RUNNING]])
def test_jobs_are_listed_by_state_and_collection(catalog: Catalog, states: list[JobState]) -> None:
    enqueue(catalog)
    claimed(catalog)
    waiting = enqueue(catalog)
    enqueue(catalog, collection="policies")
    listed = catalog.jobs(states=states, collection="handbook")
    assert len(listed) == len(states)
    assert listed[0] == waiting
