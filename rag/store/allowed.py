"""Which chunks a search may draw from: those of the documents that are visible and pass the filter.

SQL picks documents; where their chunks are among the ids is kept in memory, brought along with the
collection's sequence. What was answered is kept too, for the same rights, filter and state of the catalog.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from rag.domain import Access, ChunkIds
from rag.filters import Filter
from rag.store.chunk_runs import ChunkRuns, no_ids, read_runs
from rag.store.filtering import passes
from rag.store.schema import CollectionRow, DocumentRow, GroupRow
from rag.store.visibility import visible

_KEPT_BYTES = 64 << 20
_KEPT_COLLECTIONS = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class _State:
    """The catalog's state that an answer holds for."""

    collection_id: str
    space: int
    sequence: int
    revision: int


_Key = tuple[_State, frozenset[str] | None, Filter | None]


class AllowedChunks:
    """Answers, for one catalog, which chunk ids an asker's search is limited to; shared by threads."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._runs: OrderedDict[str, ChunkRuns] = OrderedDict()
        self._answers: OrderedDict[_Key, ChunkIds | None] = OrderedDict()
        self._bytes = 0

    def ids(
        self, session: Session, collection_id: str, access: Access, filters: Filter | None
    ) -> ChunkIds | None:
        """Sorted ids of the live chunks; ``None`` when nothing is to be left out."""
        if access.groups is None and filters is None:
            return None
        columns = (CollectionRow.space, CollectionRow.sequence, CollectionRow.revision)
        row = session.execute(select(*columns).where(CollectionRow.id == collection_id)).one_or_none()
        if row is None:
            return no_ids()
        state = _State(
            collection_id=collection_id, space=row.space, sequence=row.sequence, revision=row.revision
        )
        key = (state, access.groups, filters)
        with self._guard:
            if key in self._answers:
                self._answers.move_to_end(key)
                return self._answers[key]
        answer = self._find(session, state, access, filters)
        self._keep(key, answer)
        return answer

    def _find(
        self, session: Session, state: _State, access: Access, filters: Filter | None
    ) -> ChunkIds | None:
        if filters is None and not _is_restricted(session, state.collection_id):
            return None
        query = select(DocumentRow.id).where(
            DocumentRow.collection_id == state.collection_id, visible(access)
        )
        if filters is not None:
            query = query.where(passes(filters, state.collection_id, access))
        documents = session.scalars(query).all()
        return self._current_runs(session, state).ids_of(documents)

    def _current_runs(self, session: Session, state: _State) -> ChunkRuns:
        with self._guard:
            known = self._runs.get(state.collection_id)
        if known is not None and (known.space != state.space or known.sequence > state.sequence):
            known = None  # re-embedded; or another thread, in a later snapshot than this one, was here
        runs = read_runs(session, state.collection_id, state.space, state.sequence, known)
        with self._guard:
            held = self._runs.get(state.collection_id)
            if held is None or (held.space, held.sequence) <= (runs.space, runs.sequence):
                self._runs[state.collection_id] = runs
                self._runs.move_to_end(state.collection_id)
            while len(self._runs) > _KEPT_COLLECTIONS:
                self._runs.popitem(last=False)
        return runs

    def _keep(self, key: _Key, answer: ChunkIds | None) -> None:
        with self._guard:
            if key not in self._answers:
                self._answers[key] = answer
                self._bytes += _size(answer)
            while self._bytes > _KEPT_BYTES:
                self._bytes -= _size(self._answers.popitem(last=False)[1])


def _is_restricted(session: Session, collection_id: str) -> bool:
    """Whether any document of the collection is not for everyone."""
    restricted = (
        select(GroupRow.document_id)
        .join(DocumentRow, DocumentRow.id == GroupRow.document_id)
        .where(DocumentRow.collection_id == collection_id)
        .limit(1)
    )
    return session.scalar(restricted) is not None


def _size(answer: ChunkIds | None) -> int:
    """Bytes an entry takes, roughly: even an empty one is not free."""
    return 1024 + (0 if answer is None else answer.nbytes)
