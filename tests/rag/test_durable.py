"""Writes that survive a power cut, and what a failing disk is called."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from rag.errors import DiskFull, StorageError
from rag.index import durable


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What reached the disk, and what was renamed, in order."""
    happened: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def recording_fsync(descriptor: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        happened.append(f"sync {path.relative_to(tmp_path.parent).name}")
        fsync(descriptor)

    def recording_replace(self: Path, target: Path) -> Path:
        happened.append(f"rename to {target.name}")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", recording_fsync)
    monkeypatch.setattr(Path, "replace", recording_replace)
    return happened


def test_a_file_is_replaced_only_after_its_new_bytes_are_on_the_disk(
    tmp_path: Path, synced: list[str]
) -> None:
    target = tmp_path / "CURRENT"
    target.write_bytes(b"old")
    durable.replace(target, b"new")
    assert target.read_bytes() == b"new"
    assert synced == [f"sync CURRENT.{os.getpid()}.tmp", "rename to CURRENT", f"sync {tmp_path.name}"]
    assert [path.name for path in tmp_path.iterdir()] == ["CURRENT"]


def test_a_failed_replacement_leaves_the_old_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "CURRENT"
    target.write_bytes(b"old")

    def fail(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="Input/output"):
        durable.replace(target, b"new")
    assert target.read_bytes() == b"old"
    monkeypatch.undo()
    durable.replace(target, b"newer")  # a leftover of the failure is no obstacle
    assert target.read_bytes() == b"newer"


def test_a_new_file_never_overwrites_one(tmp_path: Path) -> None:
    durable.write_new(tmp_path / "a", b"first")
    with pytest.raises(FileExistsError):
        durable.write_new(tmp_path / "a", b"second")
    assert (tmp_path / "a").read_bytes() == b"first"


@pytest.mark.parametrize(
    "raised",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        ValueError("An IO error occurred: 'No space left on device (os error 28)'"),  # tantivy
        RuntimeError("write error: No space left on device"),  # FAISS
    ],
)
def test_a_full_disk_is_recognised_whoever_reports_it(raised: Exception) -> None:
    with (
        pytest.raises(DiskFull, match=r"full while testing\. Free some space"),
        durable.storage_errors("testing"),
    ):
        raise raised


@pytest.mark.parametrize(
    "raised", [OSError(errno.EIO, "Input/output error"), ValueError("bad"), RuntimeError("bad")]
)
def test_other_failures_of_the_disk_are_storage_errors(raised: Exception) -> None:
    with pytest.raises(StorageError, match="while testing") as failure, durable.storage_errors("testing"):
        raise raised
    assert type(failure.value) is StorageError
    assert failure.value.__cause__ is raised
