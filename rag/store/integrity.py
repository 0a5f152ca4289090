"""Does the catalog still hold what was committed? The database's own check first, then ours."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import and_, func, or_, select, text
from sqlalchemy.orm import Session

from rag.store.schema import BegunSpaceRow, ChunkRow, CollectionRow, DocumentRow, VersionRow
from rag.store.vectors import BYTES_PER_NUMBER

_SHOWN = 20


def problems(session: Session) -> list[str]:
    """Sentences for a person; empty when the catalog is sound."""
    found = list(_database_problems(session))
    if found:
        return found  # on a damaged file the questions below may not end well
    return [
        *_lost_chunks(session),
        *_wrong_vectors(session),
        *_wrong_texts(session),
        *_wrong_counts(session),
    ]


def _database_problems(session: Session) -> Iterator[str]:
    if session.get_bind().dialect.name != "sqlite":
        session.execute(text("SELECT 1"))
        return
    for (line,) in session.execute(text(f"PRAGMA integrity_check({_SHOWN})")):
        if line != "ok":
            yield f"SQLite's integrity check says: {line}."


def _lost_chunks(session: Session) -> Iterator[str]:
    query = (
        select(ChunkRow.id, ChunkRow.document_id)
        .outerjoin(DocumentRow, DocumentRow.id == ChunkRow.document_id)
        .where(or_(DocumentRow.id.is_(None), DocumentRow.version != ChunkRow.version))
        .order_by(ChunkRow.id)
        .limit(_SHOWN)
    )
    for chunk_id, document_id in session.execute(query):
        yield f"Chunk {chunk_id} belongs to no current version: document {document_id!r} is missing or newer."


def _wrong_vectors(session: Session) -> Iterator[str]:
    """In the serving spaces and in those begun."""
    length = func.length(ChunkRow.vector)
    for row, id_ in ((CollectionRow, CollectionRow.id), (BegunSpaceRow, BegunSpaceRow.collection_id)):
        expected = row.dimension * BYTES_PER_NUMBER
        query = (
            select(ChunkRow.id, length, expected)
            .join(row, and_(id_ == ChunkRow.collection_id, row.space == ChunkRow.space))
            .where(length != expected)
            .order_by(ChunkRow.id)
            .limit(_SHOWN)
        )
        for chunk_id, found, wanted in session.execute(query):
            yield f"The vector of chunk {chunk_id} has {found} bytes, its collection's vectors have {wanted}."


def _wrong_texts(session: Session) -> Iterator[str]:
    """One document's text in memory at a time."""
    for document_id, version in session.execute(select(DocumentRow.id, DocumentRow.version)).all():
        of_version = and_(VersionRow.document_id == document_id, VersionRow.version == version)
        stored = session.scalar(select(VersionRow.text).where(of_version))
        if stored is None:
            yield f"Version {version} of document {document_id!r} has lost its text."
            continue
        chunks = select(ChunkRow.id, ChunkRow.start, ChunkRow.end, ChunkRow.text)
        for chunk_id, start, end, quoted in session.execute(
            chunks.where(ChunkRow.document_id == document_id, ChunkRow.version == version)
        ):
            if stored[start:end] != quoted:
                yield f"Chunk {chunk_id} is not the text of document {document_id!r} from {start} to {end}."


def _wrong_counts(session: Session) -> Iterator[str]:
    documents = select(func.count()).where(DocumentRow.collection_id == CollectionRow.id)
    chunks = select(func.count()).where(
        ChunkRow.collection_id == CollectionRow.id, ChunkRow.space == CollectionRow.space
    )
    for what, live in (("documents", documents), ("chunks", chunks)):
        stored = getattr(CollectionRow, what)
        counted = live.correlate(CollectionRow).scalar_subquery()
        for name, said, found in session.execute(select(CollectionRow.name, stored, counted)):
            if said != found:
                yield f"Collection {name!r} counts {said} {what}, but holds {found}."
