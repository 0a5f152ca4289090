"""The OpenAI dialect: POST /v1/chat/completions and GET /v1/models. A model is a collection.

Failures are answered in OpenAI's shape; :mod:`api.openai_errors` has it.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

from fastapi import APIRouter, Request
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.answer_streams import Begin, LiveAnswer
from api.dependencies import AskerAccess, FootnoteParts
from api.errors import problem_for, request_id_of
from api.llm_choice import allowed_llm
from api.openai_completions import Completion
from api.openai_errors import openai_error
from api.schemas.openai import ChatChunk, ChatCompletion, ChatRequest, ModelBody, ModelsBody
from api.sse import HEARTBEAT_SECONDS, LINE_END
from api.streamed_text import StreamedText
from api.waiting import while_connected
from rag.answering.events import AnswerEvent, final_answer
from rag.cancellation import Cancellation
from rag.domain import Access, GroundingPolicy
from rag.factory import Footnote
from rag.filter_parsing import parse_filter
from rag.questions import checked_question

END = "[DONE]"
router = APIRouter(prefix="/v1", tags=["openai"])

_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The completion; streamed: chunks as server-sent events, ended by `[DONE]`.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    },
}


@router.get("/models")
def list_models(footnote: FootnoteParts) -> ModelsBody:
    """The collections, as models."""
    return ModelsBody(data=[ModelBody.of(collection) for collection in footnote.catalog.collections()])


@router.get("/models/{model}")
def show_model(model: str, footnote: FootnoteParts) -> ModelBody:
    """One collection, as a model."""
    return ModelBody.of(footnote.catalog.collection(model))


@router.post("/chat/completions", response_model=ChatCompletion, responses=_RESPONSES)
async def complete_chat(
    body: ChatRequest, request: Request, footnote: FootnoteParts, access: AskerAccess
) -> ChatCompletion | Response:
    """Answer the last message from the collection `model`, cited and checked."""
    options = body.footnote
    begin = _answering(body, footnote, access)
    model = body.model or footnote.settings.collection
    completion = Completion(id=f"chatcmpl-{request_id_of(request)}", created=int(time.time()), model=model)
    if not body.stream:
        answer = await while_connected(request, lambda cancellation: final_answer(begin(cancellation)))
        return completion.whole(answer, markers=options.markers)
    policy = options.grounding_policy or footnote.settings.grounding_policy
    text = StreamedText(markers=options.markers, live=policy is not GroundingPolicy.REGENERATE)
    live = LiveAnswer(owner="", question=body.question, grace_s=0.0)  # nobody comes back to it
    await run_in_threadpool(live.start, begin)
    return _stream(completion.chunks(live.follow(), text, include_usage=body.include_usage), request)


def _answering(body: ChatRequest, footnote: Footnote, access: Access) -> Begin:
    options = body.footnote
    question = checked_question(body.question)
    llm = allowed_llm(options.llm, footnote.settings)
    filters = None if options.filters is None else parse_filter(options.filters)

    def begin(cancellation: Cancellation) -> Iterator[AnswerEvent]:
        return footnote.answerer(llm).events(
            question,
            collection=body.model or footnote.settings.collection,
            access=access,
            k=options.k,
            policy=options.grounding_policy,
            filters=filters,
            history=body.history,
            cancellation=cancellation,
        )

    return begin


def _stream(chunks: AsyncIterator[ChatChunk], request: Request) -> Response:
    return EventSourceResponse(
        _events(chunks, request),
        ping=HEARTBEAT_SECONDS,
        ping_message_factory=lambda: ServerSentEvent(comment="heartbeat", sep=LINE_END),
        sep=LINE_END,
    )


async def _events(chunks: AsyncIterator[ChatChunk], request: Request) -> AsyncIterator[ServerSentEvent]:
    try:
        async for chunk in chunks:
            yield ServerSentEvent(data=chunk.model_dump_json(), sep=LINE_END)
        yield ServerSentEvent(data=END, sep=LINE_END)
    except Exception as exc:  # noqa: BLE001  # the status line is long gone; the client must hear of it
        error = openai_error(problem_for(request, exc))
        yield ServerSentEvent(data=json.dumps(error, ensure_ascii=False), sep=LINE_END)
