"""Another embedding model or chunker: a space is filled beside the one that serves, then serves in its place.

Each function is the whole of one transaction. Numbers of spaces are never used twice, so what a crash or a
change of mind leaves behind cannot be taken for anything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from rag.domain import Collection, DocumentText, EmbeddingProfile, NewChunk
from rag.store.changes import insert_chunks, require_sound_chunks
from rag.store.collections import find_collection_by_id, lock_collection
from rag.store.schema import BegunSpaceRow, ChunkRow, DocumentRow

_BATCH = 500  # variables of one statement


def begin_space(
    session: Session, collection_id: str, profile: EmbeddingProfile, embedding_model: str, chunker: int
) -> Collection:
    """The collection as it will be; goes on with the space begun before if it is for the same model."""
    collection = lock_collection(session, collection_id)
    begun = session.get(BegunSpaceRow, collection_id)
    wanted = (profile.fingerprint, chunker)
    if begun is not None and (begun.fingerprint, begun.chunker) != wanted:
        session.delete(begun)
        session.flush()
        begun = None
    if begun is None:
        collection.newest_space += 1
        begun = BegunSpaceRow(
            collection_id=collection_id,
            space=collection.newest_space,
            fingerprint=profile.fingerprint,
            dimension=profile.dimension,
            chunker=chunker,
        )
        session.add(begun)
    begun.embedding_model = embedding_model
    session.flush()
    return _target(session, begun)


def begun_space(session: Session, collection_id: str) -> Collection | None:
    """The collection as a re-embedding that has not ended will leave it."""
    begun = session.get(BegunSpaceRow, collection_id)
    return None if begun is None else _target(session, begun)


def abandon_space(session: Session, collection_id: str) -> None:
    """Forget the space begun, if there is one; its chunks are left over from then on."""
    lock_collection(session, collection_id)
    session.execute(delete(BegunSpaceRow).where(BegunSpaceRow.collection_id == collection_id))


def unprepared_documents(session: Session, target: Collection, limit: int, after: str | None) -> list[str]:
    """Ids of documents without chunks in the target's space, in order, those after ``after``."""
    query = select(DocumentRow.id).where(*_unprepared(target))
    if after is not None:
        query = query.where(DocumentRow.id > after)
    return list(session.scalars(query.order_by(DocumentRow.id).limit(limit)))


def prepare_document(
    session: Session, target: Collection, text: DocumentText, chunks: Sequence[NewChunk]
) -> bool:
    """Store a version's chunks in the target's space; ``False`` if either is not wanted any more."""
    require_sound_chunks(f"document {text.document_id!r}", text.text, chunks)
    collection = lock_collection(session, target.id)
    row = session.get(DocumentRow, text.document_id, populate_existing=True)
    if row is None or row.version != text.version or not _is_begun(session, target):
        return False
    in_target = (ChunkRow.document_id == row.id, ChunkRow.space == target.space)
    session.execute(delete(ChunkRow).where(*in_target))
    insert_chunks(session, target, row, chunks, sequence=collection.sequence)
    row.space = target.space
    return True


def switch_space(session: Session, target: Collection) -> bool:
    """Let the target serve; ``False``, and no change, while a document has no chunks in it.

    The chunks that served are left over from then on.
    """
    collection = lock_collection(session, target.id)
    if collection.space == target.space:
        return True
    if not _is_begun(session, target) or unprepared_documents(session, target, 1, None):
        return False
    prepared = select(func.count()).where(
        ChunkRow.collection_id == collection.id, ChunkRow.space == target.space
    )
    collection.chunks = session.scalar(prepared) or 0
    for name in ("space", "fingerprint", "dimension", "embedding_model", "chunker"):
        setattr(collection, name, getattr(target, name))
    session.execute(delete(BegunSpaceRow).where(BegunSpaceRow.collection_id == collection.id))
    return True


def remove_left_over(session: Session, collection_id: str) -> int:
    """Remove a batch of the chunks that neither serve nor will; returns how many, 0 at the end.

    No index of a space that serves or will serve knows them, so they do not go to the journal.
    """
    collection = lock_collection(session, collection_id)
    begun = session.get(BegunSpaceRow, collection_id)
    kept = {collection.space} if begun is None else {collection.space, begun.space}
    # Range by range between the kept numbers: the index finds those at once, "not one of them" it would not.
    for low, high in pairwise([-1, *sorted(kept), collection.newest_space + 1]):
        between = (ChunkRow.collection_id == collection_id, ChunkRow.space > low, ChunkRow.space < high)
        ids = list(session.scalars(select(ChunkRow.id).where(*between).limit(_BATCH)))
        if ids:
            session.execute(delete(ChunkRow).where(ChunkRow.id.in_(ids)))
            return len(ids)
    return 0


def name_model(session: Session, collection_id: str, fingerprint: str, embedding_model: str) -> None:
    """Record where the model is found now, if it still is the collection's."""
    collection = lock_collection(session, collection_id)
    if collection.fingerprint == fingerprint:
        collection.embedding_model = embedding_model


def _is_begun(session: Session, target: Collection) -> bool:
    begun = session.get(BegunSpaceRow, target.id, populate_existing=True)
    return begun is not None and begun.space == target.space


def _unprepared(target: Collection) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return DocumentRow.collection_id == target.id, DocumentRow.space != target.space


def _target(session: Session, begun: BegunSpaceRow) -> Collection:
    documents = select(func.count()).where(
        DocumentRow.collection_id == begun.collection_id, DocumentRow.space == begun.space
    )
    chunks = select(func.count()).where(
        ChunkRow.collection_id == begun.collection_id, ChunkRow.space == begun.space
    )
    return replace(
        find_collection_by_id(session, begun.collection_id),
        space=begun.space,
        fingerprint=begun.fingerprint,
        dimension=begun.dimension,
        embedding_model=begun.embedding_model,
        chunker=begun.chunker,
        documents=session.scalar(documents) or 0,
        chunks=session.scalar(chunks) or 0,
    )
