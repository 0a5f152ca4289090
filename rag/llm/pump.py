"""A chat model's chunks as they come, from a call that can be given up at any moment.

The call runs beside the one who waits for it: in a task of one event loop, kept by a thread of its own for
as long as the process lives, because the clients' connections belong to the loop that opened them. Giving up
cancels the task, which closes the connection. A model without asynchronous calls is read in a thread: there
the waiting ends at once, and the call itself when its next chunk comes or its client's time is up.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, aclosing, closing
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage
from langsmith import tracing_context

from rag.cancellation import Cancellation
from rag.errors import GenerationCancelled


@dataclass(frozen=True, slots=True)
class _End:
    """Nothing more comes; ``error`` says why, unless the answer is whole."""

    error: Exception | None = None


_Arrived = SimpleQueue[AIMessageChunk | _End]
_GiveUp = Callable[[], object]
_CANCELLED_AGAIN_S = 0.2


def stream_chunks(
    model: BaseChatModel, messages: Sequence[BaseMessage], *, deadline: float, cancellation: Cancellation
) -> Iterator[AIMessageChunk]:
    """The model's chunks, each as soon as it is there; closing the iterator gives the call up.

    Args:
        deadline: on the clock of ``time.monotonic``; infinite for none.

    Raises:
        GenerationCancelled: at once when cancelled.
        TimeoutError: the deadline is past, whether the model is silent or still sends.
        Exception: whatever the provider's client raises.
    """
    arrived: _Arrived = SimpleQueue()
    with cancellation.calling(lambda: arrived.put(_End())):
        if cancellation.is_cancelled:
            raise _cancelled()
        give_up = _start(model, messages, arrived)
        try:
            while True:
                item = _next(arrived, deadline)
                if cancellation.is_cancelled:
                    raise _cancelled()
                if isinstance(item, _End):
                    if item.error is not None:
                        raise item.error
                    return
                yield item
        finally:
            give_up()


def _cancelled() -> GenerationCancelled:
    return GenerationCancelled("The answer was given up: whoever asked no longer waits for it.")


def _next(arrived: _Arrived, deadline: float) -> AIMessageChunk | _End:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    try:
        return arrived.get(timeout=min(left, threading.TIMEOUT_MAX))
    except Empty:
        raise TimeoutError from None


def _start(model: BaseChatModel, messages: Sequence[BaseMessage], arrived: _Arrived) -> _GiveUp:
    if _is_asynchronous(model):
        return _Call(model, messages, arrived, _CALLS.loop()).give_up
    given_up = threading.Event()
    threading.Thread(
        target=_read_blocking,
        args=(model, messages, arrived, given_up),
        name="footnote-llm-call",
        daemon=True,
    ).start()
    return given_up.set


def _is_asynchronous(model: BaseChatModel) -> bool:
    """Whether the model's class brings calls that do not block; the base class only wraps blocking ones."""
    kind = type(model)
    if kind._stream is not BaseChatModel._stream:
        return kind._astream is not BaseChatModel._astream
    return kind._astream is not BaseChatModel._astream or kind._agenerate is not BaseChatModel._agenerate


def _untraced() -> AbstractContextManager[None]:
    """Passages go to the model alone, whatever the environment asks LangSmith to trace."""
    context: AbstractContextManager[None] = tracing_context(enabled=False)
    return context


class _Call:
    """A task of the event loop that reads a model's chunks."""

    def __init__(
        self,
        model: BaseChatModel,
        messages: Sequence[BaseMessage],
        arrived: _Arrived,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._model = model
        self._messages = messages
        self._arrived = arrived
        self._loop = loop
        self._given_up = False
        self._task: asyncio.Task[None] | None = None
        loop.call_soon_threadsafe(self._start)

    def give_up(self) -> None:
        """End the call, from any thread; nothing happens when it is over already."""
        self._loop.call_soon_threadsafe(self._cancel)

    def _start(self) -> None:
        self._task = self._loop.create_task(self._read())

    def _cancel(self) -> None:
        self._given_up = True
        assert self._task is not None, "what is scheduled first runs first"
        if self._task.cancel():  # once more later: in Python 3.11 ``wait_for`` may lose a cancellation
            self._loop.call_later(_CANCELLED_AGAIN_S, self._cancel)

    async def _read(self) -> None:
        error: Exception | None = ConnectionError("The call ended without an answer.")
        try:
            with _untraced():
                async with aclosing(self._model.astream(list(self._messages))) as stream:  # type: ignore[type-var]
                    async for chunk in stream:
                        if self._given_up:
                            return
                        self._arrived.put(chunk)
            error = None
        except Exception as exc:  # noqa: BLE001  # raised again where somebody waits for it
            error = exc
        finally:
            self._arrived.put(_End(error))


def _read_blocking(
    model: BaseChatModel, messages: Sequence[BaseMessage], arrived: _Arrived, given_up: threading.Event
) -> None:
    error: Exception | None = None
    try:
        with _untraced(), closing(model.stream(list(messages))) as stream:  # type: ignore[type-var]
            for chunk in stream:
                if given_up.is_set():
                    break
                arrived.put(chunk)
    except Exception as exc:  # noqa: BLE001  # raised again where somebody waits for it
        error = exc
    finally:
        arrived.put(_End(error))


class _LoopThread:
    """The one event loop that all models' calls run in, in a thread that begins with the first of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop; a new one where a library's way of giving up (``SystemExit``) ended the thread."""
        with self._lock:
            if self._loop is None or self._thread is None or not self._thread.is_alive():
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="footnote-llm", daemon=True
                )
                self._thread.start()
            return self._loop


_CALLS = _LoopThread()
