"""One ingestion per collection at a time, across processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from rag.domain import Collection
from rag.errors import Busy


@contextmanager
def collection_lock(folder: Path, collection: Collection) -> Iterator[None]:
    """Hold the collection's lock file in ``folder`` while the block runs.

    Raises:
        Busy: another ingestion, in this or another process, holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"{collection.id}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as exc:
        raise Busy(
            f"Another ingestion into the collection {collection.name!r} is running; "
            "wait until it has ended, or cancel it, then try again."
        ) from exc
    try:
        yield
    finally:
        lock.release()
