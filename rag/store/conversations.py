"""Conversations: begun by their first use, turns in the order of commits, forgotten when they expire."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta

from sqlalchemy import ColumnElement, Row, Select, and_, delete, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from rag.domain import (
    Answer,
    AnswerStatus,
    Citation,
    Conversation,
    ConversationKey,
    ConversationTurn,
)
from rag.errors import CollectionNotFound, Conflict, ConversationNotFound
from rag.store.batches import in_batches
from rag.store.clock import database_now
from rag.store.schema import CollectionRow, ConversationRow, TurnRow
from rag.store.storable import is_storable


def begin_conversation(
    session: Session, key: ConversationKey, collection_id: str, kept: timedelta
) -> Conversation:
    """The owner's conversation of that name, made if it is not there; errors as in the interface."""
    begun = _begun(session, key, collection_id, kept)
    query = _conversations().where(ConversationRow.number == begun.number)
    return _conversation(session.execute(query).one())


def find_conversation(session: Session, key: ConversationKey) -> Conversation:
    """Raises: ConversationNotFound."""
    row = session.execute(_conversations().where(_is(key), _alive(session))).one_or_none()
    if row is None:
        raise _not_found(key)
    return _conversation(row)


def list_conversations(session: Session, owner: str, limit: int, after: int | None) -> list[Conversation]:
    """Newest first; those begun before the number ``after``."""
    query = _conversations().where(ConversationRow.owner == owner, _alive(session))
    if after is not None:
        query = query.where(ConversationRow.number < after)
    rows = session.execute(query.order_by(ConversationRow.number.desc()).limit(limit))
    return [_conversation(row) for row in rows]


def add_turn(
    session: Session,
    key: ConversationKey,
    question: str,
    answer: Answer,
    *,
    collection_id: str,
    begins: bool,
    kept: timedelta,
) -> ConversationTurn:
    """Store a question with its answer as the newest turn; errors as in the interface."""
    found = _begun(session, key, collection_id, kept) if begins else _locked(session, key)
    if found is None:
        raise _not_found(key)
    _require_collection(found, key, collection_id)
    now = database_now(session)
    found.turns += 1
    found.updated_at = max(now, found.updated_at)
    found.expires_at = now + kept
    row = TurnRow(
        conversation=found.number,
        ordinal=found.turns,
        question=_storable(question),
        standalone_question=answer.standalone_question and _storable(answer.standalone_question),
        answer=_storable(answer.text),
        status=answer.status.value,
        answer_id=answer.answer_id,
        llm=answer.llm,
        citations=[asdict(citation) for citation in answer.citations],
        created_at=now,
    )
    session.add(row)
    session.flush()
    return _turn(row)


def list_turns(session: Session, key: ConversationKey, limit: int, after: int) -> list[ConversationTurn]:
    """In order; those after the ordinal ``after``. Raises: ConversationNotFound."""
    query = _turns(session, key).where(TurnRow.ordinal > after).order_by(TurnRow.ordinal)
    return [_turn(row) for row in session.scalars(query.limit(limit))]


def latest_turns(session: Session, key: ConversationKey, limit: int) -> list[ConversationTurn]:
    """The newest ``limit`` turns, in order. Raises: ConversationNotFound."""
    query = _turns(session, key).order_by(TurnRow.ordinal.desc())
    return [_turn(row) for row in session.scalars(query.limit(limit))][::-1]


def delete_conversation(session: Session, key: ConversationKey) -> int:
    """Remove a conversation; returns the number of its turns. Raises: ConversationNotFound."""
    row = _locked(session, key)
    if row is None or row.expires_at <= database_now(session):
        raise _not_found(key)
    session.execute(delete(ConversationRow).where(ConversationRow.number == row.number))
    return row.turns


def prune_conversations(session: Session, kept: timedelta, limit: int) -> int:
    """Remove at most ``limit`` expired conversations; returns how many."""
    doomed = expired(session, kept, limit)
    for numbers in in_batches(doomed):
        session.execute(delete(ConversationRow).where(ConversationRow.number.in_(numbers)))
    return len(doomed)


