"""Conversations: whose they are, and what was asked and answered in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rag.domain.answers import AnswerStatus
from rag.domain.generation import Citation

OPERATOR = "operator"
"""The owner of what is asked with the server's one key, from this machine without one, or by command."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ConversationKey:
    """A conversation by its owner and the name it has there; two owners' names never meet.

    Attributes:
        owner: whoever asks, as the doors know them; see :data:`OPERATOR`.
        id: chosen by the owner, or by Footnote.
    """

    owner: str
    id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Conversation:
    """A conversation as the catalog knows it.

    Attributes:
        number: order in which conversations were begun.
        collection: name of the collection it is about; its end is the conversation's too.
        turns: how many questions it holds.
        first_question: as it was typed; ``None`` before there is one.
        expires_at: unless something is asked in it before.
    """

    key: ConversationKey
    number: int
    collection: str
    turns: int
    first_question: str | None
    created_at: datetime
    updated_at: datetime
    expires_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ConversationTurn:
    """A question of a conversation and its answer.

    Attributes:
        ordinal: its place, from 1, in the order in which the answers were stored.
        question: as it was typed.
        standalone_question: what was searched for instead, if the question leaned on earlier ones.
        answer: the answer's text, or the reason of a refusal.
        llm: who answered.
    """

    ordinal: int
    question: str
    standalone_question: str | None
    answer: str
    status: AnswerStatus
    answer_id: str
    llm: str
    citations: tuple[Citation, ...]
    created_at: datetime
