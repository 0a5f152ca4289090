"""No request but an upload may send more than 10 MiB: a body is held in memory before it is looked at."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import UploadTooLarge
from api.schemas.base import MAX_BODY_BYTES

UPLOADS_PATH = "/v1/ingestions"
"""Limits its bodies itself: uploads are written to the disk as they come."""


class BodyLimit:
    """An ASGI layer below :class:`api.security.Guard`, which answers what this one raises."""

    def __init__(self, app: ASGIApp, max_bytes: int = MAX_BODY_BYTES) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, unless the body is, or turns out to be, too large.

        Raises:
            UploadTooLarge: its declared length is over the limit.
        """
        if scope["type"] != "http" or scope["path"] == UPLOADS_PATH:
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "0")
        if declared.isdecimal() and int(declared) > self._max_bytes:
            raise UploadTooLarge(f"The body is larger than {self._max_bytes:,} bytes; send less at a time.")
        received = 0

        async def receive_limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                raise HTTPException(413)  # the one kind of error that passes through a route's body reader
            return message

        await self._app(scope, receive_limited, send)