def expired(session: Session, kept: timedelta, limit: int) -> Sequence[int]:
    """Numbers of at most ``limit`` conversations that have expired, or would have by ``kept``."""
    now = database_now(session)
    is_old = or_(ConversationRow.expires_at <= now, ConversationRow.updated_at <= now - kept)
    return session.scalars(select(ConversationRow.number).where(is_old).limit(limit)).all()


def _begun(session: Session, key: ConversationKey, collection_id: str, kept: timedelta) -> ConversationRow:
    """The row, held by this transaction; a new one in place of none, or of one that has expired."""
    found = _locked(session, key)
    now = database_now(session)
    if found is not None and found.expires_at <= now:
        session.execute(delete(ConversationRow).where(ConversationRow.number == found.number))
        session.expunge(found)
        found = None
    if found is None:
        row = ConversationRow(
            owner=key.owner,
            id=key.id,
            collection_id=collection_id,
            turns=0,
            created_at=now,
            updated_at=now,
            expires_at=now + kept,
        )
        try:
            with session.begin_nested():
                session.add(row)
        except IntegrityError:  # another one began it first, or the collection is gone
            found = _locked(session, key)
        else:
            return row
    if found is None:
        raise CollectionNotFound(
            f"No collection has the id {collection_id!r}; it may just have been deleted."
        )
    _require_collection(found, key, collection_id)
    return found


def _locked(session: Session, key: ConversationKey) -> ConversationRow | None:
    return session.scalar(select(ConversationRow).where(_is(key)).with_for_update())


def _require_collection(row: ConversationRow, key: ConversationKey, collection_id: str) -> None:
    if row.collection_id != collection_id:
        raise Conflict(
            f"The conversation {key.id!r} is about another collection; "
            "leave the collection out, or begin another conversation."
        )


def _is(key: ConversationKey) -> ColumnElement[bool]:
    return and_(ConversationRow.owner == _storable(key.owner), ConversationRow.id == _storable(key.id))


def _alive(session: Session) -> ColumnElement[bool]:
    return ConversationRow.expires_at > database_now(session)


def _conversations() -> Select[ConversationRow, str, str]:
    """Conversations with their collection's name and their first question."""
    is_first = and_(TurnRow.conversation == ConversationRow.number, TurnRow.ordinal == 1)
    return (
        select(ConversationRow, CollectionRow.name, TurnRow.question)
        .join(CollectionRow, CollectionRow.id == ConversationRow.collection_id)
        .outerjoin(TurnRow, is_first)
    )


def _turns(session: Session, key: ConversationKey) -> Select[TurnRow]:
    number = session.scalar(select(ConversationRow.number).where(_is(key), _alive(session)))
    if number is None:
        raise _not_found(key)
    return select(TurnRow).where(TurnRow.conversation == number)


def _not_found(key: ConversationKey) -> ConversationNotFound:
    return ConversationNotFound(
        f"No conversation of yours has the id {key.id!r}; it may have expired or been deleted."
    )


def _conversation(found: Row[ConversationRow, str, str]) -> Conversation:
    row, collection, first_question = found
    return Conversation(
        key=ConversationKey(owner=row.owner, id=row.id),
        number=row.number,
        collection=collection,
        turns=row.turns,
        first_question=first_question,
        created_at=row.created_at,
        updated_at=row.updated_at,
        expires_at=row.expires_at,
    )


def _turn(row: TurnRow) -> ConversationTurn:
    return ConversationTurn(
        ordinal=row.ordinal,
        question=row.question,
        standalone_question=row.standalone_question,
        answer=row.answer,
        status=AnswerStatus(row.status),
        answer_id=row.answer_id,
        llm=row.llm,
        citations=tuple(Citation(**citation) for citation in row.citations),
        created_at=row.created_at,
    )


def _storable(text: str) -> str:
    """What a question or a model brings along that no database takes is shown by its escape."""
    if is_storable(text):
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\0")
