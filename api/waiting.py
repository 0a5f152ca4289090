"""Work that a client waits for, given up when it no longer does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from rag.cancellation import Cancellation

T = TypeVar("T")


async def while_connected(request: Request, work: Callable[[Cancellation], T]) -> T:
    """What ``work`` gives, in a thread; it is cancelled when the client of ``request`` hangs up.

    Raises: what ``work`` raises.
    """
    cancellation = Cancellation()
    watch = asyncio.create_task(_cancel_when_gone(request, cancellation))
    try:
        return await run_in_threadpool(work, cancellation)
    finally:
        watch.cancel()


async def _cancel_when_gone(request: Request, cancellation: Cancellation) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    cancellation.cancel()
