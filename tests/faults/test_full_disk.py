"""A small disk, full to the brim: searching goes on, the job says why it failed, resuming loses nothing."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.jobs import KIND, JobRunner
from rag.domain import FINAL_JOB_STATES, Access, Job, JobState
from rag.errors import DiskFull
from rag.factory import Footnote
from rag.settings import Settings
from tests.faults.load import COLLECTION, COMMON, EMBEDDER, Ledger, keywords_of, text_of
from tests.faults.oracle import Oracle
from tests.faults.tally import Tally

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(600),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a file system of a given size"),
]

_FILES = 400
_PATIENCE_S = 300


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """10 MB."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=10m", "tmpfs", str(place)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
def footnote(small_disk: Path) -> Iterator[Footnote]:
    settings = Settings(data_dir=small_disk / "data", parse_workers=1)
    with Footnote(settings, embedder=EMBEDDER) as opened:
        yield opened


def write_files(folder: Path, numbers: range) -> dict[str, int]:
    """A page of rules in each file, 15 KB; returns revision by path."""
    folder.mkdir(exist_ok=True)
    written = {}
    for number in numbers:
        path, revision = f"file-{number}.txt", number + 1
        rules = [
            f"The {COMMON} note {n} of file {number} says nothing that is new to you." for n in range(220)
        ]
        (folder / path).write_text("\n\n".join([text_of(path, revision, ""), *rules]))
        written[path] = revision
    return written


def run_job(footnote: Footnote, folder: Path) -> Job:
    """An ingestion of the folder, run to its end by the real runner."""
    job, _ = footnote.catalog.create_job(
        kind=KIND, collection=COLLECTION, request={"path": str(folder)}, idempotency_key=None
    )
    runner = JobRunner(footnote)
    runner.start()
    try:
        until = time.monotonic() + _PATIENCE_S
        while (job := footnote.catalog.job(job.id)).state not in FINAL_JOB_STATES:
            assert time.monotonic() < until, f"the job hangs: {job}"
            time.sleep(0.2)
    finally:
        runner.stop()
    return job


def fill_up(disk: Path) -> int:
    """Use every byte that is left; returns how many that were."""
    filled = 0
    with (disk / "filler").open("wb", buffering=0) as filler:
        try:
            while True:
                filled += filler.write(b"x" * 4096)
        except OSError:
            return filled


def assert_found(footnote: Footnote, files: dict[str, int]) -> None:
    """Each file by a keyword of its own."""
    opened = footnote.indexes.snapshot(footnote.catalog.collection(COLLECTION))
    for path, revision in files.items():
        hits = opened.keyword.search(keywords_of(path, revision, "")[0], 3, allowed=None)
        assert len(hits) == 1, path
        result = footnote.retriever.retrieve(
            f"rule {keywords_of(path, revision, '')[0]}",
            collection=COLLECTION,
            k=3,
            access=Access.everything(),
        )
        assert [passage.source_uri.rsplit("/", 1)[-1] for passage in result.passages].count(path), path


def test_a_full_disk_fails_the_job_and_nothing_else(
    footnote: Footnote, small_disk: Path, tmp_path: Path, tally: Tally
) -> None:
    folder = tmp_path / "sources"
    first = write_files(folder, range(10))
    assert run_job(footnote, folder).state is JobState.COMMITTED
    assert_found(footnote, first)

    everything = first | write_files(folder, range(10, _FILES))
    failed = run_job(footnote, folder)
    assert (failed.state, failed.error_code) == (JobState.FAILED, "disk_full")
    assert "free some" in str(failed.error_message).lower()
    collection = footnote.catalog.collection(COLLECTION)
    held = footnote.catalog.source_states(collection.id, str(folder))
    assert 10 <= len(held) < _FILES

    fill_up(small_disk)
    assert_found(footnote, first)
    request = {"path": str(folder), "note": "x" * 200_000}
    with pytest.raises(DiskFull):
        footnote.catalog.create_job(kind="none", collection="x", request=request, idempotency_key=None)
    assert_found(footnote, first)

    (small_disk / "filler").unlink()
    subprocess.run(["mount", "-o", "remount,size=200m", str(small_disk)], check=True)
    resumed = run_job(footnote, folder)
    assert resumed.state is JobState.COMMITTED, resumed.error_message
    assert resumed.result is not None
    assert (resumed.result["unchanged"], resumed.result["added"]) == (len(held), _FILES - len(held))
    assert_found(footnote, {path: everything[path] for path in list(everything)[::20]})
    footnote.close()
    ledger = Ledger(files=everything, is_created=True, is_indexed=True)
    violations = Oracle().violations(small_disk / "data", ledger, thorough=False)
    tally.add(
        "full disk of 10 MB",
        violations=len(violations),
        files_before_it_was_full=len(held),
        files_after_resuming=len(everything),
    )
    assert violations == []
