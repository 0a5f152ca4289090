"""Ingestion jobs: run in the background, followed, cancelled, taken up again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import ingest.factory
from ingest.job_progress import JobProgress
from ingest.jobs import JobRunner
from ingest.lease import Lease
from ingest.lock import collection_lock
from ingest.parsing.process import ParserPool
from ingest.progress import Status
from ingest.reserve import RESERVED_BYTES, Reserve
from rag.domain import Job, JobFile, JobFileState, JobState, Matrix
from rag.errors import DiskFull, StorageError
from rag.factory import Footnote
from rag.settings import load_settings
from tests.fakes import HashedEmbedder
from tests.ingest import hostile
from tests.patience import FOREVER_S, LONG_S, Clock, wait_for

FINAL = (JobState.COMMITTED, JobState.FAILED, JobState.CANCELLED)


class PacedEmbedder(HashedEmbedder):
    """Takes as long as the test says, so that there is time to do something in the middle of a job."""

    seconds_per_text = 0.0

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        time.sleep(self.seconds_per_text * len(texts))
        return super().embed_documents(texts)


@pytest.fixture
def paced() -> PacedEmbedder:
    return PacedEmbedder()


@pytest.fixture
def footnote(tmp_path: Path, paced: PacedEmbedder) -> Iterator[Footnote]:
    settings = load_settings(data_dir=tmp_path / "data", parse_timeout_s=FOREVER_S)
    with Footnote(settings, embedder=paced) as opened:
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
    deadline = time.monotonic() + LONG_S
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


def test_a_cancelled_job_stops_and_what_it_committed_stays(
    footnote: Footnote, paced: PacedEmbedder, runner: JobRunner, tmp_path: Path
) -> None:
    paced.seconds_per_text = 0.03
    job = submit(footnote, path=handbook(tmp_path / "handbook", files=600))
    wait(footnote, job, until=lambda job: job.counts.get("added", 0) > 0)
    footnote.catalog.update_job(job.id, state=JobState.CANCELLED)
    runner.stop()
    cancelled = footnote.catalog.job(job.id)
    committed = footnote.catalog.collection("handbook").documents
    assert cancelled.state is JobState.CANCELLED
    assert 0 < committed < 600
    assert len(footnote.catalog.job_files(job.id, limit=1000)) == committed


def test_a_cancellation_is_heard_while_a_file_is_being_parsed(
    footnote: Footnote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(handbook(tmp_path / "handbook"))
    (folder / "hang.txt").write_text("Parsing this takes ten minutes.")
    monkeypatch.setattr(
        ingest.factory, "ParserPool", lambda **options: ParserPool(**options, reader=hostile.read)
    )
    runner = JobRunner(footnote)
    runner.start()
    try:
        job = submit(footnote, path=str(folder))
        wait(footnote, job, until=lambda job: job.counts.get("files_total") == 3)
        other = footnote.catalog.create_job(
            kind="ingestion", collection="other", request={"path": "/nowhere"}, idempotency_key=None
        )[0]
        footnote.catalog.update_job(job.id, state=JobState.CANCELLED)
        wait(footnote, other)
    finally:
        runner.stop()
    assert footnote.catalog.job(job.id).state is JobState.CANCELLED
    assert (
        footnote.catalog.job(other.id).state is JobState.FAILED
    )  # it was reached, and its folder is nowhere


def test_a_stopped_runner_leaves_its_job_to_the_next_one(
    footnote: Footnote, paced: PacedEmbedder, runner: JobRunner, tmp_path: Path
) -> None:
    paced.seconds_per_text = 0.03
    job = submit(footnote, path=handbook(tmp_path / "handbook", files=400))
    wait(footnote, job, until=lambda job: job.stage == "embed")
    runner.stop()
    assert footnote.catalog.job(job.id).state is JobState.QUEUED
    paced.seconds_per_text = 0
    runner.start()
    assert wait(footnote, job).state is JobState.COMMITTED
    assert footnote.catalog.collection("handbook").documents == 400


def test_a_stopped_job_has_not_used_up_an_attempt(
    footnote: Footnote, paced: PacedEmbedder, runner: JobRunner, tmp_path: Path
) -> None:
    paced.seconds_per_text = 0.03
    job = submit(footnote, path=handbook(tmp_path / "handbook", files=400))
    wait(footnote, job, until=lambda job: job.stage == "embed")
    runner.stop()
    assert footnote.catalog.job(job.id).attempts == 0


def test_the_job_of_a_dead_worker_runs_again(footnote: Footnote, runner: JobRunner, tmp_path: Path) -> None:
    runner.stop()
    submit(footnote, path=handbook(tmp_path / "handbook"))
    left = footnote.catalog.next_queued_job(owner="dead", lease_s=1)
    assert left is not None
    runner.start()
    done = wait(footnote, left)
    assert (done.state, done.attempts) == (JobState.COMMITTED, 2)


def test_a_worker_keeps_its_job_however_long_a_file_takes(footnote: Footnote, tmp_path: Path) -> None:
    submit(footnote, path="/handbook")
    job = footnote.catalog.next_queued_job(owner="me", lease_s=15)
    assert job is not None
    with Lease(footnote.catalog, job, owner="me", lease_s=15) as lease:
        renewed = wait(footnote, job, until=lambda now: now.lease_until != job.lease_until)
        assert footnote.catalog.next_queued_job(owner="other", lease_s=15) is None
        assert not lease.is_lost
    assert (renewed.owner, renewed.attempts) == ("me", 1)


@pytest.mark.parametrize("event", ["cancelled", "taken over"])
def test_a_worker_hears_that_a_job_is_no_longer_its_own(footnote: Footnote, event: str) -> None:
    submit(footnote, path="/handbook")
    job = footnote.catalog.next_queued_job(owner="me", lease_s=0)
    assert job is not None
    with Lease(footnote.catalog, job, owner="me", lease_s=60) as lease:
        if event == "cancelled":
            footnote.catalog.update_job(job.id, state=JobState.CANCELLED)
        else:
            assert footnote.catalog.next_queued_job(owner="other", lease_s=60) is not None
        wait_for(lambda: lease.is_lost)


def test_a_lease_that_cannot_be_renewed_is_lost(footnote: Footnote, monkeypatch: pytest.MonkeyPatch) -> None:
    submit(footnote, path="/handbook")
    job = footnote.catalog.next_queued_job(owner="me", lease_s=60)
    assert job is not None
    calls = broken(monkeypatch, footnote, "renew_lease", DiskFull("No space is left."))
    clock = Clock()
    monkeypatch.setattr("ingest.lease.time", clock)
    with Lease(footnote.catalog, job, owner="me", lease_s=60) as lease:
        clock.now = 59
        wait_for(lambda: len(calls) > 1)
        assert not lease.is_lost
        clock.now = 60
        wait_for(lambda: lease.is_lost)


def test_a_job_waits_for_a_collection_that_is_being_ingested(
    footnote: Footnote, runner: JobRunner, tmp_path: Path
) -> None:
    collection = footnote.open_collection("handbook")
    with collection_lock(footnote.settings.data_dir / "locks", collection):
        job = submit(footnote, path=handbook(tmp_path / "handbook"))
        waiting = wait(footnote, job, until=lambda job: job.stage == "waiting")
        assert (waiting.state, waiting.error_code, waiting.attempts) == (JobState.QUEUED, None, 0)
    done = wait(footnote, job)
    assert (done.state, done.attempts) == (JobState.COMMITTED, 1)


def test_several_runners_share_the_queue(footnote: Footnote, tmp_path: Path) -> None:
    runners = [JobRunner(footnote) for _ in range(3)]
    jobs = [submit(footnote, path=handbook(tmp_path / f"part{n}", files=20)) for n in range(5)]
    for one in runners:
        one.start()
    try:
        done = [wait(footnote, job) for job in jobs]
    finally:
        for one in runners:
            one.stop()
    assert [(job.state, job.attempts) for job in done] == [(JobState.COMMITTED, 1)] * 5
    # The parts hold the same texts in files of their own, and each file is one document.
    assert footnote.catalog.collection("handbook").documents == 100


def test_a_full_disk_fails_the_job_and_the_next_one_goes_on(
    footnote: Footnote, runner: JobRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = handbook(tmp_path / "handbook", files=20)
    broken(monkeypatch, footnote, "put_source", DiskFull("No space is left; free some."), after=5)
    failed = wait(footnote, submit(footnote, path=folder))
    assert (failed.state, failed.error_code) == (JobState.FAILED, "disk_full")
    monkeypatch.undo()
    done = wait(footnote, submit(footnote, path=folder))
    assert done.result is not None
    assert (done.result["added"], done.result["unchanged"]) == (15, 5)


def test_a_job_whose_end_cannot_be_recorded_ends_when_it_can(
    footnote: Footnote, runner: JobRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = broken(monkeypatch, footnote, "update_job", StorageError("The server is starting; try again."))
    job = submit(footnote, path=handbook(tmp_path / "handbook"))
    wait(footnote, job, until=lambda _: bool(footnote.catalog.collections()))
    wait_for(lambda: len(calls) > 2)
    assert footnote.catalog.job(job.id).state is JobState.RUNNING
    monkeypatch.undo()
    done = wait(footnote, job)
    assert (done.state, done.attempts) == (JobState.COMMITTED, 1)


def test_space_set_aside_lets_a_job_end_on_a_full_disk(
    footnote: Footnote, runner: JobRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reserve = footnote.settings.data_dir / "reserve"
    folder = handbook(tmp_path / "handbook", files=20)
    wait(footnote, submit(footnote, path=folder))
    assert reserve.stat().st_blocks * 512 >= RESERVED_BYTES
    monkeypatch.setattr(Reserve, "fill", lambda _: None)
    works = footnote.catalog.update_job

    def full(job_id: str, **changes: Any) -> Job:
        if reserve.exists():
            raise DiskFull("No space is left; free some.")
        return works(job_id, **changes)

    monkeypatch.setattr(footnote.catalog, "update_job", full)
    job = wait(footnote, submit(footnote, path=folder))
    assert (job.state, reserve.exists()) == (JobState.COMMITTED, False)


def test_what_became_of_each_file_is_recorded(footnote: Footnote, runner: JobRunner, tmp_path: Path) -> None:
    folder = Path(handbook(tmp_path / "handbook", files=3))
    (folder / "copy.txt").write_bytes((folder / "0001.txt").read_bytes())
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 broken")
    (folder / "video.mov").write_bytes(b"frames")
    job = wait(footnote, submit(footnote, path=str(folder)))
    assert states(footnote, job) == {
        "0000.txt": "committed",
        "0001.txt": "committed",
        "0002.txt": "committed",
        "copy.txt": "duplicate",
        "broken.pdf": "damaged_file",
        "video.mov": "unsupported_type",
    }
    (folder / "0000.txt").unlink()
    (folder / "copy.txt").unlink()
    (folder / "0001.txt").rename(folder / "renamed.txt")
    job = wait(footnote, submit(footnote, path=str(folder)))
    assert states(footnote, job).items() >= {"0000.txt": "deleted", "renamed.txt": "moved"}.items()
    counted = ("added", "modified", "moved", "deleted", "unchanged", "duplicates", "failed")
    assert job.result is not None
    assert {name: job.counts[name] for name in counted} == {name: job.result[name] for name in counted}


def states(footnote: Footnote, job: Job) -> dict[str, str]:
    """The state of each file, or why it failed."""
    return {file.path: file.code or file.state.value for file in footnote.catalog.job_files(job.id)}


def broken(
    monkeypatch: pytest.MonkeyPatch, footnote: Footnote, method: str, error: Exception, *, after: int = 0
) -> list[str]:
    """Let a catalog's method fail from its call number ``after`` on; gives the calls as they come."""
    calls: list[str] = []
    works = getattr(footnote.catalog, method)

    def call(*arguments: object, **options: object) -> object:
        calls.append(method)
        if len(calls) > after:
            raise error
        return works(*arguments, **options)

    monkeypatch.setattr(footnote.catalog, method, call)
    return calls


