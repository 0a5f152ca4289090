"""Conversations and their turns as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import Field

from api.schemas.answers import CitationBody
from api.schemas.base import Body, RequestBody, optional
from rag.domain import AnswerStatus, Conversation, ConversationTurn


class NewConversation(RequestBody):
    """A conversation to begin."""

    collection: str | None = Field(default=None, description="What it is about; unset: the default one.")


class ConversationBody(Body):
    """A conversation, without its turns."""

    id: str
    collection: str
    turn_count: int = Field(description="How many questions it holds.")
    first_question: str | None = optional("The question it began with, as it was typed.")
    created_at: datetime
    updated_at: datetime
    expires_at: datetime = Field(description="It is forgotten then, unless something is asked in it before.")

    @classmethod
    def of(cls, conversation: Conversation) -> ConversationBody:
        """The JSON of a conversation."""
        return cls(
            id=conversation.key.id,
            collection=conversation.collection,
            turn_count=conversation.turns,
            first_question=conversation.first_question,
            created_at=conversation.created_at,
            updated_at=conversation.updated_at,
            expires_at=conversation.expires_at,
        )


class TurnBody(Body):
    """A question of a conversation and its answer."""

    ordinal: int = Field(description="Its place in the conversation, from 1.")
    question: str = Field(description="As it was typed.")
    standalone_question: str | None = optional(
        "What was searched for, where the question leans on earlier ones."
    )
    answer_id: str
    status: AnswerStatus
    text: str = Field(description="The answer, or the reason of a refusal.")
    citations: Sequence[CitationBody]
    llm: str
    created_at: datetime

    @classmethod
    def of(cls, turn: ConversationTurn) -> TurnBody:
        """The JSON of a turn."""
        return cls(
            ordinal=turn.ordinal,
            question=turn.question,
            standalone_question=turn.standalone_question,
            answer_id=turn.answer_id,
            status=turn.status,
            text=turn.answer,
            citations=[CitationBody.of(citation) for citation in turn.citations],
            llm=turn.llm,
            created_at=turn.created_at,
        )


class ConversationTurnsBody(ConversationBody):
    """A conversation with a page of its turns, oldest first."""

    turns: Sequence[TurnBody]
    next_cursor: str | None = Field(
        description="Give it as `cursor` to read the next turns; null on the last page."
    )

    @classmethod
    def with_turns(
        cls, conversation: Conversation, turns: Sequence[ConversationTurn], next_cursor: str | None
    ) -> ConversationTurnsBody:
        """The JSON of a conversation and some of its turns."""
        return cls(
            **dict(ConversationBody.of(conversation)),
            turns=[TurnBody.of(turn) for turn in turns],
            next_cursor=next_cursor,
        )
