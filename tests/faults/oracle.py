"""What must be true after any crash: everything acknowledged is there, once and whole, and found."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from rag.domain import Access, Collection, Document, DocumentText, StoredChunk
from rag.errors import CollectionNotFound
from rag.index.generations import CollectionIndexes
from rag.index.opening import OpenGeneration
from rag.interfaces import Catalog
from rag.store.catalog import SqlCatalog
from rag.store.database import Database
from rag.store.migrate import migrate
from tests.faults.load import (
    COLLECTION,
    COMMON,
    Identities,
    Ledger,
    is_indexed,
    keywords_in,
    keywords_of,
    parts_of,
    revision_of,
)

EVERYTHING = Access.everything()
_ALL = 100_000
_SAME = 0.995  # vectors are stored in half precision
_FIRST_BUILD = "The file CURRENT was missing"  # killed between the first generation and its pointer


@lru_cache(maxsize=8)
def _database(url: str) -> Database:
    """Kept, with its compiled queries; the files are closed in between, and may be other ones next time."""
    return Database(url)


def open_place(place: Path) -> SqlCatalog:
    """What :func:`rag.store.catalog.open_catalog` does, without compiling every query anew."""
    database = _database(f"sqlite:///{place / 'catalog.sqlite3'}")
    try:
        migrate(database)
    except BaseException:
        database.close()
        raise
    return SqlCatalog(database)


def crash_copy(place: Path, copy: Path) -> Path:
    """What a process that starts now would find; the shared memory of SQLite dies with its processes."""
    shutil.rmtree(copy, ignore_errors=True)
    if place.exists():
        shutil.copytree(place, copy, ignore=shutil.ignore_patterns("*-shm"))
    return copy


@dataclass(frozen=True, kw_only=True, slots=True)
class _Stored:
    """A document with all that hangs on it."""

    document: Document
    content: DocumentText
    chunks: list[StoredChunk]


@dataclass(slots=True)
class Oracle:
    """Checks one data directory again and again; remembers chunk ids, since none may be used twice."""

    seen: dict[int, tuple[str, int, int]] = field(default_factory=dict)
    highest: int = 0
    _checked: set[int] = field(default_factory=set)

    def violations(self, place: Path, ledger: Ledger, *, thorough: bool) -> list[str]:
        """Open ``place`` as a new process would, and say what is wrong; settles the ledger."""
        try:
            catalog = open_place(place)
        except Exception as exc:  # noqa: BLE001 - whatever it is, the catalog cannot be opened
            return [f"the catalog cannot be opened: {exc!r}"]
        try:
            return list(self._check(catalog, place, ledger, thorough))
        except Exception as exc:  # noqa: BLE001 - likewise
            return [f"the check could not be carried out: {exc!r}"]
        finally:
            catalog.close()

    def _check(self, catalog: Catalog, place: Path, ledger: Ledger, thorough: bool) -> Iterable[str]:
        yield from catalog.check()
        try:
            collection = catalog.collection(COLLECTION)
        except CollectionNotFound:
            if ledger.is_created:
                yield "the collection is gone"
            return
        stored = [
            _Stored(
                document=document,
                content=catalog.content(document.id, access=EVERYTHING),
                chunks=catalog.document_chunks(document.id, access=EVERYTHING),
            )
            for document in catalog.documents(collection.id, access=EVERYTHING, limit=_ALL)
        ]
        files: dict[str, list[_Stored]] = {}
        for one in stored:
            files.setdefault(one.document.path, []).append(one)
        found: dict[str, int] = {}
        for path, documents in files.items():
            yield from _file_violations(path, documents, found)
        yield from _ledger_violations(ledger, found, files)
        yield from self._reused_ids(stored)
        chunks = {chunk.id: chunk for one in stored for chunk in one.chunks}
        yield from _index_violations(catalog, collection, place, ledger, chunks, thorough)
        identities = {path: _identities(documents) for path, documents in files.items()}
        ledger.settle(found, identities)

    def _reused_ids(self, stored: list[_Stored]) -> Iterable[str]:
        before = self.highest
        for chunk in (chunk for one in stored for chunk in one.chunks):
            what = (chunk.document_id, chunk.version, chunk.ordinal)
            known = self.seen.setdefault(chunk.id, what)
            if known != what:
                yield f"chunk id {chunk.id} was {known} and is now {what}"
            self.highest = max(self.highest, chunk.id)
        fresh = self.seen.keys() - self._checked
        if fresh and min(fresh) <= before:
            yield f"the new chunk id {min(fresh)} is not above {before}"
        self._checked |= fresh


def _identities(documents: list[_Stored]) -> Identities:
    return {one.document.part: (one.document.id, one.document.version) for one in documents}


def _file_violations(path: str, documents: list[_Stored], found: dict[str, int]) -> Iterable[str]:
    """Every part once, all of one revision, each with exactly the chunks of its text."""
    revisions = {revision_of(keyword) for one in documents for keyword in keywords_in(one.content.text)}
    if len(revisions) != 1:
        yield f"{path} mixes the revisions {sorted(revisions)}"
        return
    revision = found[path] = revisions.pop()
    parts = Counter(one.document.part for one in documents)
    if parts != Counter(parts_of(path, revision)):
        yield f"{path} at revision {revision} has the parts {dict(parts)}"
        return
    for one in documents:
        wanted = keywords_of(path, revision, one.document.part)
        if keywords_in(one.content.text) != wanted:
            yield f"the text of {path} at revision {revision} is not what was stored"
        cut = [keyword for chunk in one.chunks for keyword in keywords_in(chunk.text)]
        if cut != (wanted if is_indexed(path, revision) else []):
            yield f"{path} at revision {revision} has chunks of {cut}, expected {wanted}"
        if one.content.version != one.document.version or any(
            chunk.version != one.document.version for chunk in one.chunks
        ):
            yield f"{path} at revision {revision} mixes versions"


def _ledger_violations(
    ledger: Ledger, found: Mapping[str, int], files: Mapping[str, list[_Stored]]
) -> Iterable[str]:
    """What was acknowledged is there; what was in flight is there wholly or not at all."""
    for path in ledger.files.keys() | found.keys():
        allowed = ledger.allowed(path)
        if found.get(path) not in allowed:
            yield f"{path} is at revision {found.get(path)}, acknowledged was {allowed}"
        elif len(allowed) == 1 and path in found and path in ledger.identities:
            now = _identities(files[path])
            if now != ledger.identities[path]:
                yield f"{path} has the ids and versions {now}, acknowledged were {ledger.identities[path]}"
    operation = ledger.in_flight
    if operation is not None and operation.is_atomic:
        done = {
            found.get(path) == revision
            for path, revision in operation.changes.items()
            if revision != ledger.files.get(path)
        }
        if len(done) > 1:
            yield f"half of {operation} is stored"


def _index_violations(
    catalog: Catalog,
    collection: Collection,
    place: Path,
    ledger: Ledger,
    chunks: Mapping[int, StoredChunk],
    thorough: bool,
) -> Iterable[str]:
    """Both indexes hold the live chunks, no more and no fewer, and needed no repair."""
    indexes = CollectionIndexes(place / "indexes", catalog)
    opened = indexes.snapshot(collection)
    for repair in indexes.repairs:
        if ledger.is_indexed or not repair.startswith(_FIRST_BUILD):
            yield f"the index was damaged: {repair}"
    indexes.verify(collection)
    yield from searching_violations(opened, chunks)
    if thorough:
        yield from _finding_violations(catalog, collection, opened, ledger)
        yield from _litter(place / "indexes" / collection.id)


def searching_violations(opened: OpenGeneration, chunks: Mapping[int, StoredChunk]) -> Iterable[str]:
    """What searches over everything return, against the live chunks."""
    expected = sorted(chunks)
    dense = opened.dense.search(np.ones(32, dtype=np.float32), _ALL, allowed=None)
    keyword = opened.keyword.search(COMMON, _ALL, allowed=None)
    for name, hits in (("vector", dense), ("keyword", keyword)):
        held = sorted(hit.chunk_id for hit in hits)
        if held != expected:
            extra, missing = set(held) - set(expected), set(expected) - set(held)
            yield f"the {name} index lacks {sorted(missing)} and holds {sorted(extra)} that are not live"


def _finding_violations(
    catalog: Catalog, collection: Collection, opened: OpenGeneration, ledger: Ledger
) -> Iterable[str]:
    """Each chunk by its own vector and by each of its keywords; nothing by the keywords of what is gone."""
    for batch in catalog.chunks_added_since(collection.id, 0, upto=collection.sequence):
        for chunk in batch:
            near = opened.dense.search(chunk.vector, 50, allowed=None)
            if chunk.id not in [hit.chunk_id for hit in near if hit.score >= _SAME]:
                yield f"chunk {chunk.id} is not found by its own vector"
            for keyword in keywords_in(chunk.text):
                if [hit.chunk_id for hit in opened.keyword.search(keyword, 10, allowed=None)] != [chunk.id]:
                    yield f"chunk {chunk.id} is not found by its keyword {keyword}"
    for revision in ledger.gone:
        if opened.keyword.search(f"9{revision:07d}000", 10, allowed=None):
            yield f"the removed revision {revision} is still found"


def _litter(folder: Path) -> Iterable[str]:
    """A data directory does not grow with the number of crashes."""
    names = sorted(path.name for path in folder.iterdir() if path.name not in ("CURRENT", "lock"))
    generations = [name for name in names if name.startswith("gen-")]
    if len(generations) > 2 or len(names) > len(generations):
        yield f"files are left over: {names}"
