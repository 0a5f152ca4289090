"""Reading chunks: by document, by id under the asker's rights, and in the order the indexes consume them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Row, Select, bindparam, func, select, tuple_
from sqlalchemy.orm import Session

from rag.domain import Access, ChunkIds, IndexChunk, StoredChunk, Vector, document_card
from rag.errors import CollectionNotFound
from rag.store import vectors
from rag.store.batches import in_batches
from rag.store.collections import serving_space
from rag.store.documents import find_row
from rag.store.schema import ChunkRow, CollectionRow, DocumentRow, RemovedChunkRow
from rag.store.visibility import visible

_LARGEST_ID = 2**63 - 1
_STORED = {
    "id": ChunkRow.id,
    "document_id": ChunkRow.document_id,
    "version": ChunkRow.version,
    "title": DocumentRow.title,
    "source_uri": DocumentRow.source_uri,
    "language": DocumentRow.language,
    "ordinal": ChunkRow.ordinal,
    "start": ChunkRow.start,
    "end": ChunkRow.end,
    "text": ChunkRow.text,
    "heading": ChunkRow.heading,
    "page": ChunkRow.page,
    "context": ChunkRow.context,
    "mtime_ns": DocumentRow.mtime_ns,
}
"""The fields of a stored chunk, and where they stand."""


def _stored() -> Select[*tuple[Any, ...]]:
    return select(*_STORED.values()).join(DocumentRow, DocumentRow.id == ChunkRow.document_id)


# Built once: each search reads fifty chunks by it. It compares an expression, not the column, with the
# collection's id: SQLite would go through the whole collection by that column's index instead.
_BY_ID = _stored().where(
    ChunkRow.id.in_(bindparam("wanted", expanding=True)),
    ChunkRow.collection_id.concat("") == bindparam("collection_id"),
    ChunkRow.space
    == select(CollectionRow.space).where(CollectionRow.id == bindparam("collection_id")).scalar_subquery(),
)


def document_chunks(session: Session, document_id: str, access: Access) -> list[StoredChunk]:
    """Chunks of the current version, in order. Raises: DocumentNotFound."""
    collection_id = find_row(session, document_id, access).collection_id
    query = _stored().where(
        ChunkRow.document_id == document_id, ChunkRow.space == serving_space(collection_id), visible(access)
    )
    query = query.order_by(ChunkRow.ordinal)
    return [_stored_chunk(row) for row in session.execute(query)]


def chunks_by_id(
    session: Session, collection_id: str, chunk_ids: Sequence[int], access: Access
) -> dict[int, StoredChunk]:
    """The visible, live ones among ``chunk_ids``, in the order asked for."""
    wanted = list(dict.fromkeys(int(id_) for id_ in chunk_ids if 0 < id_ <= _LARGEST_ID))
    query = _BY_ID.where(visible(access))
    found: dict[int, StoredChunk] = {}
    for batch in in_batches(wanted):
        rows = session.execute(query, {"wanted": batch, "collection_id": collection_id})
        found.update((chunk.id, chunk) for chunk in map(_stored_chunk, rows))
    return {id_: found[id_] for id_ in wanted if id_ in found}


def known_vectors(session: Session, fingerprint: str, texts: Sequence[str]) -> dict[str, Vector]:
    """Vectors that this model gave these embedded texts before, in any collection."""
    by_key = {vectors.embedding_key(fingerprint, text): text for text in texts}
    found: dict[str, Vector] = {}
    for batch in in_batches(list(by_key)):
        query = select(ChunkRow.embedding_key, ChunkRow.vector).where(ChunkRow.embedding_key.in_(batch))
        found.update(
            (by_key[row.embedding_key], vectors.decode(row.vector)) for row in session.execute(query)
        )
    return found


def chunks_added(
    session: Session, collection_id: str, sequence: int, upto: int, batch_size: int, space: int | None
) -> Iterator[list[IndexChunk]]:
    """Chunks of ``space`` (``None``: the serving one) added after ``sequence`` until ``upto``, by id."""
    columns = (ChunkRow.added_sequence, ChunkRow.id, ChunkRow.context, ChunkRow.text, ChunkRow.vector)
    query = (
        select(*columns, DocumentRow.language, DocumentRow.title, DocumentRow.source_uri)
        .join(DocumentRow, DocumentRow.id == ChunkRow.document_id)
        .where(*_in_space(collection_id, space), ChunkRow.added_sequence <= upto)
        .order_by(ChunkRow.added_sequence, ChunkRow.id)
        .limit(batch_size)
    )
    place = tuple_(ChunkRow.added_sequence, ChunkRow.id)
    last = (sequence, _LARGEST_ID)
    while rows := session.execute(query.where(place > last)).all():
        yield [
            IndexChunk(
                id=row.id,
                context=row.context,
                text=row.text,
                language=row.language,
                card=document_card(row.title, row.source_uri),
                vector=vectors.decode(row.vector),
            )
            for row in rows
        ]
        last = (rows[-1].added_sequence, rows[-1].id)


def chunks_removed(session: Session, collection_id: str, sequence: int, upto: int) -> ChunkIds:
    """Ids of chunks removed after ``sequence``, at ``upto`` at the latest, sorted."""
    query = (
        select(RemovedChunkRow.chunk_id)
        .where(
            RemovedChunkRow.collection_id == collection_id,
            RemovedChunkRow.sequence > sequence,
            RemovedChunkRow.sequence <= upto,
        )
        .order_by(RemovedChunkRow.chunk_id)
    )
    return np.fromiter(session.scalars(query), dtype=np.int64)


def live_chunk_count(session: Session, collection_id: str, space: int | None) -> tuple[int, int]:
    """``(sequence, chunks of space)``, counted anew. Raises: CollectionNotFound."""
    counted = select(func.count()).select_from(ChunkRow).where(*_in_space(collection_id, space))
    query = select(CollectionRow.sequence, counted.scalar_subquery())
    row = session.execute(query.where(CollectionRow.id == collection_id)).one_or_none()
    if row is None:
        raise CollectionNotFound(
            f"No collection has the id {collection_id!r}; it may just have been deleted."
        )
    return row[0], row[1]


def _in_space(collection_id: str, space: int | None) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    wanted = serving_space(collection_id) if space is None else space
    return ChunkRow.collection_id == collection_id, ChunkRow.space == wanted


def _stored_chunk(row: Row[Any]) -> StoredChunk:
    return StoredChunk(**dict(zip(_STORED, row, strict=True)))
