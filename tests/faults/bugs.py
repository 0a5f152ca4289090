"""Mistakes planted into a worker process, to show that the suite would notice them.

Each is a small change that a careless edit could make; the product itself knows nothing of them.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import text, update

from rag.errors import StorageError
from rag.index import building, durable, generations
from rag.index import manifest as manifests
from rag.index.dense import SegmentedVectorIndex
from rag.index.opening import CURRENT, Pointer, generation_name
from rag.store import changes, database, failures
from rag.store.catalog import SqlCatalog
from rag.store.database import Database
from rag.store.schema import ChunkRow, RemovedChunkRow

Original = Any


def new_files_are_not_synced() -> None:
    """``write_new`` without its fsync."""

    def write_new(path: Path, data: bytes | memoryview) -> None:
        with path.open("xb") as stream:
            stream.write(data)

    durable.write_new = write_new


def folders_are_not_synced() -> None:
    """A rename that was never made durable."""
    durable.sync_folder = lambda path: None


def catalog_is_not_synced() -> None:
    """SQLite with ``synchronous = OFF``."""
    original = database._run_on_connect
    database._run_on_connect = lambda engine, *pragmas: original(engine, *pragmas, "synchronous = OFF")


def pointer_goes_before_its_generation() -> None:
    """``CURRENT`` names the new generation while its folder still has its temporary name."""
    original = generations.write_manifest

    def write_manifest(*args: Any, target: Path, **kwargs: Any) -> Any:
        manifest, data = original(*args, target=target, **kwargs)
        pointer = Pointer(generation_name(manifest.generation), hashlib.sha256(data).hexdigest())
        durable.replace(target.parent / CURRENT, pointer.to_bytes())
        return manifest, data

    generations.write_manifest = write_manifest


def chunk_ids_are_used_again() -> None:
    """What a table without AUTOINCREMENT does."""
    original = changes._remove_chunks

    def remove(session: Any, collection: Any, document_id: str) -> int:
        removed: int = original(session, collection, document_id)
        session.execute(text("DELETE FROM sqlite_sequence WHERE name = 'chunks'"))
        return removed

    changes._remove_chunks = remove


def tombstones_are_not_written() -> None:
    """The vectors of removed chunks come back when the index is opened."""
    original = building._write_dense

    def write(target: Path, base: Any, dense: SegmentedVectorIndex) -> None:
        original(target, base, SegmentedVectorIndex(dense.segments, np.empty(0, dtype=np.int64)))

    building._write_dense = write


def old_chunks_stay_after_an_update() -> None:
    """The new version's chunks are added to the old ones."""
    original_next, original_remove = changes._next_version, changes._remove_chunks
    is_update = threading.local()

    def remove(session: Any, collection: Any, document_id: str) -> int:
        if not getattr(is_update, "value", False):
            return int(original_remove(session, collection, document_id))
        old = update(ChunkRow).where(ChunkRow.document_id == document_id)
        session.execute(old.values(ordinal=ChunkRow.ordinal + 1000))
        return 0

    def next_version(*args: Any) -> Any:
        is_update.value = True
        try:
            return original_next(*args)
        finally:
            is_update.value = False

    changes._remove_chunks, changes._next_version = remove, next_version


def removals_are_not_told_to_the_index() -> None:
    """Chunks go without an entry in the journal of removed ones."""
    original = changes._remove_chunks

    def remove(session: Any, collection: Any, document_id: str) -> int:
        removed: int = original(session, collection, document_id)
        newest = RemovedChunkRow.sequence == collection.sequence
        session.execute(RemovedChunkRow.__table__.delete().where(newest))
        return removed

    changes._remove_chunks = remove


def a_delete_does_not_count_as_a_change() -> None:
    """The collection's sequence stays, so an index cannot tell that it is behind."""
    original = changes.delete_source

    def delete_source(session: Any, key: changes.SourceKey) -> int:
        collection = changes.lock_collection(session, key[0])
        before = collection.sequence
        removed: int = original(session, key)
        collection.sequence = before
        return removed

    changes.delete_source = delete_source


def a_file_is_stored_in_several_transactions() -> None:
    """Each document of a file is committed alone."""
    original = changes._put

    def put(session: Any, *args: Any) -> None:
        original(session, *args)
        session.flush()
        connection = session.connection()
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    changes._put = put


def a_delete_is_acknowledged_before_it_is_committed() -> None:
    """The call returns, and the transaction follows."""
    original = SqlCatalog.delete_source

    def delete_source(self: SqlCatalog, *key: str) -> int:
        def later() -> None:
            time.sleep(0.01)
            original(self, *key)

        threading.Thread(target=later, daemon=True).start()
        return 0

    SqlCatalog.delete_source = delete_source  # type: ignore[method-assign]


def failed_transactions_are_not_told() -> None:
    """An exception that somebody caught to be on the safe side."""
    original = Database.write

    @contextmanager
    def write(self: Database) -> Iterator[Any]:
        with suppress(StorageError), original(self) as session:
            yield session

    Database.write = write  # type: ignore[method-assign]


def a_full_disk_is_any_failure() -> None:
    """Nobody is told to free some space."""
    rows = [(start, StorageError, sentence) for start, _, sentence in failures._FAILURES]
    failures._FAILURES = tuple(rows)


def hashes_are_not_verified() -> None:
    """A generation is opened as it is."""

    def read(folder: Path, *, manifest_sha256: str) -> manifests.Manifest:
        return manifests.Manifest.from_bytes((folder / manifests.NAME).read_bytes())

    manifests.read_verified = read


BUGS: dict[str, Callable[[], None]] = {
    plant_it.__name__: plant_it
    for plant_it in (
        new_files_are_not_synced,
        folders_are_not_synced,
        catalog_is_not_synced,
        pointer_goes_before_its_generation,
        chunk_ids_are_used_again,
        tombstones_are_not_written,
        old_chunks_stay_after_an_update,
        removals_are_not_told_to_the_index,
        a_delete_does_not_count_as_a_change,
        a_file_is_stored_in_several_transactions,
        a_delete_is_acknowledged_before_it_is_committed,
        failed_transactions_are_not_told,
        a_full_disk_is_any_failure,
        hashes_are_not_verified,
    )
}


def plant(name: str | None) -> None:
    """Plant the bug of that name into this process; ``None``: none."""
    if name is not None:
        BUGS[name]()
