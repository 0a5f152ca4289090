"""Changing documents. Each function is the whole of one transaction and holds the collection's lock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Select, delete, func, insert, literal, select
from sqlalchemy.orm import Session

from rag.domain import Access, Collection, Document, NewChunk, NewVersion, embedded_text, source_uri
from rag.errors import EmbeddingMismatch, InvalidRequest
from rag.facts import facts_of
from rag.store import vectors
from rag.store.collections import lock_collection
from rag.store.documents import document_of, find_row
from rag.store.schema import (
    ChunkRow,
    CollectionRow,
    DocumentRow,
    FactRow,
    GroupRow,
    RemovedChunkRow,
    VersionRow,
)
from rag.store.storable import require_storable, storable_metadata

_TEXTS = ("root", "path", "part", "source_uri", "sha256", "media_type", "title", "language", "text")

SourceKey = tuple[str, str, str]
"""Collection id, root and path of a source file."""


def put_source(
    session: Session, collection_id: str, versions: Sequence[NewVersion], fingerprint: str | None
) -> list[Document]:
    """Store all documents of one source file; those of parts that are gone are removed."""
    key = _common_key(collection_id, versions)
    collection = lock_collection(session, collection_id)
    if fingerprint not in (None, collection.fingerprint):
        raise EmbeddingMismatch(
            f"The collection {collection.name!r} was re-embedded by another process in the middle of this "
            "ingestion; run it again."
        )
    rows = {row.part: row for row in session.scalars(_of_source(key))}
    collection.sequence += 1
    kept = {version.part for version in versions}
    for part in rows.keys() - kept:
        _delete(session, collection, rows[part])
    return [
        _put(session, collection, rows.get(version.part), version)
        for version in sorted(versions, key=lambda version: version.part)
    ]


def touch_source(session: Session, key: SourceKey, size: int, mtime_ns: int, groups: frozenset[str]) -> None:
    """Record size, time and groups of a source file whose bytes did not change; no index needs to know."""
    collection, rows = _locked_source(session, key)
    collection.revision += bool(rows)
    for row in rows:
        row.size = size
        row.mtime_ns = mtime_ns
        _replace_groups(session, row.id, groups)


def move_source(session: Session, key: SourceKey, to: str, label: str, mtime_ns: int) -> None:
    """Record the new place of a source file; chunks and vectors stay, so no index needs to know."""
    require_storable("A file's path", to)
    collection, rows = _locked_source(session, key)
    collection.revision += bool(rows)
    for row in rows:
        row.path = to
        row.source_uri = source_uri(label, to, row.part)
        row.mtime_ns = mtime_ns


def delete_source(session: Session, key: SourceKey) -> int:
    """Remove all documents of a source file; returns the number of chunks removed."""
    collection, rows = _locked_source(session, key)
    if rows:
        collection.sequence += 1
    return sum(_delete(session, collection, row) for row in rows)


def delete_document(session: Session, document_id: str, access: Access) -> int:
    """Remove a document with all its versions; returns the number of chunks removed."""
    collection = lock_collection(session, find_row(session, document_id, access).collection_id)
    # Read again: the document may have changed, or gone, while this transaction waited for the lock.
    session.expire_all()
    row = find_row(session, document_id, access)
    collection.sequence += 1
    return _delete(session, collection, row)


def _common_key(collection_id: str, versions: Sequence[NewVersion]) -> SourceKey:
    """Raises: InvalidRequest when the versions are not the documents of one file, each part once."""
    for version in versions:
        _require_sound(version)
    files = {(version.root, version.path) for version in versions}
    parts = {version.part for version in versions}
    if len(files) != 1 or len(parts) != len(versions):
        raise InvalidRequest(
            f"{len(versions)} documents of {len(files)} files with {len(parts)} different parts cannot be "
            "stored as one source file: expected one file, each part once."
        )
    return (collection_id, *files.pop())


def _of_source(key: SourceKey) -> Select[DocumentRow]:
    collection_id, root, path = key
    return select(DocumentRow).where(
        DocumentRow.collection_id == collection_id, DocumentRow.root == root, DocumentRow.path == path
    )


def _locked_source(session: Session, key: SourceKey) -> tuple[CollectionRow, list[DocumentRow]]:
    collection = lock_collection(session, key[0])
    return collection, list(session.scalars(_of_source(key)))


def _put(
    session: Session, collection: CollectionRow, row: DocumentRow | None, version: NewVersion
) -> Document:
    now = datetime.now(UTC)
    row = _next_version(session, collection, row, version, now)
    row.space = collection.space
    session.flush()
    session.add(_version_row(row, version, now))
    _replace_groups(session, row.id, version.groups)
    _replace_facts(session, row)
    insert_chunks(session, collection, row, version.chunks, sequence=collection.sequence)
    collection.chunks += len(version.chunks)
    return document_of(row, characters=len(version.text), chunks=len(version.chunks), groups=version.groups)


def insert_chunks(
    session: Session,
    target: CollectionRow | Collection,
    row: DocumentRow,
    chunks: Sequence[NewChunk],
    *,
    sequence: int,
) -> None:
    """Store chunks of the row's version in the target's space. Raises: EmbeddingMismatch, InvalidRequest."""
    common = {
        "collection_id": target.id,
        "document_id": row.id,
        "version": row.version,
        "space": target.space,
        "added_sequence": sequence,
    }
    values = [common | _columns(chunk, target) for chunk in chunks]
    session.flush()
    if values:
        session.execute(insert(ChunkRow), values)


def _delete(session: Session, collection: CollectionRow, row: DocumentRow) -> int:
    collection.documents -= 1
    removed = _remove_chunks(session, collection, row.id)
    session.execute(delete(DocumentRow).where(DocumentRow.id == row.id))
    return removed


def _require_sound(version: NewVersion) -> None:
    for name in _TEXTS:
        require_storable(f"The {name} of {version.path!r}", getattr(version, name))
    for group in version.groups:
        require_storable(f"A group of {version.path!r}", group)
    require_sound_chunks(repr(version.path), version.text, version.chunks)


def require_sound_chunks(of: str, text: str, chunks: Sequence[NewChunk]) -> None:
    """Accept chunks of ``text``; ``of`` names it in the message. Raises: InvalidRequest."""
    ordinals = set()
    for chunk in chunks:
        require_storable(f"The heading of chunk {chunk.ordinal} of {of}", chunk.heading)
        require_storable(f"The context of chunk {chunk.ordinal} of {of}", chunk.context)
        if text[chunk.start : chunk.end] != chunk.text or chunk.start < 0:
            raise InvalidRequest(
                f"Chunk {chunk.ordinal} of {of} differs from text[{chunk.start}:{chunk.end}]; "
                "offsets count characters of the version's text."
            )
        if chunk.ordinal in ordinals:
            raise InvalidRequest(f"Two chunks of {of} have the ordinal {chunk.ordinal}.")
        ordinals.add(chunk.ordinal)


def _next_version(
    session: Session, collection: CollectionRow, row: DocumentRow | None, version: NewVersion, now: datetime
) -> DocumentRow:
    """The document's row, made where there is none, with the new version's facts and free of chunks."""
    if row is None:
        row = DocumentRow(
            id=uuid4().hex,
            collection_id=collection.id,
            root=version.root,
            path=version.path,
            part=version.part,
            version=0,
            created_at=now,
        )
        session.add(row)
        collection.documents += 1
    else:
        _remove_chunks(session, collection, row.id)
    row.version += 1
    row.updated_at = now
    for name in ("source_uri", "title", "language", "media_type", "sha256", "size", "mtime_ns"):
        setattr(row, name, getattr(version, name))
    row.attributes = storable_metadata(version.metadata)
    return row


def _version_row(row: DocumentRow, version: NewVersion, now: datetime) -> VersionRow:
    return VersionRow(
        document_id=row.id,
        version=row.version,
        sha256=version.sha256,
        text=version.text,
        characters=len(version.text),
        page_starts=list(version.page_starts),
        layout=version.layout,
        title=version.title,
        committed_at=now,
    )


def _columns(chunk: NewChunk, target: CollectionRow | Collection) -> dict[str, Any]:
    names = ("ordinal", "start", "end", "text", "heading", "page", "context", "tokens")
    return {name: getattr(chunk, name) for name in names} | {
        "vector": vectors.encode(chunk, target.dimension),
        "embedding_key": vectors.embedding_key(target.fingerprint, embedded_text(chunk.context, chunk.text)),
    }


def _remove_chunks(session: Session, collection: CollectionRow, document_id: str) -> int:
    """Move the document's chunks to the journal under the collection's sequence.

    Returns how many of them were serving; those of other spaces go with them.
    """
    of_document = ChunkRow.document_id == document_id
    serving = select(func.count()).where(of_document, ChunkRow.space == collection.space)
    removed = session.scalar(serving) or 0
    journal = select(ChunkRow.id, literal(collection.id), literal(collection.sequence)).where(of_document)
    session.execute(insert(RemovedChunkRow).from_select(["chunk_id", "collection_id", "sequence"], journal))
    session.execute(delete(ChunkRow).where(of_document))
    collection.chunks -= removed
    return removed


def _replace_facts(session: Session, row: DocumentRow) -> None:
    session.execute(delete(FactRow).where(FactRow.document_id == row.id))
    about = {"document_id": row.id, "collection_id": row.collection_id}
    facts = [about | {"place": place, **asdict(fact)} for place, fact in enumerate(facts_of(row.attributes))]
    if facts:
        session.execute(insert(FactRow), facts)


def _replace_groups(session: Session, document_id: str, groups: frozenset[str]) -> None:
    for group in groups:
        require_storable("A group", group)
    session.execute(delete(GroupRow).where(GroupRow.document_id == document_id))
    if groups:
        rows = [{"document_id": document_id, "group": group} for group in sorted(groups)]
        session.execute(insert(GroupRow), rows)
