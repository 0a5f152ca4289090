"""/v1/conversations: begin, list, read and delete conversations."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.dependencies import (
    AskerOwner,
    Cursor,
    FootnoteParts,
    Limit,
    decode_number_cursor,
    encode_cursor,
)
from api.errors import problems
from api.schemas.base import Page
from api.schemas.conversations import ConversationBody, ConversationTurnsBody, NewConversation
from rag.domain import ConversationKey

router = APIRouter(prefix="/v1/conversations", tags=["conversations"])


@router.post("", status_code=201, responses=problems(404, 409))
def begin_conversation(
    response: Response, footnote: FootnoteParts, owner: AskerOwner, body: NewConversation | None = None
) -> ConversationBody:
    """Begin an empty conversation; POST /v1/ask takes its id, or any other that you choose."""
    begun = footnote.conversations.begin(owner=owner, collection=body.collection if body else None)
    response.headers["Location"] = f"/v1/conversations/{begun.key.id}"
    return ConversationBody.of(begun)


@router.get("", responses=problems())
def list_conversations(
    footnote: FootnoteParts, owner: AskerOwner, limit: Limit = 100, cursor: Cursor = None
) -> Page[ConversationBody]:
    """Your conversations, the newest first."""
    found = footnote.catalog.conversations(owner, limit=limit + 1, after=decode_number_cursor(cursor))
    return Page(
        items=[ConversationBody.of(conversation) for conversation in found[:limit]],
        next_cursor=encode_cursor(str(found[limit - 1].number)) if len(found) > limit else None,
    )


@router.get("/{conversation_id}", responses=problems(404))
def show_conversation(
    conversation_id: str,
    footnote: FootnoteParts,
    owner: AskerOwner,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> ConversationTurnsBody:
    """One conversation with its turns, the oldest first."""
    key = ConversationKey(owner=owner, id=conversation_id)
    after = decode_number_cursor(cursor) or 0
    conversation = footnote.catalog.conversation(key)
    turns = footnote.catalog.turns(key, limit=limit + 1, after=after)
    last = encode_cursor(str(turns[limit - 1].ordinal)) if len(turns) > limit else None
    return ConversationTurnsBody.with_turns(conversation, turns[:limit], last)


@router.delete("/{conversation_id}", status_code=204, responses=problems(404))
def remove_conversation(conversation_id: str, footnote: FootnoteParts, owner: AskerOwner) -> None:
    """Forget a conversation with all its turns."""
    footnote.catalog.delete_conversation(ConversationKey(owner=owner, id=conversation_id))
