"""Background work in the catalog: enqueued once, claimed once, finished once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from rag.domain import Job, JobState
from rag.errors import Conflict, InvalidRequest, JobNotFound
from rag.interfaces import Catalog
from rag.store.catalog import open_catalog

REQUEST = {"path": "/srv/handbook", "options": {"delete_missing": True, "groups": ["staff"]}}


def enqueue(catalog: Catalog, key: str | None = None, *, collection: str = "handbook") -> Job:
    return catalog.create_job(kind="ingest", collection=collection, request=REQUEST, idempotency_key=key)[0]


def claim(catalog: Catalog, owner: str = "worker", *, lease_s: float = 60) -> Job | None:
    return catalog.next_queued_job(owner=owner, lease_s=lease_s)


def test_a_new_job_waits_in_the_queue(catalog: Catalog) -> None:
    job = enqueue(catalog)
    assert catalog.job(job.id) == job
    assert (job.state, job.stage, job.request) == (JobState.QUEUED, "", REQUEST)
    assert (job.result, job.error_code, job.error_message, job.heartbeat_at) == (None, None, None, None)
    assert catalog.jobs() == [job]


def test_the_same_key_and_request_give_the_earlier_job(catalog: Catalog) -> None:
    first = enqueue(catalog, "upload-1")
    again = {"options": dict(reversed(REQUEST["options"].items())), "path": REQUEST["path"]}
    job, created = catalog.create_job(
        kind="ingest", collection="handbook", request=again, idempotency_key="upload-1"
    )
    assert (job, created) == (first, False)
    assert catalog.jobs() == [first]


@pytest.mark.parametrize(
    ("kind", "collection", "request_"),
    [
        ("evaluate", "handbook", REQUEST),
        ("ingest", "other", REQUEST),
        ("ingest", "handbook", {**REQUEST, "path": "/srv/other"}),
    ],
    ids=["kind", "collection", "request"],
)
def test_a_key_used_for_something_else_is_a_conflict(
    catalog: Catalog, kind: str, collection: str, request_: dict[str, object]
) -> None:
    first = enqueue(catalog, "upload-1")
    with pytest.raises(Conflict, match="upload-1"):
        catalog.create_job(kind=kind, collection=collection, request=request_, idempotency_key="upload-1")
    assert catalog.jobs() == [first]


def test_jobs_without_a_key_are_all_different(catalog: Catalog) -> None:
    assert enqueue(catalog).id != enqueue(catalog).id


def test_a_key_sent_many_times_at_once_makes_one_job(catalog: Catalog) -> None:
    def send(_: int) -> tuple[Job, bool]:
        return catalog.create_job(
            kind="ingest", collection="handbook", request=REQUEST, idempotency_key="upload-1"
        )

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(16)))
    assert len({job.id for job, _ in answers}) == 1
    assert sum(created for _, created in answers) == 1


def test_jobs_are_listed_newest_first_and_page_on(catalog: Catalog) -> None:
    made = [enqueue(catalog) for _ in range(5)]
    first = catalog.jobs(limit=3)
    assert [*first, *catalog.jobs(limit=3, after=first[-1].id)] == made[::-1]
    with pytest.raises(JobNotFound):
        catalog.jobs(after="unknown")


def test_the_oldest_queued_job_is_claimed_first(catalog: Catalog) -> None:
    first, second = enqueue(catalog), enqueue(catalog, collection="policies")
    claimed = claim(catalog)
    assert claimed is not None
    assert (claimed.id, claimed.state, claimed.attempts) == (first.id, JobState.RUNNING, 1)
    assert claimed.heartbeat_at is not None
    assert catalog.job(first.id) == claimed
    next_one = claim(catalog)
    assert next_one is not None
    assert next_one.id == second.id
    assert claim(catalog) is None


def test_no_job_is_claimed_twice(catalog: Catalog, catalog_url: str) -> None:
    made = {enqueue(catalog, collection=f"c{n}").id for n in range(24)}
    other = open_catalog(catalog_url)

    def run(runner: Catalog) -> list[str]:
        claimed = []
        while job := claim(runner):
            claimed.append(job.id)
        return claimed

    with ThreadPoolExecutor(6) as pool:
        claimed = [id_ for ids in pool.map(run, [catalog, other] * 3) for id_ in ids]
    other.close()
    assert len(claimed) == len(made)
    assert set(claimed) == made


def test_progress_is_written_with_a_heartbeat(catalog: Catalog) -> None:
    job = enqueue(catalog)
    claim(catalog)
    running = catalog.update_job(job.id, stage="embed", counts={"files": 3, "done": 1.5})
    assert (running.stage, running.counts, running.state) == (
        "embed",
        {"files": 3, "done": 1.5},
        JobState.RUNNING,
    )
    beat = catalog.update_job(job.id)
    assert beat.heartbeat_at is not None
    assert running.heartbeat_at is not None
    assert beat.heartbeat_at >= running.heartbeat_at
    assert (beat.stage, beat.counts) == (running.stage, running.counts)


@pytest.mark.parametrize("final", [JobState.COMMITTED, JobState.FAILED, JobState.CANCELLED])
def test_a_final_job_never_changes(catalog: Catalog, final: JobState) -> None:
    job = enqueue(catalog)
    done = catalog.update_job(job.id, state=final, result={"documents": 2}, error_code="x", error_message="y")
    assert (done.state, done.result, done.error_code, done.error_message) == (
        final,
        {"documents": 2},
        "x",
        "y",
    )
    assert catalog.update_job(job.id, state=JobState.RUNNING, result=None, counts={"done": 9}) == done
    assert catalog.release_job(job.id, owner="worker") == done
    assert catalog.renew_lease(job.id, owner="worker", lease_s=60) == done
    assert claim(catalog) is None
    assert catalog.job(job.id) == done


def test_only_a_job_s_progress_can_be_changed(catalog: Catalog) -> None:
    job = enqueue(catalog)
    with pytest.raises(InvalidRequest, match="'request'; known are counts"):
        catalog.update_job(job.id, request={})
    with pytest.raises(InvalidRequest, match="'done' is no job state"):
        catalog.update_job(job.id, state="done")
    assert catalog.job(job.id) == job


@pytest.mark.parametrize("job_id", ["", "unknown", "a\0b", "\udce9"])
def test_an_unknown_job_is_not_found(catalog: Catalog, job_id: str) -> None:
    with pytest.raises(JobNotFound):
        catalog.job(job_id)
    with pytest.raises(JobNotFound):
        catalog.update_job(job_id, stage="x")
