"""What one index generation consists of, and the proof that its files are what was written."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from rag.errors import IndexDamaged
from rag.index.durable import sha256_of
from rag.index.segments import INDEX_TYPES

FORMAT = 1
NAME = "manifest.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class FileEntry:
    """One file of a generation; ``path`` is relative to the generation's folder."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """Description of a generation.

    Attributes:
        sequence: the catalog sequence that the generation reflects.
        chunks: live chunks, equal in both indexes and in the catalog at that sequence.
        segments: dense segment files, in chunk-id order, with their vector counts.
        index_type: how the largest dense segments are searched, a key of
            :data:`rag.index.segments.INDEX_TYPES`.
        sketches: names of the segments that have a sketch beside them, with its recall@10 when it was built.
        analyzer: version of the keyword analysis; another one cannot read the index.
    """

    generation: int
    sequence: int
    fingerprint: str
    dimension: int
    chunks: int
    segments: tuple[tuple[str, int], ...]
    tombstones: int
    files: tuple[FileEntry, ...]
    analyzer: str
    index_type: str = "flat"
    sketches: tuple[tuple[str, float], ...] = ()
    metric: str = "inner_product"
    format: int = FORMAT

    def to_bytes(self) -> bytes:
        """JSON for the file."""
        return json.dumps(asdict(self), indent=1, sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Manifest:
        """Parse. Raises: IndexDamaged."""
        try:
            values = json.loads(data)
            values["files"] = tuple(FileEntry(**entry) for entry in values["files"])
            values["segments"] = tuple((str(name), int(count)) for name, count in values["segments"])
            values["sketches"] = tuple(
                (str(name), float(recall)) for name, recall in values.get("sketches", ())
            )
            manifest = cls(**values)
        except (ValueError, TypeError, KeyError) as exc:
            raise IndexDamaged(f"The index manifest cannot be read: {exc}.") from exc
        if manifest.format != FORMAT:
            raise IndexDamaged(f"The index has format {manifest.format}, expected {FORMAT}.")
        return manifest


def describe_index_type(manifest: Manifest) -> str:
    """How vectors are searched, and how well, for people."""
    explained = INDEX_TYPES.get(manifest.index_type, "not of this version; the next start builds it anew")
    text = f"{manifest.index_type}: {explained}"
    recalls = [recall for _, recall in manifest.sketches]
    return f"{text}; recall@10 {min(recalls):.3f} when it was built" if recalls else text


def describe_files(folder: Path, known: dict[str, FileEntry]) -> tuple[FileEntry, ...]:
    """Entries of every file below ``folder`` except the manifest; ``known`` ones are not hashed again."""
    entries = []
    for file in sorted(path for path in folder.rglob("*") if path.is_file() and path.name != NAME):
        name = file.relative_to(folder).as_posix()
        entries.append(
            known.get(name) or FileEntry(path=name, bytes=file.stat().st_size, sha256=sha256_of(file))
        )
    return tuple(entries)


def read_verified(folder: Path, *, manifest_sha256: str) -> Manifest:
    """The manifest of ``folder`` after every file has been checked against it.

    Raises:
        IndexDamaged: a file is missing or has other bytes. Files that the manifest does not name are never
            read, so they are ignored.
    """
    try:
        data = (folder / NAME).read_bytes()
    except OSError as exc:
        raise IndexDamaged(f"The index generation {folder.name} has no readable manifest.") from exc
    if hashlib.sha256(data).hexdigest() != manifest_sha256:
        raise IndexDamaged(f"The manifest of {folder.name} was changed after it was written.")
    manifest = Manifest.from_bytes(data)
    for entry in manifest.files:
        file = folder / entry.path
        try:
            sound = file.stat().st_size == entry.bytes and sha256_of(file) == entry.sha256
        except OSError as exc:
            raise IndexDamaged(f"The index file {folder.name}/{entry.path} cannot be read: {exc}.") from exc
        if not sound:
            raise IndexDamaged(f"The index file {folder.name}/{entry.path} does not match its SHA-256.")
    return manifest
