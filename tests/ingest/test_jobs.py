"""Ingestion jobs: run in the background, followed, cancelled, taken up again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ingest.jobs import JobProgress, JobRunner
from ingest.progress import Status
from rag.domain import Job, JobState
from rag.factory import Footnote
from rag.settings import load_settings
from tests.fakes import HashedEmbedder

FINAL = (JobState.COMMITTED, JobState.FAILED, JobState.CANCELLED)


@pytest.fixture
def footnote(tmp_path: Path) -> Iterator[Footnote]:
    with Footnote(load_settings(data_dir=tmp_path / "data"), embedder=HashedEmbedder()) as opened:
        yield opened


@pytest.fixture
def runner(footnote: Footnote) -> Iterator[JobRunner]:
    started = JobRunner(footnote)
    started.start()
    yield started
    started.stop()


def submit(footnote: Footnote, **request: object) -> Job:
    return footnote.catalog.create_job(
        kind="ingestion", collection="handbook", request=request, idempotency_key=None
    )[0]


def wait(footnote: Footnote, job: Job, until: Callable[[Job], bool] = lambda job: job.state in FINAL) -> Job:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        job = footnote.catalog.job(job.id)
        if until(job):
            return job
        time.sleep(0.05)
    raise AssertionError(f"still {job.state} in stage {job.stage!r}")


def handbook(folder: Path, files: int = 2) -> str:
    folder.mkdir()
    for number in range(files):
        (folder / f"{number:04d}.txt").write_text(f"Rule {number} of the handbook.")
    return str(folder)


def test_a_job_ingests_a_folder(footnote: Footnote, runner: JobRunner, tmp_path: Path) -> None:
    job = wait(footnote, submit(footnote, path=handbook(tmp_path / "handbook"), groups=["hr"]))
    assert (job.state, job.stage, job.error_code) == (JobState.COMMITTED, "done", None)
    assert job.result is not None
    assert (job.result["added"], job.result["collection"]) == (2, "handbook")
    assert footnote.catalog.collection("handbook").documents == 2


@pytest.mark.parametrize(
    ("request_", "code"),
    [({"path": "/does/not/exist"}, "folder_not_found"), ({}, "invalid_request")],
)
def test_a_job_that_cannot_run_says_why(
    footnote: Footnote, runner: JobRunner, request_: dict[str, str], code: str
) -> None:
    job = wait(footnote, submit(footnote, **request_))
    assert (job.state, job.error_code) == (JobState.FAILED, code)
    assert job.error_message


def test_an_unexpected_error_fails_the_job_and_not_the_runner(
    footnote: Footnote, runner: JobRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = handbook(tmp_path / "handbook")

    def broken(name: str) -> object:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(footnote, "open_collection", broken)
    failed = wait(footnote, submit(footnote, path=folder))
    monkeypatch.undo()
    assert (failed.state, failed.error_code) == (JobState.FAILED, "internal_error")
    assert "secret" not in (failed.error_message or "")
    assert wait(footnote, submit(footnote, path=folder)).state is JobState.COMMITTED


def test_a_job_cancelled_while_it_runs_stays_cancelled(
    footnote: Footnote, runner: JobRunner, tmp_path: Path
) -> None:
    job = submit(footnote, path=handbook(tmp_path / "handbook", files=600))
    wait(footnote, job, until=lambda job: job.stage == "embed")
    footnote.catalog.update_job(job.id, state=JobState.CANCELLED)
    runner.stop()
    assert footnote.catalog.job(job.id).state is JobState.CANCELLED
    assert footnote.catalog.collection("handbook").documents < 600


def test_a_stopped_runner_leaves_its_job_to_the_next_one(
    footnote: Footnote, runner: JobRunner, tmp_path: Path
) -> None:
    job = submit(footnote, path=handbook(tmp_path / "handbook", files=400))
    wait(footnote, job, until=lambda job: job.stage == "embed")
    runner.stop()
    assert footnote.catalog.job(job.id).state is JobState.QUEUED
    runner.start()
    assert wait(footnote, job).state is JobState.COMMITTED
    assert footnote.catalog.collection("handbook").documents == 400


def test_jobs_of_a_dead_process_run_again(footnote: Footnote, tmp_path: Path) -> None:
    submit(footnote, path=handbook(tmp_path / "handbook"))
    left_running = footnote.catalog.next_queued_job()
    assert left_running is not None
    runner = JobRunner(footnote)
    runner.start()
    try:
        assert wait(footnote, left_running).state is JobState.COMMITTED
    finally:
        runner.stop()


def test_progress_is_written_at_most_once_a_second(footnote: Footnote) -> None:
    job = submit(footnote, path="/handbook")
    progress = JobProgress(footnote.catalog, job.id)
    for done in range(50):
        progress.update(
            Status(stage="embed", files_total=50, files_done=done, chunks=done, rate=5.0, eta_s=9.0)
        )
    written = footnote.catalog.job(job.id)
    assert written.counts == {
        "files_total": 50,
        "files_done": 0,
        "failed": 0,
        "chunks": 0,
        "rate": 5.0,
        "eta_s": 9.0,
    }
    assert written.heartbeat_at is not None
