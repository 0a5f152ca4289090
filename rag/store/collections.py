"""Collections: create, look up, lock, delete."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, ScalarSelect, bindparam, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from rag.domain import Collection, EmbeddingProfile
from rag.errors import CollectionExists, CollectionNotFound, InvalidRequest
from rag.store.schema import ChunkRow, CollectionRow, DocumentRow, RemovedChunkRow

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}")
# Each search reads its collection three times: by columns, which takes half as long as by object.
_COLUMNS = CollectionRow.__table__.columns
_BY_NAME = select(*_COLUMNS).where(_COLUMNS["name"] == bindparam("wanted"))
_BY_ID = select(*_COLUMNS).where(_COLUMNS["id"] == bindparam("wanted"))


def check_name(name: str) -> None:
    """Accept the name of a collection. Raises: InvalidRequest."""
    if not _NAME.fullmatch(name):
        raise InvalidRequest(
            f"{name!r} cannot name a collection: expected 1 to 63 of a-z, A-Z, 0-9, '_', '.', '-', "
            "a letter or digit first."
        )


def create_collection(
    session: Session, name: str, profile: EmbeddingProfile, embedding_model: str, chunker: int
) -> Collection:
    """Add an empty collection; errors as in the interface."""
    check_name(name)
    row = CollectionRow(
        id=uuid4().hex,
        name=name,
        fingerprint=profile.fingerprint,
        dimension=profile.dimension,
        embedding_model=embedding_model,
        chunker=chunker,
        space=0,
        newest_space=0,
        sequence=0,
        revision=0,
        documents=0,
        chunks=0,
        created_at=datetime.now(UTC),
    )
    session.add(row)
    try:
        session.flush()
    except IntegrityError as exc:
        raise CollectionExists(
            f"A collection {name!r} exists already; use it, or choose another name."
        ) from exc
    return _collection(row)


def find_collection(session: Session, name: str) -> Collection:
    """Raises: CollectionNotFound."""
    return _collection(_named(session, name))


def find_collection_by_id(session: Session, collection_id: str) -> Collection:
    """Raises: CollectionNotFound."""
    row = session.execute(_BY_ID, {"wanted": collection_id}).one_or_none()
    if row is None:
        raise CollectionNotFound(
            f"No collection has the id {collection_id!r}; it may just have been deleted."
        )
    return _collection(row)


def list_collections(session: Session) -> list[Collection]:
    """All, by name."""
    rows = session.scalars(select(CollectionRow)).all()
    return sorted((_collection(row) for row in rows), key=lambda collection: collection.name)


def delete_collection(session: Session, name: str) -> int:
    """Remove a collection with everything in it; returns the number of documents removed."""
    row = lock_collection(session, _named(session, name).id)
    # Chunks first and in one statement each: a cascade would look them up document by document.
    for table in (ChunkRow, RemovedChunkRow, DocumentRow):
        session.execute(delete(table).where(table.collection_id == row.id))
    session.execute(delete(CollectionRow).where(CollectionRow.id == row.id))
    return row.documents


def lock_collection(session: Session, collection_id: str) -> CollectionRow:
    """The row, held by this transaction until it ends (SQLite holds the whole database instead).

    Raises:
        CollectionNotFound: unknown, or deleted by another process meanwhile.
    """
    row = session.get(CollectionRow, collection_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise CollectionNotFound(
            f"No collection has the id {collection_id!r}; it may just have been deleted."
        )
    return row


def serving_space(collection_id: str) -> ScalarSelect[int]:
    """The space that serves, for comparing chunks with it."""
    return select(CollectionRow.space).where(CollectionRow.id == collection_id).scalar_subquery()


def _named(session: Session, name: str) -> Row[Any]:
    row = session.execute(_BY_NAME, {"wanted": name}).one_or_none() if _NAME.fullmatch(name) else None
    if row is None:
        raise CollectionNotFound(f"No collection is named {name!r}; `footnote collections list` shows them.")
    return row


def _collection(row: CollectionRow | Row[Any]) -> Collection:
    return Collection(
        id=row.id,
        name=row.name,
        fingerprint=row.fingerprint,
        dimension=row.dimension,
        sequence=row.sequence,
        revision=row.revision,
        created_at=row.created_at,
        documents=row.documents,
        chunks=row.chunks,
        embedding_model=row.embedding_model,
        chunker=row.chunker,
        space=row.space,
    )
