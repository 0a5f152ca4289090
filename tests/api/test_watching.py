"""``footnote ingest --watch`` on a real folder, and URLs in place of folders."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from tests.api.test_cli import Footnote, footnote, one_object
from tests.patience import LONG_S

__all__ = ["footnote"]


class Watching:
    """A running ``footnote ingest --watch --json``; its lines on stdout are one object for each sync."""

    def __init__(self, folder: Path, data_dir: Path) -> None:
        command = "from api.cli import main; main()"
        arguments = ["ingest", str(folder), "--watch", "--json", "--data-dir", str(data_dir)]
        self.process = subprocess.Popen(
            [sys.executable, "-c", command, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )

    def next(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        return found

    def interrupt(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=LONG_S)


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Callable[[Path], Watching]]:
    started: list[Watching] = []

    def start(folder: Path) -> Watching:
        started.append(Watching(folder, tmp_path / "data"))
        return started[-1]

    yield start
    for watching in started:
        if watching.process.poll() is None:
            watching.process.kill()
        watching.process.communicate()


@pytest.mark.slow
def test_changes_are_applied_as_they_happen(watch: Callable[[Path], Watching], tmp_path: Path) -> None:
    folder = tmp_path / "handbook"
    folder.mkdir()
    (folder / "leave.md").write_text("# Leave\n\nAnnual leave is twenty-five days.\n")
    watching = watch(folder)
    assert watching.next()["added"] == 1

    (folder / "keys.md").write_text("# Keys\n\nThe VPN needs a hardware key.\n")
    assert watching.next()["added"] == 1

    (folder / "leave.md").write_text("# Leave\n\nAnnual leave is twenty-seven days.\n")
    assert watching.next()["modified"] == 1
    (folder / "keys.md").unlink()
    assert watching.next()["deleted"] == 1

    shutil.move(folder, tmp_path / "elsewhere")
    time.sleep(1.5)
    (tmp_path / "elsewhere" / "news.md").write_text("# News\n\nThe office moves in May.\n")
    shutil.move(tmp_path / "elsewhere", folder)
    back = watching.next()
    assert (back["added"], back["deleted"], back["documents"]) == (1, 0, 2)

    assert watching.interrupt() == 0


@pytest.fixture
def bucket() -> Iterator[str]:
    with fsspec.open("memory://bucket/handbook/leave.md", "wb") as file:
        file.write(b"# Leave\n\nAnnual leave is twenty-five days.\n")
    yield "memory://bucket/handbook"
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]


def test_a_url_is_ingested_and_found(footnote: Footnote, bucket: str) -> None:
    assert one_object(footnote("ingest", bucket, "--json"))["added"] == 1
    assert one_object(footnote("ingest", f"{bucket}/", "--json"))["unchanged"] == 1
    found = one_object(footnote("search", "annual leave", "--json"))["results"]
    assert found[0]["source_uri"] == "handbook/leave.md"


def test_a_url_that_is_not_there_is_a_failure_without_credentials(footnote: Footnote) -> None:
    result = footnote("ingest", "memory://anna:secret@nowhere/handbook", "--json")
    assert result.exit_code == 1
    assert [failure["code"] for failure in one_object(result)["failures"]] == ["folder_not_found"]
    assert "secret" not in result.output


@pytest.mark.parametrize("more", [["--dry-run"], ["memory://bucket/handbook"]])
def test_only_folders_can_be_watched(
    footnote: Footnote,
    bucket: str,
    tmp_path: Path,
    more: list[str],
) -> None:
    (tmp_path / "handbook").mkdir()
    result = footnote("ingest", tmp_path / "handbook", "--watch", *more)
    assert result.exit_code == 2
    assert "--watch takes folders" in result.output


def test_a_folder_to_watch_must_be_there(footnote: Footnote, tmp_path: Path) -> None:
    result = footnote("ingest", tmp_path / "nowhere", "--watch")
    assert result.exit_code == 1
    assert "does not exist" in result.output
