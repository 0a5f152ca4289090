"""Writing a new generation: the old one's files, linked, and what changed in the catalog since."""

from __future__ import annotations

import io
import os
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rag.domain import ChunkIds, Collection, IndexChunk, Matrix
from rag.errors import IndexDamaged
from rag.index import durable
from rag.index import manifest as manifests
from rag.index.analysis import VERSION as ANALYZER_VERSION
from rag.index.dense import SegmentedVectorIndex, extend
from rag.index.keyword import TantivyIndex, write_keyword_index
from rag.index.manifest import FileEntry, Manifest
from rag.index.opening import KEYWORD, TOMBSTONES, OpenGeneration
from rag.index.segments import DenseSegment
from rag.interfaces import Catalog


@dataclass(frozen=True, kw_only=True, slots=True)
class Base:
    """The generation that the new one starts from, and the folder with its files."""

    generation: OpenGeneration
    folder: Path


@dataclass(slots=True)
class _Vectors:
    """Ids and vectors of the chunks that the keyword writer reads, so that both indexes hold the same."""

    ids: list[int] = field(default_factory=list)
    rows: list[Matrix] = field(default_factory=list)

    def taken_from(self, batches: Iterable[list[IndexChunk]]) -> Iterator[list[IndexChunk]]:
        for batch in batches:
            self.ids += [chunk.id for chunk in batch]
            self.rows.append(np.stack([chunk.vector for chunk in batch]))
            yield batch

    def segment(self, name: str) -> DenseSegment | None:
        if not self.ids:
            return None
        vectors = np.concatenate(self.rows)
        self.rows.clear()  # a million of them take 1.5 GB
        return DenseSegment.build(name, np.array(self.ids, dtype=np.int64), vectors)


def write_indexes(
    catalog: Catalog, collection: Collection, *, base: Base | None, sequence: int, target: Path
) -> SegmentedVectorIndex:
    """Write both indexes as of ``sequence`` into the empty folder ``target``, durably; returns the dense one.

    Raises:
        IndexDamaged: a file of ``base`` is gone, or the two indexes hold different numbers of chunks.
    """
    since = base.generation.manifest.sequence if base else 0
    removed = catalog.chunks_removed_since(collection.id, since, upto=sequence)
    vectors = _Vectors()
    added = vectors.taken_from(
        catalog.chunks_added_since(collection.id, since, upto=sequence, space=collection.space)
    )
    keyword_count = _write_keyword(target, base, added, removed)
    name = uuid.uuid4().hex
    dense = extend(
        base.generation.dense if base else SegmentedVectorIndex((), np.empty(0, dtype=np.int64)),
        added=vectors.segment(f"dense-{name}.faiss"),
        removed=removed,
        dimension=collection.dimension,
        name=f"{name}-merged",
    )
    _write_dense(target, base, dense)
    if dense.count != keyword_count:
        raise IndexDamaged(
            f"with the latest changes it holds {dense.count} vectors and {keyword_count} texts"
        )
    return dense


def write_manifest(
    collection: Collection,
    *,
    base: Base | None,
    dense: SegmentedVectorIndex,
    generation: int,
    sequence: int,
    target: Path,
) -> tuple[Manifest, bytes]:
    """Describe the indexes in ``target`` in a manifest beside them, durably."""
    manifest = Manifest(
        generation=generation,
        sequence=sequence,
        fingerprint=collection.fingerprint,
        dimension=collection.dimension,
        chunks=dense.count,
        segments=tuple((segment.name, segment.count) for segment in dense.segments),
        tombstones=int(dense.removed.size),
        index_type=dense.index_type,
        sketches=tuple(
            (segment.name, segment.recall) for segment in dense.segments if segment.recall is not None
        ),
        files=manifests.describe_files(target, _linked(base, target)),
        analyzer=ANALYZER_VERSION,
    )
    data = manifest.to_bytes()
    durable.write_new(target / manifests.NAME, data)
    durable.sync_folder(target)
    return manifest, data


def _write_dense(target: Path, base: Base | None, dense: SegmentedVectorIndex) -> None:
    old = {segment.name for segment in base.generation.dense.segments} if base else set()
    for segment in dense.segments:
        if base is not None and segment.name in old:
            for name in segment.file_names:
                _link(base, name, target)
        else:
            for name, data in segment.files():
                durable.write_new(target / name, data)
    buffer = io.BytesIO()
    np.save(buffer, dense.removed, allow_pickle=False)
    durable.write_new(target / TOMBSTONES, buffer.getvalue())


def _write_keyword(
    target: Path, base: Base | None, added: Iterable[list[IndexChunk]], removed: ChunkIds
) -> int:
    """Write the keyword index; returns the number of its chunks."""
    folder = target / KEYWORD
    folder.mkdir()
    if base is not None:
        for entry in base.generation.manifest.files:
            if entry.path.startswith(f"{KEYWORD}/"):
                _link(base, entry.path, target)
    write_keyword_index(folder, added=added, removed=removed)
    count = TantivyIndex(folder).count
    for lock in folder.glob("*.lock"):
        lock.unlink()
    for file in folder.iterdir():
        durable.sync_file(file)
    durable.sync_folder(folder)
    return count


def _link(base: Base, name: str, target: Path) -> None:
    try:
        durable.link_or_copy(base.folder / name, target / name)
    except FileNotFoundError as exc:
        raise IndexDamaged(f"its file {name} is gone") from exc


def _linked(base: Base | None, target: Path) -> dict[str, FileEntry]:
    """Entries of the files that are the verified old ones themselves, so need no new hash."""
    if base is None:
        return {}
    pairs = [
        (entry, base.folder / entry.path, target / entry.path) for entry in base.generation.manifest.files
    ]
    return {
        entry.path: entry
        for entry, old, new in pairs
        if new.exists() and old.exists() and os.path.samefile(old, new)
    }
