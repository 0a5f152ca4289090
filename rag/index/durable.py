"""Writes that survive a crash: temporary name, fsync, rename, fsync of the folder."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rag.errors import DiskFull, StorageError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_CHUNK = 1 << 20


def write_new(path: Path, data: bytes | memoryview) -> None:
    """Create ``path`` with ``data`` and fsync it; the caller fsyncs the folder."""
    with path.open("xb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def replace(path: Path, data: bytes) -> None:
    """Atomically replace ``path``: readers see the old bytes or the new ones, also after a crash."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    write_new(temporary, data)
    temporary.replace(path)
    sync_folder(path.parent)


def sync_file(path: Path) -> None:
    """fsync one file written by somebody else's code."""
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def sync_folder(path: Path) -> None:
    """Make creations, renames and removals in ``path`` durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def link_or_copy(source: Path, target: Path) -> None:
    """Hard link where the file system can, else copy and fsync; only for files that never change."""
    try:
        target.hardlink_to(source)
    except OSError as exc:
        if exc.errno in _FULL:
            raise
        write_new(target, source.read_bytes())


def sha256_of(path: Path) -> str:
    """Hash of a file, hex."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_CHUNK):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def storage_errors(doing: str) -> Iterator[None]:
    """Translate what a full or broken disk raises, also through tantivy, into our own errors.

    Raises:
        DiskFull: no space is left.
        StorageError: any other failure to read or write.
    """
    try:
        yield
    except OSError as exc:
        if exc.errno in _FULL or "No space left" in str(exc):
            raise DiskFull(f"The disk is full while {doing}. Free some space and try again.") from exc
        raise StorageError(f"The disk failed while {doing}: {exc.strerror or exc}.") from exc
    except (ValueError, RuntimeError) as exc:  # tantivy and faiss raise these
        if "No space left" in str(exc):
            raise DiskFull(f"The disk is full while {doing}. Free some space and try again.") from exc
        raise StorageError(f"Failed while {doing}: {exc}.") from exc
