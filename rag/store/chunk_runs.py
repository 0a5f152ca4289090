"""Where the chunks of each document are among a collection's chunk ids, in a few arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from rag.domain import ChunkIds
from rag.store.batches import in_batches
from rag.store.schema import ChunkRow, DocumentRow, RemovedChunkRow

_DOCUMENT = "S32"  # a document's id: 32 hexadecimal digits


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkRuns:
    """Runs of successive chunk ids; a document has one, or several where collections grow side by side.

    Attributes:
        documents: of each run, ascending; shape ``(runs,)``.
        firsts, counts: the run's first id and its length.
    """

    space: int
    sequence: int
    documents: NDArray[np.bytes_]
    firsts: ChunkIds
    counts: ChunkIds

    def ids_of(self, document_ids: Sequence[str]) -> ChunkIds:
        """Sorted ids of the documents' chunks, read-only."""
        wanted = np.array(document_ids, dtype=_DOCUMENT)
        first_runs = np.searchsorted(self.documents, wanted, side="left")
        last_runs = np.searchsorted(self.documents, wanted, side="right")
        runs = _expanded(first_runs, last_runs - first_runs)
        ids = _expanded(self.firsts[runs], self.counts[runs])
        ids.sort()
        ids.flags.writeable = False
        return ids


def no_ids() -> ChunkIds:
    """An empty array of chunk ids."""
    return np.empty(0, dtype=np.int64)


def read_runs(
    session: Session, collection_id: str, space: int, sequence: int, known: ChunkRuns | None
) -> ChunkRuns:
    """The runs of ``space`` as the session sees them, which is at ``sequence``.

    Args:
        known: the runs at an earlier sequence, to which only the changes are added.
    """
    if known is None:
        return _sorted_runs(space, sequence, *_read(session, collection_id, space))
    if known.sequence == sequence:
        return known
    since = (ChunkRow.collection_id == collection_id, ChunkRow.space == space)
    changed = select(ChunkRow.document_id).where(*since, ChunkRow.added_sequence > known.sequence)
    removed = select(RemovedChunkRow.chunk_id).where(
        RemovedChunkRow.collection_id == collection_id, RemovedChunkRow.sequence > known.sequence
    )
    # A document's chunks are removed together, so the run that begins with a removed one is gone.
    live = ~np.isin(known.firsts, np.fromiter(session.scalars(removed), dtype=np.int64))
    documents, firsts, counts = _read(session, collection_id, space, DocumentRow.id.in_(changed))
    return _sorted_runs(
        space,
        sequence,
        np.concatenate([known.documents[live], documents]),
        np.concatenate([known.firsts[live], firsts]),
        np.concatenate([known.counts[live], counts]),
    )


_Runs = tuple[NDArray[np.bytes_], ChunkIds, ChunkIds]


def _read(session: Session, collection_id: str, space: int, *only: ColumnElement[bool]) -> _Runs:
    """Documents, first ids and lengths of the runs, in no order."""
    query = _per_document(space).where(DocumentRow.collection_id == collection_id, *only)
    rows = session.execute(query.group_by(DocumentRow.id)).all()
    whole = [row for row in rows if row.last - row.first + 1 == row.count]
    documents = np.array([row.id for row in whole], dtype=_DOCUMENT)
    firsts = np.fromiter((row.first for row in whole), dtype=np.int64, count=len(whole))
    counts = np.fromiter((row.count for row in whole), dtype=np.int64, count=len(whole))
    broken = [row.id for row in rows if row.last - row.first + 1 != row.count]
    if not broken:
        return documents, firsts, counts
    more = _broken_runs(session, space, broken)
    return (
        np.concatenate([documents, more[0]]),
        np.concatenate([firsts, more[1]]),
        np.concatenate([counts, more[2]]),
    )


def _per_document(space: int) -> Select[str, int, int, int]:
    # The index on (document_id, space, ordinal) holds all that this reads on SQLite: no chunk is touched.
    ids = (func.min(ChunkRow.id).label("first"), func.max(ChunkRow.id).label("last"))
    return select(DocumentRow.id, *ids, func.count(ChunkRow.id).label("count")).join(
        ChunkRow, (ChunkRow.document_id == DocumentRow.id) & (ChunkRow.space == space)
    )


def _broken_runs(session: Session, space: int, document_ids: Sequence[str]) -> _Runs:
    """Every stretch of successive ids of documents whose ids have gaps."""
    documents: list[str] = []
    ids: list[int] = []
    for batch in in_batches(document_ids):
        query = select(ChunkRow.document_id, ChunkRow.id).where(
            ChunkRow.document_id.in_(batch), ChunkRow.space == space
        )
        for document_id, chunk_id in session.execute(query.order_by(ChunkRow.document_id, ChunkRow.id)):
            documents.append(document_id)
            ids.append(chunk_id)
    owners, sorted_ids = np.array(documents, dtype=_DOCUMENT), np.array(ids, dtype=np.int64)
    begins = np.flatnonzero(
        np.concatenate([[True], (np.diff(sorted_ids) != 1) | (owners[1:] != owners[:-1])])
    )
    counts = np.diff(np.append(begins, len(ids)))
    return owners[begins], sorted_ids[begins], counts.astype(np.int64)


def _sorted_runs(
    space: int, sequence: int, documents: NDArray[np.bytes_], firsts: ChunkIds, counts: ChunkIds
) -> ChunkRuns:
    order = np.argsort(documents, kind="stable")
    return ChunkRuns(
        space=space,
        sequence=sequence,
        documents=documents[order],
        firsts=firsts[order],
        counts=counts[order],
    )


def _expanded(firsts: NDArray[np.int64], counts: NDArray[np.int64]) -> ChunkIds:
    """``firsts[0], firsts[0] + 1, …`` for each of the stretches, one after the other."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    expanded: ChunkIds = np.arange(total, dtype=np.int64) + np.repeat(firsts - (ends - counts), counts)
    return expanded
