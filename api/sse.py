"""Server-sent events: with ids, kept alive by comments, and ended by ``done`` or ``error``."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable

from sse_starlette import EventSourceResponse, ServerSentEvent

from api.errors import problem_of
from api.schemas.base import Body

HEARTBEAT_SECONDS = 10
RETRY_MS = 500
"""How long a client is told to wait before it connects again."""

LINE_END = "\n"
Named = tuple[str, Body]
Identify = Callable[[int, Named], str]
"""The id of an event, given its number in this response, from 1."""


def event_stream(events: AsyncIterator[Named], *, request_id: str, identify: Identify) -> EventSourceResponse:
    """Stream ``(name, body)`` pairs; a failure on the way becomes an ``error`` event with a problem."""
    return EventSourceResponse(
        _identified(events, request_id, identify),
        ping=HEARTBEAT_SECONDS,
        ping_message_factory=lambda: ServerSentEvent(comment="heartbeat", sep=LINE_END),
        sep=LINE_END,
    )


async def _identified(
    events: AsyncIterator[Named], request_id: str, identify: Identify
) -> AsyncIterator[ServerSentEvent]:
    number = 0
    try:
        async for name, body in events:
            number += 1
            yield ServerSentEvent(
                id=identify(number, (name, body)),
                event=name,
                data=body.model_dump_json(),
                retry=RETRY_MS if number == 1 else None,
                sep=LINE_END,
            )
    except Exception as exc:  # noqa: BLE001  # the status line is long gone; the client must hear of it
        data = json.dumps(problem_of(exc, request_id=request_id), ensure_ascii=False)
        yield ServerSentEvent(id=f"{request_id}-error", event="error", data=data, sep=LINE_END)