def running(footnote: Footnote) -> Job:
    submit(footnote, path="/handbook")
    job = footnote.catalog.next_queued_job(owner="me", lease_s=60)
    assert job is not None
    return job


def test_progress_is_written_at_most_once_a_second(
    footnote: Footnote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.job_progress.time", Clock())
    job = running(footnote)
    progress = JobProgress(footnote.catalog, job.id, owner="me")
    for done in range(50):
        file = JobFile(path=f"{done}.txt", state=JobFileState.COMMITTED)
        progress.update(
            Status(
                stage="embed",
                files_total=50,
                files_done=done,
                chunks=done,
                rate=5.0,
                eta_s=9.0,
                files=(file,),
            )
        )
    written = footnote.catalog.job(job.id)
    assert written.counts.items() >= {"files_total": 50, "files_done": 0, "rate": 5.0, "eta_s": 9.0}.items()
    assert len(footnote.catalog.job_files(job.id)) == 1
    progress.flush()
    assert footnote.catalog.job(job.id).counts["files_done"] == 49
    assert len(footnote.catalog.job_files(job.id)) == 50


def test_progress_that_cannot_be_written_is_written_later(
    footnote: Footnote, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = running(footnote)
    progress = JobProgress(footnote.catalog, job.id, owner="me")
    broken(monkeypatch, footnote, "record_job_files", DiskFull("No space is left."))
    progress.update(Status(stage="embed", files=(JobFile(path="a", state=JobFileState.COMMITTED),)))
    monkeypatch.undo()
    progress.update(Status(stage="index"))
    assert states(footnote, job) == {"a": "committed"}
