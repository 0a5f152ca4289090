"""Changing documents. Each function is the whole of one transaction and holds the collection's lock."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import delete, func, insert, literal, select
from sqlalchemy.orm import Session

from rag.domain import Access, Document, NewChunk, NewVersion
from rag.errors import InvalidRequest
from rag.store import vectors
from rag.store.collections import lock_collection
from rag.store.documents import find_document, find_row
from rag.store.schema import ChunkRow, CollectionRow, DocumentRow, GroupRow, RemovedChunkRow, VersionRow
from rag.store.storable import require_storable

_TEXTS = ("root", "path", "source_uri", "sha256", "media_type", "title", "language", "text")


def put_version(session: Session, collection_id: str, version: NewVersion) -> Document:
    """Store a new document, or the next version of the one at ``(root, path)``; its old chunks go."""
    _require_sound(version)
    collection = lock_collection(session, collection_id)
    chunks = [
        {"vector": vectors.encode(chunk, collection.dimension)} | _columns(chunk) for chunk in version.chunks
    ]
    now = datetime.now(UTC)
    collection.sequence += 1
    row = _next_version(session, collection, version, now)
    session.flush()
    session.add(_version_row(row, version, now))
    _replace_groups(session, row.id, version.groups)
    common = {
        "collection_id": collection.id,
        "document_id": row.id,
        "version": row.version,
        "added_sequence": collection.sequence,
    }
    if chunks:
        session.execute(insert(ChunkRow), [chunk | common for chunk in chunks])
    collection.chunks += len(chunks)
    session.flush()
    return find_document(session, row.id, Access.everything())


def touch_source(
    session: Session, document_id: str, size: int, mtime_ns: int, groups: frozenset[str]
) -> None:
    """Record size, time and groups of a source whose bytes did not change; no index needs to know."""
    row = _locked(session, document_id, Access.everything())[1]
    row.size = size
    row.mtime_ns = mtime_ns
    _replace_groups(session, row.id, groups)


def delete_document(session: Session, document_id: str, access: Access) -> int:
    """Remove a document with all its versions; returns the number of chunks removed."""
    collection, row = _locked(session, document_id, access)
    collection.sequence += 1
    collection.documents -= 1
    removed = _remove_chunks(session, collection, row.id)
    session.execute(delete(DocumentRow).where(DocumentRow.id == row.id))
    return removed


def _locked(session: Session, document_id: str, access: Access) -> tuple[CollectionRow, DocumentRow]:
    collection = lock_collection(session, find_row(session, document_id, access).collection_id)
    # Read again: the document may have changed, or gone, while this transaction waited for the lock.
    session.expire_all()
    return collection, find_row(session, document_id, access)


def _require_sound(version: NewVersion) -> None:
    for name in _TEXTS:
        require_storable(f"The {name} of {version.path!r}", getattr(version, name))
    for group in version.groups:
        require_storable(f"A group of {version.path!r}", group)
    ordinals = set()
    for chunk in version.chunks:
        require_storable(f"The heading of chunk {chunk.ordinal} of {version.path!r}", chunk.heading)
        require_storable(f"The context of chunk {chunk.ordinal} of {version.path!r}", chunk.context)
        if version.text[chunk.start : chunk.end] != chunk.text or chunk.start < 0:
            raise InvalidRequest(
                f"Chunk {chunk.ordinal} of {version.path!r} differs from text[{chunk.start}:{chunk.end}]; "
                "offsets count characters of the version's text."
            )
        if chunk.ordinal in ordinals:
            raise InvalidRequest(f"Two chunks of {version.path!r} have the ordinal {chunk.ordinal}.")
        ordinals.add(chunk.ordinal)


def _next_version(
    session: Session, collection: CollectionRow, version: NewVersion, now: datetime
) -> DocumentRow:
    """The document's row with the new version's facts, free of chunks."""
    row = session.scalar(
        select(DocumentRow).where(
            DocumentRow.collection_id == collection.id,
            DocumentRow.root == version.root,
            DocumentRow.path == version.path,
        )
    )
    if row is None:
        row = DocumentRow(
            id=uuid4().hex,
            collection_id=collection.id,
            root=version.root,
            path=version.path,
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
    row.attributes = dict(version.metadata)
    return row


def _version_row(row: DocumentRow, version: NewVersion, now: datetime) -> VersionRow:
    return VersionRow(
        document_id=row.id,
        version=row.version,
        sha256=version.sha256,
        text=version.text,
        characters=len(version.text),
        page_starts=list(version.page_starts),
        title=version.title,
        committed_at=now,
    )


def _columns(chunk: NewChunk) -> dict[str, Any]:
    names = ("ordinal", "start", "end", "text", "heading", "page", "context", "tokens")
    return {name: getattr(chunk, name) for name in names}


def _remove_chunks(session: Session, collection: CollectionRow, document_id: str) -> int:
    """Move the document's chunks to the journal under the collection's sequence; returns how many."""
    of_document = ChunkRow.document_id == document_id
    removed = session.scalar(select(func.count()).select_from(ChunkRow).where(of_document)) or 0
    journal = select(ChunkRow.id, literal(collection.id), literal(collection.sequence)).where(of_document)
    session.execute(insert(RemovedChunkRow).from_select(["chunk_id", "collection_id", "sequence"], journal))
    session.execute(delete(ChunkRow).where(of_document))
    collection.chunks -= removed
    return removed


def _replace_groups(session: Session, document_id: str, groups: frozenset[str]) -> None:
    for group in groups:
        require_storable("A group", group)
    session.execute(delete(GroupRow).where(GroupRow.document_id == document_id))
    if groups:
        rows = [{"document_id": document_id, "group": group} for group in sorted(groups)]
        session.execute(insert(GroupRow), rows)
