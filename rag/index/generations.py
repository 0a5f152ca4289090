"""Index generations on disk: built beside the old one, verified, switched atomically, rebuilt when damaged.

::

    indexes/<collection id>/
        CURRENT                    name of the serving generation and SHA-256 of its manifest
        gen-00000007/manifest.json
        gen-00000007/dense-….faiss  immutable segments, hard-linked from generation to generation
        gen-00000007/tombstones.npy
        gen-00000007/keyword/…      tantivy; its segment files are immutable and hard-linked too
        quarantine-gen-00000006/    what was found damaged, kept for inspection until the next one
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
import shutil
import threading
import uuid
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock

from rag.domain import ChunkIds, Collection
from rag.errors import IndexDamaged
from rag.index import durable
from rag.index import manifest as manifests
from rag.index.analysis import VERSION as ANALYZER_VERSION
from rag.index.dense import DenseSegment, SegmentedVectorIndex, extend
from rag.index.keyword import TantivyIndex, write_keyword_index
from rag.index.manifest import FileEntry, Manifest
from rag.interfaces import Catalog

logger = logging.getLogger(__name__)

CURRENT = "CURRENT"
_KEYWORD = "keyword"
_TOMBSTONES = "tombstones.npy"
_BUILDING = "building-"
_QUARANTINE = "quarantine-"
_KEPT_GENERATIONS = 2  # another process may be opening the previous one


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenGeneration:
    """A verified generation, open for search."""

    name: str
    manifest: Manifest
    dense: SegmentedVectorIndex
    keyword: TantivyIndex

    @property
    def generation(self) -> int:
        """Number of the generation."""
        return self.manifest.generation


class CollectionIndexes:
    """The indexes of all collections below one folder, kept equal to the catalog.

    Safe across threads and processes: one writer at a time per collection (file lock), readers never wait
    for it, and a process notices another one's new generation at its next search.
    """

    def __init__(self, root: Path, catalog: Catalog) -> None:
        self._root = root
        self._catalog = catalog
        self._open: dict[str, OpenGeneration] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()
        self.repairs: list[str] = []

    def snapshot(self, collection: Collection) -> OpenGeneration:
        """The serving generation; opened, caught up or rebuilt from the catalog on first use."""
        current = self._read_current(collection.id)
        held = self._open.get(collection.id)
        if held is not None and current is not None and held.name == current[0]:
            return held
        with self._lock(collection.id):
            held = self._open.get(collection.id)
            current = self._read_current(collection.id)
            if held is not None and current is not None and held.name == current[0]:
                return held
            self._open.pop(collection.id, None)
            if current is not None and held is not None:  # another process switched: it is up to date
                opened = self._load(collection, *current)
                if opened is not None:
                    self._open[collection.id] = opened
                    return opened
            return self._bring_up_to_date(collection)

    def refresh(self, collection_id: str) -> OpenGeneration:
        """Build and switch to a generation at the catalog's sequence; a no-op when it is there already.

        Raises:
            DiskFull, StorageError: the old generation still serves.
        """
        with self._lock(collection_id):
            return self._bring_up_to_date(self._find(collection_id))

    def drop(self, collection_id: str) -> None:
        """Remove the index files of a deleted collection."""
        with self._lock(collection_id):
            self._open.pop(collection_id, None)
            shutil.rmtree(self._root / collection_id, ignore_errors=True)

    def verify(self, collection: Collection) -> Manifest:
        """Check every file of the serving generation and its counts against the catalog, changing nothing.

        Raises:
            IndexDamaged: what does not match.
        """
        current = self._read_current(collection.id)
        if current is None:
            raise IndexDamaged(f"The collection {collection.name!r} has no index yet; a search builds it.")
        manifest = manifests.read_verified(
            self._root / collection.id / current[0], manifest_sha256=current[1]
        )
        sequence, chunks = self._catalog.live_chunk_count(collection.id)
        if manifest.sequence != sequence or manifest.chunks != chunks:
            raise IndexDamaged(
                f"The index of {collection.name!r} holds {manifest.chunks} chunks at sequence "
                f"{manifest.sequence}, the catalog {chunks} at {sequence}; the next start catches up."
            )
        return manifest

    # -------------------------------------------------------------------------------- open

    def _bring_up_to_date(self, collection: Collection) -> OpenGeneration:
        folder = self._root / collection.id
        with durable.storage_errors(f"updating the index of {collection.name!r}"):
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(str(folder / "lock")):
                base = self._serving(collection)
                sequence, chunks = self._catalog.live_chunk_count(collection.id)
                if base is not None and base.manifest.sequence == sequence:
                    if base.manifest.chunks == chunks:
                        self._open[collection.id] = base
                        return base
                    self._quarantine(folder, base.name, f"it holds {base.manifest.chunks} of {chunks} chunks")
                    base = None
                opened = self._build(collection, base, sequence)
                if opened.manifest.chunks != chunks and base is not None:
                    self._quarantine(folder, opened.name, "its count differs from the catalog's")
                    opened = self._build(collection, None, sequence)
                self._open[collection.id] = opened
                self._remove_leftovers(folder, opened.generation)
                return opened

    def _serving(self, collection: Collection) -> OpenGeneration | None:
        current = self._read_current(collection.id)
        if current is None:
            return None
        held = self._open.get(collection.id)
        if held is not None and held.name == current[0]:
            return held
        return self._load(collection, *current)

    def _load(self, collection: Collection, name: str, manifest_sha256: str) -> OpenGeneration | None:
        """Open a generation, or quarantine it and give ``None``."""
        folder = self._root / collection.id / name
        try:
            manifest = manifests.read_verified(folder, manifest_sha256=manifest_sha256)
            if manifest.fingerprint != collection.fingerprint or manifest.dimension != collection.dimension:
                raise IndexDamaged("it was built with another embedding model")
            if manifest.analyzer != ANALYZER_VERSION:
                raise IndexDamaged(f"it was built by analyzer {manifest.analyzer}")
            segments = [
                DenseSegment.read(folder / file, dimension=manifest.dimension, count=count)
                for file, count in manifest.segments
            ]
            removed: ChunkIds = np.load(folder / _TOMBSTONES, allow_pickle=False)
            return OpenGeneration(
                name=name,
                manifest=manifest,
                dense=SegmentedVectorIndex(segments, removed),
                keyword=TantivyIndex(folder / _KEYWORD),
            )
        except IndexDamaged as exc:
            self._quarantine(folder.parent, name, str(exc))
            return None

    def _quarantine(self, folder: Path, name: str, reason: str) -> None:
        message = f"Index generation {name} set aside and rebuilt from the catalog: {reason}"
        logger.warning(message)
        self.repairs.append(message)
        for old in folder.glob(f"{_QUARANTINE}*"):
            shutil.rmtree(old, ignore_errors=True)
        if (folder / name).exists():
            (folder / name).rename(folder / f"{_QUARANTINE}{name}")
        (folder / CURRENT).unlink(missing_ok=True)
        durable.sync_folder(folder)

    # ------------------------------------------------------------------------------- build

    def _build(self, collection: Collection, base: OpenGeneration | None, sequence: int) -> OpenGeneration:
        folder = self._root / collection.id
        building = folder / f"{_BUILDING}{uuid.uuid4().hex}"
        (building / _KEYWORD).mkdir(parents=True)
        try:
            dense = self._build_dense(collection, base, sequence, building)
            self._build_keyword(collection, base, sequence, building)
            known = {entry.path: entry for entry in base.manifest.files} if base else {}
            linked = {
                name: entry for name, entry in known.items() if self._is_link(building, folder, base, name)
            }
            return self._publish(collection, base, sequence, building, dense, linked)
        finally:
            shutil.rmtree(building, ignore_errors=True)

    def _build_dense(
        self, collection: Collection, base: OpenGeneration | None, sequence: int, building: Path
    ) -> SegmentedVectorIndex:
        since = base.manifest.sequence if base else 0
        index = base.dense if base else SegmentedVectorIndex((), np.empty(0, dtype=np.int64))
        removed = self._catalog.chunks_removed_since(collection.id, since, upto=sequence)
        ids: list[int] = []
        vectors: list[np.ndarray] = []
        for batch in self._catalog.chunks_added_since(collection.id, since, upto=sequence):
            ids += [chunk.id for chunk in batch]
            vectors += [chunk.vector for chunk in batch]
        name = uuid.uuid4().hex
        added = (
            DenseSegment.build(f"dense-{name}.faiss", np.array(ids, dtype=np.int64), np.stack(vectors))
            if ids
            else None
        )
        index = extend(
            index, added=added, removed=removed, dimension=collection.dimension, name=f"{name}-merged"
        )
        old = {segment.name for segment in base.dense.segments} if base else set()
        for segment in index.segments:
            if base is not None and segment.name in old:
                source = self._root / collection.id / base.name / segment.name
                durable.link_or_copy(source, building / segment.name)
            else:
                durable.write_new(building / segment.name, segment.to_bytes())
        buffer = io.BytesIO()
        np.save(buffer, index.removed, allow_pickle=False)
        durable.write_new(building / _TOMBSTONES, buffer.getvalue())
        return index

    def _build_keyword(
        self, collection: Collection, base: OpenGeneration | None, sequence: int, building: Path
    ) -> None:
        target = building / _KEYWORD
        since = 0
        if base is not None:
            since = base.manifest.sequence
            for entry in base.manifest.files:
                if entry.path.startswith(f"{_KEYWORD}/"):
                    durable.link_or_copy(
                        self._root / collection.id / base.name / entry.path, building / entry.path
                    )
        write_keyword_index(
            target,
            added=self._catalog.chunks_added_since(collection.id, since, upto=sequence),
            removed=self._catalog.chunks_removed_since(collection.id, since, upto=sequence),
        )
        for lock in target.glob("*.lock"):
            lock.unlink()
        for file in target.iterdir():
            durable.sync_file(file)
        durable.sync_folder(target)

    def _is_link(self, building: Path, folder: Path, base: OpenGeneration | None, name: str) -> bool:
        """Whether the new generation's file is the verified old one itself, so needs no new hash."""
        if base is None:
            return False
        new, old = building / name, folder / base.name / name
        return new.exists() and old.exists() and os.path.samefile(new, old)

    def _publish(
        self,
        collection: Collection,
        base: OpenGeneration | None,
        sequence: int,
        building: Path,
        dense: SegmentedVectorIndex,
        known: dict[str, FileEntry],
    ) -> OpenGeneration:
        folder = building.parent
        manifest = Manifest(
            generation=self._next_generation(folder),
            sequence=sequence,
            fingerprint=collection.fingerprint,
            dimension=collection.dimension,
            chunks=dense.count,
            segments=tuple((segment.name, segment.count) for segment in dense.segments),
            tombstones=int(dense.removed.size),
            files=manifests.describe_files(building, known),
            analyzer=ANALYZER_VERSION,
        )
        data = manifest.to_bytes()
        durable.write_new(building / manifests.NAME, data)
        durable.sync_folder(building)
        name = f"gen-{manifest.generation:08d}"
        building.rename(folder / name)
        durable.sync_folder(folder)
        durable.replace(folder / CURRENT, f"{name} {hashlib.sha256(data).hexdigest()}\n".encode())
        return OpenGeneration(
            name=name, manifest=manifest, dense=dense, keyword=TantivyIndex(folder / name / _KEYWORD)
        )

    @staticmethod
    def _next_generation(folder: Path) -> int:
        return 1 + max((int(path.name.rsplit("-", 1)[1]) for path in folder.glob("*gen-*")), default=0)

    @staticmethod
    def _remove_leftovers(folder: Path, generation: int) -> None:
        for path in folder.iterdir():
            old = path.name.startswith("gen-") and int(path.name[4:]) <= generation - _KEPT_GENERATIONS
            if old or path.name.startswith(_BUILDING) or path.name.endswith(".tmp"):
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)

    # ------------------------------------------------------------------------------ lookup

    def _read_current(self, collection_id: str) -> tuple[str, str] | None:
        try:
            words = (self._root / collection_id / CURRENT).read_text().split()
        except (OSError, UnicodeDecodeError):
            return None
        return (words[0], words[1]) if len(words) == 2 else None

    def _find(self, collection_id: str) -> Collection:
        return next(found for found in self._catalog.collections() if found.id == collection_id)

    def _lock(self, collection_id: str) -> threading.Lock:
        with self._guard:
            return self._locks.setdefault(collection_id, threading.Lock())
