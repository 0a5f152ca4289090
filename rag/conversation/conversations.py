"""Conversations: what was said before a question is read with it, and its answer kept as the newest turn."""

from __future__ import annotations

import logging
import re
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import uuid4

from rag.answering.events import AnswerEvent, DoneEvent
from rag.domain import Answer, AnswerStatus, Conversation, ConversationKey, ConversationTurn, Turn
from rag.errors import Conflict, ConversationNotFound, InvalidRequest, NotFound, StorageError
from rag.interfaces import Catalog
from rag.prompting.tokens import EstimatedTokens

NEW = "new"
"""Given for a conversation's id, it begins one, whose id is in the answer."""

ID_PATTERN = r"(?!\.{1,2}$)[A-Za-z0-9_.:-]{1,100}"
"""Ids that a caller may choose; they go into addresses as they are."""

_PRUNED_AT_ONCE = 100
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    """Where an answer is to be kept.

    Attributes:
        begins: whether its turn is the first, as far as is known.
    """

    catalog: Catalog
    key: ConversationKey
    begins: bool
    kept: timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenConversation:
    """What a question needs to know of the conversation it is asked in.

    Attributes:
        collection: name of the collection to ask.
        history: the turns to be read with the question, oldest first.
        place: ``None`` for a question that belongs to no conversation.
    """

    collection: str
    history: tuple[Turn, ...] = ()
    place: _Place | None = None

    def kept(self, events: Iterator[AnswerEvent]) -> Generator[AnswerEvent, None, None]:
        """The same events; the answer is kept before it is passed on. What ends early is not kept."""
        for event in events:
            yield DoneEvent(self.keep(event.answer)) if isinstance(event, DoneEvent) else event

    def keep(self, answer: Answer) -> Answer:
        """The answer as a turn of the conversation, which it names then.

        An answer that cannot be kept (the conversation was deleted meanwhile, the disk is full) names none.
        """
        if self.place is None:
            return answer
        catalog, key = self.place.catalog, self.place.key
        try:
            catalog.add_turn(
                key,
                answer.question,
                answer,
                collection_id=catalog.collection(self.collection).id,
                begins=self.place.begins,
                kept=self.place.kept,
            )
            catalog.prune_conversations(kept=self.place.kept, limit=_PRUNED_AT_ONCE)
        except (NotFound, Conflict, StorageError) as exc:
            _log.warning("An answer could not be kept in its conversation: %s", exc)
            return answer
        return replace(answer, conversation_id=key.id)


class Conversations:
    """Opens, begins and forgets conversations.

    Args:
        collection: asked where none is named.
        kept: how long after its last question a conversation is kept; 0: none is.
        turns, tokens: at most so many turns, of so many tokens together, are read with a question.
    """

    def __init__(
        self, catalog: Catalog, *, collection: str, kept: timedelta, turns: int, tokens: int
    ) -> None:
        self._catalog = catalog
        self._collection = collection
        self._kept = kept
        self._turns = turns
        self._tokens = tokens

    def open(
        self, conversation_id: str | None, *, owner: str, collection: str | None = None
    ) -> OpenConversation:
        """The conversation a question is asked in; an id the owner has not used yet begins one.

        Args:
            conversation_id: ``new`` begins one under an id of ours; ``None`` asks outside of any.
            collection: unset: the conversation's, or the default one.

        Raises:
            InvalidRequest: the id has other characters, or too many.
            Conflict: the conversation is about another collection.
        """
        if conversation_id is not None:
            _require_id(conversation_id)
        if conversation_id is None or not self._kept:
            return OpenConversation(collection=collection or self._collection)
        begins = conversation_id == NEW
        key = ConversationKey(owner=owner, id=uuid4().hex if begins else conversation_id)
        if not begins:
            try:
                return self._opened(key, collection)
            except ConversationNotFound:
                pass  # begun by its first turn
        place = _Place(catalog=self._catalog, key=key, begins=True, kept=self._kept)
        return OpenConversation(collection=collection or self._collection, place=place)

    def begin(self, *, owner: str, collection: str | None = None) -> Conversation:
        """An empty conversation under an id of ours.

        Raises:
            CollectionNotFound: there is none of that name.
            Conflict: conversations are not kept here.
        """
        if not self._kept:
            raise Conflict("Conversations are not kept here: FOOTNOTE_CONVERSATION_DAYS is 0 on the server.")
        about = self._catalog.collection(collection or self._collection)
        key = ConversationKey(owner=owner, id=uuid4().hex)
        return self._catalog.begin_conversation(key, collection_id=about.id, kept=self._kept)

    def prune(self) -> None:
        """Forget the conversations that have expired."""
        while self._catalog.prune_conversations(kept=self._kept, limit=_PRUNED_AT_ONCE):
            pass

    def _opened(self, key: ConversationKey, collection: str | None) -> OpenConversation:
        found = self._catalog.conversation(key)
        if collection is not None and collection != found.collection:
            raise Conflict(
                f"The conversation {key.id!r} is about the collection {found.collection!r}, "
                f"not {collection!r}; leave the collection out, or begin another conversation."
            )
        turns = self._catalog.latest_turns(key, limit=self._turns)
        return OpenConversation(
            collection=found.collection,
            history=trimmed([_turn(turn) for turn in turns], self._tokens),
            place=_Place(catalog=self._catalog, key=key, begins=False, kept=self._kept),
        )


def trimmed(turns: Sequence[Turn], tokens: int) -> tuple[Turn, ...]:
    """The newest turns that fit, in order; of the first that does not, the question, if that fits."""
    count = EstimatedTokens().count
    kept: list[Turn] = []
    room = tokens
    for turn in reversed(turns):
        question, answer = count(turn.question), count(turn.answer)
        if question + answer <= room:
            kept.append(turn)
            room -= question + answer
            continue
        if question <= room:
            kept.append(Turn(question=turn.question))
        break
    return tuple(reversed(kept))


def _turn(turn: ConversationTurn) -> Turn:
    is_refused = turn.status is AnswerStatus.REFUSED
    return Turn(question=turn.question, answer="" if is_refused else turn.answer)


def _require_id(conversation_id: str) -> None:
    if not re.fullmatch(ID_PATTERN, conversation_id):
        raise InvalidRequest(
            f"{conversation_id[:120]!r} cannot name a conversation: expected 1 to 100 of A-Z, a-z, 0-9, "
            f"'_', '.', ':', '-'; or {NEW!r}, for an id of Footnote's."
        )
