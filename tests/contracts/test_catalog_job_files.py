"""What became of each file of a job: recorded, paged, and forgotten some time after."""

from __future__ import annotations

import pytest

from rag.domain import Job, JobFile, JobFileState, JobState
from rag.errors import JobNotFound
from rag.interfaces import Catalog
from rag.store import job_files
from tests.contracts.test_catalog_jobs import claim, enqueue


def running(catalog: Catalog) -> Job:
    enqueue(catalog)
    job = claim(catalog)
    assert job is not None
    return job


def committed(*paths: str) -> list[JobFile]:
    return [JobFile(path=path, state=JobFileState.COMMITTED) for path in paths]


def broken(path: str) -> JobFile:
    return JobFile(path=path, state=JobFileState.FAILED, code="damaged_file", message="It cannot be opened.")


def record(catalog: Catalog, job: Job, files: list[JobFile], *, owner: str = "worker") -> bool:
    return catalog.record_job_files(job.id, files, owner=owner)


def paths(files: list[JobFile]) -> list[str]:
    return [file.path for file in files]


def test_files_are_listed_in_the_order_they_were_recorded(catalog: Catalog) -> None:
    job = running(catalog)
    assert record(catalog, job, [*committed("b", "a"), broken("c")])
    assert record(catalog, job, committed("d"))
    files = catalog.job_files(job.id)
    assert paths(files) == ["b", "a", "c", "d"]
    assert (files[2].state, files[2].code) == (JobFileState.FAILED, "damaged_file")
    assert files[2].message == "It cannot be opened."
    page = catalog.job_files(job.id, limit=2)
    assert paths(page) == ["b", "a"]
    assert paths(catalog.job_files(job.id, limit=2, after=page[-1].number)) == ["c", "d"]
    assert paths(catalog.job_files(job.id, state=JobFileState.FAILED)) == ["c"]


def test_a_file_has_one_state_the_latest(catalog: Catalog) -> None:
    job = running(catalog)
    record(catalog, job, [broken("a"), *committed("b")])
    record(catalog, job, committed("a"))
    assert paths(catalog.job_files(job.id)) == ["b", "a"]
    assert catalog.job_files(job.id, state=JobFileState.FAILED) == []
    record(catalog, job, [*committed("c"), broken("c")])
    assert catalog.notable_job_files(job.id, limit=1)[0][0].path == "c"


def test_failed_files_are_shown_first_then_the_newest(catalog: Catalog) -> None:
    job = running(catalog)
    record(catalog, job, [*committed("1", "2"), broken("3"), *committed("4"), broken("5"), *committed("6")])
    files, total = catalog.notable_job_files(job.id, limit=4)
    assert (paths(files), total) == (["5", "3", "6", "4"], 6)
    files, total = catalog.notable_job_files(job.id, limit=1)
    assert (paths(files), total) == (["5"], 6)


def test_many_files_at_once(catalog: Catalog) -> None:
    job = running(catalog)
    names = [f"{number:05d}.txt" for number in range(3000)]
    record(catalog, job, committed(*names))
    record(catalog, job, committed(*names))
    assert paths(catalog.job_files(job.id, limit=5000)) == names


def test_only_the_job_s_worker_records(catalog: Catalog) -> None:
    enqueue(catalog)
    job = claim(catalog, "a", lease_s=0)
    assert job is not None
    claim(catalog, "b")
    assert not record(catalog, job, committed("late"), owner="a")
    assert record(catalog, job, committed("now"), owner="b")
    assert paths(catalog.job_files(job.id)) == ["now"]


def test_the_last_files_of_a_cancelled_job_are_still_recorded(catalog: Catalog) -> None:
    job = running(catalog)
    catalog.update_job(job.id, state=JobState.CANCELLED)
    assert record(catalog, job, committed("a"))
    assert paths(catalog.job_files(job.id)) == ["a"]


def test_names_that_no_database_takes_are_escaped(catalog: Catalog) -> None:
    job = running(catalog)
    record(catalog, job, committed("mail.eml!/a\0b", "caf\udce9"))
    assert paths(catalog.job_files(job.id)) == ["mail.eml!/a\\0b", "caf\\udce9"]


def test_a_job_that_lost_its_workers_names_the_last_file(catalog: Catalog) -> None:
    enqueue(catalog)
    for attempt in range(3):
        job = claim(catalog, f"worker {attempt}", lease_s=0)
        assert job is not None
        record(catalog, job, committed(f"{attempt}.pdf"), owner=f"worker {attempt}")
    assert claim(catalog) is None
    assert "'2.pdf'" in (catalog.job(job.id).error_message or "")


def test_files_of_old_jobs_are_forgotten(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    old = running(catalog)
    record(catalog, old, committed("1", "2", "3"))
    catalog.update_job(old.id, state=JobState.COMMITTED)
    assert catalog.prune_job_files(limit=10) == 0
    new = running(catalog)
    record(catalog, new, committed("4"))
    catalog.update_job(new.id, state=JobState.FAILED)
    monkeypatch.setattr(job_files, "KEPT_JOBS", 1)
    assert catalog.prune_job_files(limit=2) == 2
    assert catalog.prune_job_files(limit=2) == 1
    assert catalog.prune_job_files(limit=2) == 0
    assert catalog.job_files(old.id) == []
    assert paths(catalog.job_files(new.id)) == ["4"]
    monkeypatch.setattr(job_files, "KEPT_DAYS", 0)
    assert catalog.prune_job_files(limit=2) == 1


def test_files_of_a_job_at_work_are_kept(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    job = running(catalog)
    record(catalog, job, committed("1"))
    monkeypatch.setattr(job_files, "KEPT_JOBS", 0)
    monkeypatch.setattr(job_files, "KEPT_DAYS", 0)
    assert catalog.prune_job_files(limit=10) == 0
    assert paths(catalog.job_files(job.id)) == ["1"]


def test_files_of_an_unknown_job(catalog: Catalog) -> None:
    with pytest.raises(JobNotFound):
        catalog.job_files("unknown")
    with pytest.raises(JobNotFound):
        catalog.record_job_files("unknown", committed("a"), owner="worker")
