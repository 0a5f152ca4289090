"""POST /v1/ask and POST /v1/search."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.dependencies import AskerAccess, AskerOwner, FootnoteParts
from api.errors import problems, request_id_of
from api.llm_choice import allowed_llm
from api.schemas.answers import (
    AnswerBody,
    AskRequest,
    CitationBody,
    PassagesBody,
    SearchBody,
    SearchRequest,
    SentenceBody,
    TokenBody,
)
from api.schemas.base import Body
from api.sse import Named, event_stream, in_threads
from rag.answering.events import (
    AnswerEvent,
    CitationEvent,
    DoneEvent,
    GroundingEvent,
    RetrievalEvent,
    TokenEvent,
)
from rag.filter_parsing import parse_filter
from rag.filters import Filter
from rag.questions import checked_question

EVENT_STREAM = "text/event-stream"
router = APIRouter(prefix="/v1", tags=["questions"])


def named_events(events: Iterator[AnswerEvent]) -> Iterator[Named]:
    """Each answer event with its server-sent name."""
    for event in events:
        yield _named(event)


def _named(event: AnswerEvent) -> tuple[str, Body]:
    match event:
        case RetrievalEvent():
            return "retrieval", PassagesBody.of(event.passages)
        case TokenEvent():
            return "token", TokenBody(text=event.text, restart=event.restart)
        case CitationEvent():
            return "citation", CitationBody.of(event.citation)
        case GroundingEvent():
            return "grounding", SentenceBody.of(event.sentence)
        case DoneEvent():
            return "done", AnswerBody.of(event.answer)


_ASK_RESPONSES = {
    **problems(404, 409, 502, 503),
    200: {
        "description": "The answer; streamed: retrieval, token, citation, grounding, done, error events.",
        "content": {EVENT_STREAM: {"schema": {"type": "string"}}},
    },
}


@router.post("/ask", response_model=AnswerBody, responses=_ASK_RESPONSES)
def ask(
    body: AskRequest, request: Request, footnote: FootnoteParts, access: AskerAccess, owner: AskerOwner
) -> AnswerBody | Response:
    """Answer a question, every sentence cited and checked."""
    question = checked_question(body.question)
    answerer = footnote.answerer(allowed_llm(body.llm, footnote.settings))
    conversation = footnote.conversations.open(body.conversation_id, owner=owner, collection=body.collection)
    streamed = EVENT_STREAM in request.headers.get("accept", "") if body.stream is None else body.stream
    filters = _filter(body.filters)
    if not streamed:
        answer = answerer.answer(
            question,
            collection=conversation.collection,
            access=access,
            k=body.k,
            policy=body.grounding_policy,
            filters=filters,
            history=conversation.history,
        )
        return AnswerBody.of(conversation.keep(answer))
    events = answerer.events(
        question,
        collection=conversation.collection,
        access=access,
        k=body.k,
        policy=body.grounding_policy,
        filters=filters,
        history=conversation.history,
    )
    named = named_events(conversation.kept(events))
    first = next(named)  # an unknown collection is still answered with its own status
    return event_stream(in_threads(chain([first], named)), request_id=request_id_of(request))


@router.post("/search", responses=problems(404, 503))
def search(body: SearchRequest, footnote: FootnoteParts, access: AskerAccess) -> SearchBody:
    """Find the passages nearest to a query, without writing an answer."""
    retriever = footnote.distinct_retriever if body.distinct else footnote.retriever
    result = retriever.retrieve(
        checked_question(body.query),
        collection=body.collection or footnote.settings.collection,
        k=body.k,
        access=access,
        mode=body.mode,
        filters=_filter(body.filters),
    )
    return SearchBody.of(result)


def _filter(value: Any) -> Filter | None:
    return None if value is None else parse_filter(value)
