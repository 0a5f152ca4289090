"""Where the chunks of each document are among a collection's chunk ids, in one array."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from rag.domain import ChunkIds
from rag.store.batches import in_batches
from rag.store.schema import ChunkRow, DocumentRow, RemovedChunkRow

_DOCUMENT = "S32"  # a document's id: 32 hexadecimal digits
_RUN = np.dtype([("document", _DOCUMENT), ("first", np.int64), ("count", np.int64)])

Runs = NDArray[np.void]
"""Stretches of successive chunk ids, each of one document; shape ``(runs,)``, type ``_RUN``."""


class ChunkRuns:
    """The runs of all documents of a space, of which most have exactly one.

    A document has several where other collections grew while it was stored.

    Args:
        runs: ordered by document.
    """

    def __init__(self, space: int, sequence: int, runs: Runs) -> None:
        self.space = space
        self.sequence = sequence
        self.runs = runs
        self._documents = np.ascontiguousarray(runs["document"])

    def ids_of(self, document_ids: Sequence[str]) -> ChunkIds:
        """Sorted ids of the documents' chunks, read-only."""
        wanted = np.array(document_ids, dtype=_DOCUMENT)
        begin = np.searchsorted(self._documents, wanted, side="left")
        end = np.searchsorted(self._documents, wanted, side="right")
        found = self.runs[_expanded(begin, end - begin)]
        ids = _expanded(found["first"], found["count"])
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
    if known is not None and known.sequence == sequence:
        return known
    of_collection = DocumentRow.collection_id == collection_id
    if known is None:
        return ChunkRuns(space, sequence, _read(session, space, of_collection))
    changed = select(ChunkRow.document_id).where(
        ChunkRow.collection_id == collection_id,
        ChunkRow.space == space,
        ChunkRow.added_sequence > known.sequence,
    )
    removed = select(RemovedChunkRow.chunk_id).where(
        RemovedChunkRow.collection_id == collection_id, RemovedChunkRow.sequence > known.sequence
    )
    # A document's chunks are removed together, so the run that begins with a removed one is gone.
    kept = known.runs[~np.isin(known.runs["first"], np.fromiter(session.scalars(removed), dtype=np.int64))]
    added = _read(session, space, of_collection, DocumentRow.id.in_(changed))
    places = np.searchsorted(kept["document"], added["document"])
    return ChunkRuns(space, sequence, np.insert(kept, places, added))


def _read(session: Session, space: int, *of: ColumnElement[bool]) -> Runs:
    """The runs of the documents for which all of ``of`` holds, ordered by document."""
    rows = session.execute(_per_document(space).where(*of).group_by(DocumentRow.id)).all()
    gapless = [row.last - row.first + 1 == row.count for row in rows]
    whole = [(row.id, row.first, row.count) for row, is_run in zip(rows, gapless, strict=True) if is_run]
    broken = [row.id for row, is_run in zip(rows, gapless, strict=True) if not is_run]
    runs = np.array(whole, dtype=_RUN)
    if broken:
        runs = np.concatenate([runs, _broken_runs(session, space, broken)])
    in_order: Runs = runs[np.argsort(runs["document"], kind="stable")]
    return in_order


def _per_document(space: int) -> Select[str, int, int, int]:
    # The index on (document_id, space, ordinal) holds all that this reads on SQLite: no chunk is touched.
    ids = (func.min(ChunkRow.id).label("first"), func.max(ChunkRow.id).label("last"))
    return select(DocumentRow.id, *ids, func.count(ChunkRow.id).label("count")).join(
        ChunkRow, (ChunkRow.document_id == DocumentRow.id) & (ChunkRow.space == space)
    )


def _broken_runs(session: Session, space: int, document_ids: Sequence[str]) -> Runs:
    """Every stretch of successive ids of documents whose ids have gaps."""
    runs: list[tuple[str, int, int]] = []
    for batch in in_batches(document_ids):
        query = select(ChunkRow.document_id, ChunkRow.id).where(
            ChunkRow.document_id.in_(batch), ChunkRow.space == space
        )
        for document_id, chunk_id in session.execute(query.order_by(ChunkRow.document_id, ChunkRow.id)):
            last = runs[-1] if runs else ("", 0, 0)
            if last[0] == document_id and last[1] + last[2] == chunk_id:
                runs[-1] = (document_id, last[1], last[2] + 1)
            else:
                runs.append((document_id, chunk_id, 1))
    return np.array(runs, dtype=_RUN)


def _expanded(firsts: NDArray[np.int64], counts: NDArray[np.int64]) -> ChunkIds:
    """``firsts[0], firsts[0] + 1, …`` for each of the stretches, one after the other."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    expanded: ChunkIds = np.arange(total, dtype=np.int64) + np.repeat(firsts - (ends - counts), counts)
    return expanded
