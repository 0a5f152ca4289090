"""Server-sent events: numbered, kept alive by comments, and ended by ``done`` or ``error``."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.concurrency import iterate_in_threadpool

from api.errors import problem_of
from api.schemas.base import Body

HEARTBEAT_SECONDS = 10
LINE_END = "\n"
Named = tuple[str, Body]
Identify = Callable[[Named], str]


def event_stream(
    events: AsyncIterator[Named], *, request_id: str, identify: Identify | None = None
) -> EventSourceResponse:
    """Stream ``(name, body)`` pairs; a failure on the way becomes an ``error`` event with a problem.

    ``identify`` gives an event's id, for streams that can be resumed; otherwise they are counted.
    """
    return EventSourceResponse(
        _identified(events, request_id, identify),
        ping=HEARTBEAT_SECONDS,
        ping_message_factory=lambda: ServerSentEvent(comment="heartbeat", sep=LINE_END),
        sep=LINE_END,
    )


def in_threads(events: Iterator[Named]) -> AsyncIterator[Named]:
    """Read a blocking iterator without blocking the event loop."""
    return iterate_in_threadpool(events)


async def _identified(
    events: AsyncIterator[Named], request_id: str, identify: Identify | None
) -> AsyncIterator[ServerSentEvent]:
    number = 0
    try:
        async for name, body in events:
            number += 1
            event_id = identify((name, body)) if identify else str(number)
            yield ServerSentEvent(id=event_id, event=name, data=body.model_dump_json(), sep=LINE_END)
    except Exception as exc:  # noqa: BLE001  # the status line is long gone; the client must hear of it
        data = json.dumps(problem_of(exc, request_id=request_id), ensure_ascii=False)
        yield ServerSentEvent(id=str(number + 1), event="error", data=data, sep=LINE_END)
