"""POST /v1/ask and POST /v1/search."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.answer_streams import Begin, LiveAnswer
from api.dependencies import AskerAccess, AskerOwner, FootnoteParts, LastEventId, Streams
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
from api.sse import Named, event_stream
from api.waiting import while_connected
from rag.answering.events import (
    AnswerEvent,
    CitationEvent,
    DoneEvent,
    GroundingEvent,
    RetrievalEvent,
    TokenEvent,
    final_answer,
)
from rag.cancellation import Cancellation
from rag.domain import Access
from rag.factory import Footnote
from rag.filter_parsing import parse_filter
from rag.filters import Filter
from rag.questions import checked_question

EVENT_STREAM = "text/event-stream"
router = APIRouter(prefix="/v1", tags=["questions"])


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
    204: {"description": "`Last-Event-ID` is that of the last event: nothing will follow."},
}


@router.post("/ask", response_model=AnswerBody, responses=_ASK_RESPONSES)
async def ask(
    body: AskRequest,
    request: Request,
    footnote: FootnoteParts,
    streams: Streams,
    access: AskerAccess,
    owner: AskerOwner,
    last_event_id: LastEventId = None,
) -> AnswerBody | Response:
    """Answer a question, every sentence cited and checked.

    A stream that broke is taken up by sending the same request again with `Last-Event-ID`: within three
    seconds while the answer is written, within two minutes after its end.
    """
    question = checked_question(body.question)
    if last_event_id is not None:
        return _followed(*streams.resume(last_event_id, owner=owner, question=question), request)
    begin = await run_in_threadpool(_asking, body, question, footnote, access, owner)
    streamed = EVENT_STREAM in request.headers.get("accept", "") if body.stream is None else body.stream
    if not streamed:
        return AnswerBody.of(await while_connected(request, lambda given_up: final_answer(begin(given_up))))
    stream = await run_in_threadpool(streams.begin, begin, owner=owner, question=question)
    return _followed(stream, 0, request)


def _asking(body: AskRequest, question: str, footnote: Footnote, access: Access, owner: str) -> Begin:
    """What begins the answer, once it is given what cancels it."""
    answerer = footnote.answerer(allowed_llm(body.llm, footnote.settings))
    conversation = footnote.conversations.open(body.conversation_id, owner=owner, collection=body.collection)
    filters = _filter(body.filters)

    def begin(cancellation: Cancellation) -> Iterator[AnswerEvent]:
        events = answerer.events(
            question,
            collection=conversation.collection,
            access=access,
            k=body.k,
            policy=body.grounding_policy,
            filters=filters,
            history=conversation.history,
            cancellation=cancellation,
        )
        return conversation.kept(events)

    return begin


def _followed(stream: LiveAnswer, after: int, request: Request) -> Response:
    """The events of ``stream`` behind the number ``after``."""
    if after and stream.is_told(upto=after):
        return Response(status_code=204)  # tells a browser not to connect again

    async def named() -> AsyncIterator[Named]:
        async for _, event in stream.follow(after):
            yield _named(event)

    return event_stream(
        named(),
        request_id=request_id_of(request),
        identify=lambda number, _: f"{stream.id}-{after + number}",
    )


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
