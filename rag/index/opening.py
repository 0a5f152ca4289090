"""One index generation on disk: its name, the pointer to it, and opening it after every file is verified."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rag.domain import ChunkIds, Collection
from rag.errors import IndexDamaged
from rag.index import manifest as manifests
from rag.index.analysis import VERSION as ANALYZER_VERSION
from rag.index.dense import SegmentedVectorIndex
from rag.index.keyword import TantivyIndex
from rag.index.manifest import Manifest
from rag.index.segments import INDEX_TYPES, DenseSegment

CURRENT = "CURRENT"
KEYWORD = "keyword"
TOMBSTONES = "tombstones.npy"
_POINTER = re.compile(r"(gen-\d{8}) ([0-9a-f]{64})\n")


class Pointer(NamedTuple):
    """What ``CURRENT`` holds: the folder of the serving generation and the SHA-256 of its manifest."""

    name: str
    manifest_sha256: str

    def to_bytes(self) -> bytes:
        """The file's content."""
        return f"{self.name} {self.manifest_sha256}\n".encode()


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenGeneration:
    """A verified generation, open for search; it stays usable when its files are removed."""

    pointer: Pointer
    manifest: Manifest
    dense: SegmentedVectorIndex
    keyword: TantivyIndex

    @property
    def name(self) -> str:
        """Name of its folder."""
        return self.pointer.name

    @property
    def generation(self) -> int:
        """Number of the generation."""
        return self.manifest.generation


def generation_name(number: int) -> str:
    """Folder name of a generation."""
    return f"gen-{number:08d}"


def generation_number(name: str) -> int | None:
    """Number of the generation in the folder ``name``; ``None`` for any other folder."""
    match = re.fullmatch(r"gen-(\d{8})", name)
    return int(match[1]) if match else None


def read_pointer(folder: Path) -> Pointer | None:
    """The pointer in ``folder``; ``None`` when there is none or it is not one of ours."""
    try:
        found = _POINTER.fullmatch((folder / CURRENT).read_bytes().decode("ascii"))
    except (OSError, UnicodeDecodeError):
        return None
    return Pointer(found[1], found[2]) if found else None


def open_generation(folder: Path, pointer: Pointer, collection: Collection) -> OpenGeneration:
    """Verify and open the generation that ``pointer`` names below ``folder``.

    Raises:
        IndexDamaged: a file is not what was written, or the model or the analyzer is another one.
    """
    place = folder / pointer.name
    manifest = manifests.read_verified(place, manifest_sha256=pointer.manifest_sha256)
    if manifest.fingerprint != collection.fingerprint or manifest.dimension != collection.dimension:
        raise IndexDamaged("it was built with another embedding model")
    if manifest.analyzer != ANALYZER_VERSION:
        raise IndexDamaged(f"it was built by analyzer {manifest.analyzer}")
    if manifest.index_type not in INDEX_TYPES:
        raise IndexDamaged(f"it is of the type {manifest.index_type}, known are {', '.join(INDEX_TYPES)}")
    recalls = dict(manifest.sketches)
    segments = [
        DenseSegment.read(place / file, dimension=manifest.dimension, count=count, recall=recalls.get(file))
        for file, count in manifest.segments
    ]
    dense = SegmentedVectorIndex(segments, _read_tombstones(place / TOMBSTONES))
    keyword = TantivyIndex(place / KEYWORD)
    if not dense.count == keyword.count == manifest.chunks:
        raise IndexDamaged(
            f"it holds {dense.count} vectors and {keyword.count} texts, expected {manifest.chunks} of each"
        )
    return OpenGeneration(pointer=pointer, manifest=manifest, dense=dense, keyword=keyword)


def _read_tombstones(path: Path) -> ChunkIds:
    try:
        removed: ChunkIds = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as exc:
        raise IndexDamaged(f"{path.name} cannot be read: {exc}.") from exc
    return removed
