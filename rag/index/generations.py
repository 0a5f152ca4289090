"""Index generations on disk: built beside the old one, verified, switched atomically, rebuilt when damaged.

::

    indexes/<collection id>/
        CURRENT                    name of the serving generation and SHA-256 of its manifest
        lock                       held by the process that builds
        gen-00000007/manifest.json
        gen-00000007/dense-….faiss  immutable segments, hard-linked from generation to generation
        gen-00000007/tombstones.npy
        gen-00000007/keyword/…      tantivy; its segment files are immutable and hard-linked too
        quarantine-gen-00000006/    what was found damaged, kept for inspection until the next one
    indexes/<collection id>.3/     the same for its space 3, which another model or chunker made
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import shutil
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from filelock import FileLock

from rag.domain import Collection
from rag.errors import IndexBehind, IndexDamaged, StorageError
from rag.index import durable
from rag.index import manifest as manifests
from rag.index.building import Base, write_indexes, write_manifest
from rag.index.folders import BUILDING, is_older, next_generation, remove_leftovers, set_aside, space_of
from rag.index.keyword import TantivyIndex
from rag.index.manifest import Manifest
from rag.index.opening import (
    CURRENT,
    KEYWORD,
    OpenGeneration,
    Pointer,
    generation_name,
    generation_number,
    open_generation,
    read_pointer,
)
from rag.index.segments import DenseSegment
from rag.interfaces import Catalog

logger = logging.getLogger(__name__)

_LOCK = "lock"
_PATIENCE_S = 5.0


class CollectionIndexes:
    """The indexes of all collections below one folder, kept equal to the catalog.

    Safe across threads and processes: one writer at a time per collection (file lock). An open generation
    serves on while the next one is built, and a process notices another one's new generation at its next
    search.

    Args:
        place: called with the segments of every generation before it serves, to copy them onto a GPU.

    Attributes:
        repairs: what was found damaged and rebuilt since the start, one sentence each.
    """

    def __init__(
        self,
        root: Path,
        catalog: Catalog,
        *,
        place: Callable[[Sequence[DenseSegment]], None] = lambda _: None,
    ) -> None:
        self._root = root
        self._catalog = catalog
        self._place = place
        self._open: dict[Path, OpenGeneration] = {}
        self._locks: dict[Path, threading.Lock] = {}
        self._guard = threading.Lock()
        self._behind: dict[str, tuple[int, float]] = {}
        self.repairs: list[str] = []

    def snapshot(self, collection: Collection) -> OpenGeneration:
        """The serving generation; opened, caught up or rebuilt from the catalog on first use.

        Raises:
            IndexBehind: ``collection`` was read before a re-embedding; read it again.
        """
        held = self._held(collection)
        if held is not None:
            return self._caught_up(collection, held) if self._is_left_behind(collection, held) else held
        with self._lock(collection):
            self._require_serving(collection)
            for folder in list(self._open):
                if is_older(folder, self._folder(collection)):  # another process re-embedded the collection
                    self._open.pop(folder, None)
            return self._held(collection) or self._follow(collection) or self._newest(collection)

    def refresh(self, collection_id: str) -> OpenGeneration:
        """Build and switch to a generation at the catalog's sequence; a no-op when it is there already.

        Raises:
            CollectionNotFound: there is no such collection.
            DiskFull, StorageError: the old generation still serves.
        """
        collection = self._catalog.collection_by_id(collection_id)
        with self._lock(collection):
            return self._bring_up_to_date(collection)

    def build_beside(self, target: Collection) -> None:
        """Build the index of a space that does not serve yet, from nothing.

        Raises:
            DiskFull, StorageError: there is no index of that space then.
        """
        with self._lock(target):
            self._remove(self._folder(target))
            self._bring_up_to_date(target)

    def drop(self, collection_id: str) -> None:
        """Remove the index files of a deleted collection; who searches in them now can finish."""
        for folder in self._spaces(collection_id).values():
            self._remove(folder)

    def drop_other_spaces(self, collection: Collection) -> None:
        """Remove the index files of all spaces but the collection's; who searches in them now can finish."""
        for space, folder in self._spaces(collection.id).items():
            if space != collection.space:
                self._remove(folder)

    def verify(self, collection: Collection) -> Manifest:
        """Check every file of the serving generation and its counts against the catalog, changing nothing.

        Raises:
            IndexDamaged: a file does not match.
            IndexBehind: the files are sound, but not at the catalog's sequence, or not there yet.
        """
        folder = self._folder(collection)
        current = read_pointer(folder)
        if current is None:
            raise IndexBehind(
                f"The collection {collection.name!r} has no index yet; the next search builds it."
            )
        manifest = manifests.read_verified(folder / current.name, manifest_sha256=current.manifest_sha256)
        sequence, chunks = self._catalog.live_chunk_count(collection.id, space=collection.space)
        if manifest.sequence != sequence or manifest.chunks != chunks:
            raise IndexBehind(
                f"The index of {collection.name!r} holds {manifest.chunks} chunks at sequence "
                f"{manifest.sequence}, the catalog {chunks} at {sequence}; the next start catches up."
            )
        return manifest

    # -------------------------------------------------------------------------------- open

    def _held(self, collection: Collection) -> OpenGeneration | None:
        """The open generation, while ``CURRENT`` points to it."""
        folder = self._folder(collection)
        held = self._open.get(folder)
        if held is None or held.pointer != read_pointer(folder):
            return None
        return held

    def _is_left_behind(self, collection: Collection, held: OpenGeneration) -> bool:
        """Whether the catalog moved on, and nothing has happened since for longer than a refresh takes.

        An ingestion brings the indexes along itself; one that was killed does not.
        """
        if held.manifest.sequence >= collection.sequence:
            self._behind.pop(collection.id, None)
            return False
        sequence, since = self._behind.setdefault(collection.id, (collection.sequence, time.monotonic()))
        if sequence != collection.sequence:  # somebody is still committing
            self._behind[collection.id] = (collection.sequence, time.monotonic())
            return False
        return time.monotonic() - since >= _PATIENCE_S

    def _caught_up(self, collection: Collection, held: OpenGeneration) -> OpenGeneration:
        """The generation at the catalog's sequence, or ``held`` where it cannot be built now."""
        self._behind.pop(collection.id, None)
        try:
            with self._lock(collection):
                self._require_serving(collection)
                return self._bring_up_to_date(collection)
        except StorageError:
            logger.exception("The index of %r stays behind the catalog for now.", collection.name)
            return held

    def _follow(self, collection: Collection) -> OpenGeneration | None:
        """The generation that another process switched to, without waiting for the one it may be building."""
        folder = self._folder(collection)
        current = read_pointer(folder)
        if current is None or folder not in self._open:
            return None
        try:
            opened = open_generation(folder, current, collection)
        except IndexDamaged:  # or replaced while it was read: decided under the file lock
            return None
        return self._serve(folder, opened)

    def _newest(self, collection: Collection) -> OpenGeneration:
        """The generation at the catalog's sequence, or the last sound one where that cannot be built now."""
        try:
            return self._bring_up_to_date(collection)
        except StorageError:
            folder = self._folder(collection)
            current = read_pointer(folder)
            if current is None:
                raise
            with contextlib.suppress(IndexDamaged):
                opened = open_generation(folder, current, collection)
                logger.exception("The index of %r stays behind the catalog for now.", collection.name)
                return self._serve(folder, opened)
            raise

    def _bring_up_to_date(self, collection: Collection) -> OpenGeneration:
        folder = self._folder(collection)
        with durable.storage_errors(f"updating the index of {collection.name!r}"):
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(str(folder / _LOCK)):
                base = self._serving(collection)
                remove_leftovers(folder, serving=base)
                sequence, chunks = self._catalog.live_chunk_count(collection.id, space=collection.space)
                if base is not None and base.manifest.sequence >= sequence:
                    if (base.manifest.sequence, base.manifest.chunks) == (sequence, chunks):
                        return self._serve(folder, base)
                    self._quarantine(
                        folder,
                        base.name,
                        f"it holds {base.manifest.chunks} chunks at sequence {base.manifest.sequence}, "
                        f"the catalog {chunks} at {sequence}",
                    )
                    base = None
                opened = self._build(collection, base, sequence, chunks)
                self._serve(folder, opened)
                remove_leftovers(folder, serving=opened)
                return opened

    def _serve(self, folder: Path, opened: OpenGeneration) -> OpenGeneration:
        self._place(opened.dense.segments)
        self._open[folder] = opened
        return opened

    def _serving(self, collection: Collection) -> OpenGeneration | None:
        """What ``CURRENT`` points to, opened; what is damaged goes to quarantine."""
        folder = self._folder(collection)
        held = self._held(collection)
        if held is not None:
            return held
        current = read_pointer(folder)
        if current is None:
            if any(generation_number(path.name) is not None for path in folder.iterdir()):
                self._report(f"The file {CURRENT} was missing or unreadable; index rebuilt from the catalog.")
            return None
        try:
            return open_generation(folder, current, collection)
        except IndexDamaged as exc:
            self._quarantine(folder, current.name, str(exc))
            return None

    def _quarantine(self, folder: Path, name: str, reason: str) -> None:
        self._report(f"Index generation {name} set aside and rebuilt from the catalog: {reason}")
        set_aside(folder, name)

    def _report(self, message: str) -> None:
        logger.warning(message)
        self.repairs.append(message)

    # ------------------------------------------------------------------------------- build

    def _build(
        self, collection: Collection, base: OpenGeneration | None, sequence: int, chunks: int
    ) -> OpenGeneration:
        """Write and switch to a generation at ``sequence``; from nothing when ``base`` proves damaged."""
        folder = self._folder(collection)
        building = folder / f"{BUILDING}{uuid.uuid4().hex}"
        building.mkdir()
        try:
            return self._write(collection, base, sequence, chunks, building)
        except IndexDamaged as exc:
            if base is None:
                raise
            self._quarantine(folder, base.name, str(exc))
        finally:
            shutil.rmtree(building, ignore_errors=True)
        return self._build(collection, None, sequence, chunks)

    def _write(
        self,
        collection: Collection,
        base: OpenGeneration | None,
        sequence: int,
        chunks: int,
        building: Path,
    ) -> OpenGeneration:
        folder = building.parent
        start = Base(generation=base, folder=folder / base.name) if base else None
        dense = write_indexes(self._catalog, collection, base=start, sequence=sequence, target=building)
        # Chunks removed since the count was taken are rightly missing; the next refresh counts again.
        if dense.count != chunks and self._catalog.live_chunk_count(collection.id)[0] == sequence:
            raise IndexDamaged(f"with the latest changes it holds {dense.count} of {chunks} chunks")
        manifest, data = write_manifest(
            collection,
            base=start,
            dense=dense,
            generation=next_generation(folder),
            sequence=sequence,
            target=building,
        )
        pointer = Pointer(generation_name(manifest.generation), hashlib.sha256(data).hexdigest())
        building.rename(folder / pointer.name)
        durable.sync_folder(folder)
        durable.replace(folder / CURRENT, pointer.to_bytes())
        keyword = TantivyIndex(folder / pointer.name / KEYWORD)
        return OpenGeneration(pointer=pointer, manifest=manifest, dense=dense, keyword=keyword)

    # ------------------------------------------------------------------------------ lookup

    def _lock(self, collection: Collection) -> threading.Lock:
        """One per space: an index that is built beside holds up nobody's search."""
        with self._guard:
            return self._locks.setdefault(self._folder(collection), threading.Lock())

    def _require_serving(self, collection: Collection) -> None:
        if self._catalog.collection_by_id(collection.id).space != collection.space:
            raise IndexBehind(f"The collection {collection.name!r} has just been re-embedded; search again.")

    def _folder(self, collection: Collection) -> Path:
        return self._root / (f"{collection.id}.{collection.space}" if collection.space else collection.id)

    def _spaces(self, collection_id: str) -> dict[int, Path]:
        """The folders that are there, by space."""
        folders = (self._root / collection_id, *self._root.glob(f"{collection_id}.*"))
        return {space_of(folder): folder for folder in folders if folder.is_dir()}

    def _remove(self, folder: Path) -> None:
        self._open.pop(folder, None)
        if folder.is_dir():
            with FileLock(str(folder / _LOCK)):  # another process may be building
                shutil.rmtree(folder, ignore_errors=True)
