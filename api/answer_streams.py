"""Answers that are being written, apart from the connections over which they are followed.

An answer is written by a thread of its own, and its events are kept for a while: a connection that broke is
taken up where it ended, and an answer that nobody follows any more is given up.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import chain
from uuid import uuid4

from api.errors import StreamNotFound
from rag.answering.events import AnswerEvent
from rag.cancellation import Cancellation
from rag.errors import InvalidRequest

GRACE_SECONDS = 3.0
"""How long an answer is written on after its last follower has gone: long enough to connect again."""

KEPT_SECONDS = 120.0
"""How long the events of an answer can be asked for again after its end."""

MOST_KEPT = 200
Begin = Callable[[Cancellation], Iterator[AnswerEvent]]


class LiveAnswer:
    """The events of one answer, for any number of followers.

    Attributes:
        id: names the stream in the ids of its events.
    """

    def __init__(self, *, owner: str, question: str, grace_s: float) -> None:
        self.id = uuid4().hex
        self.owner = owner
        self.question = question
        self._grace_s = grace_s
        self._lock = threading.Lock()
        self._events: list[AnswerEvent] = []
        self._ended_at: float | None = None
        self._failure: BaseException | None = None
        self._followers: set[_Follower] = set()
        self._cancellation = Cancellation()

    def start(self, begin: Begin) -> None:
        """Have the answer written. Raises: what ``begin`` raises before its first event."""
        events = begin(self._cancellation)
        first = next(events)
        threading.Thread(
            target=self._write, args=(chain([first], events),), name="answer", daemon=True
        ).start()

    def has_ended(self, *, seconds_ago: float = 0.0) -> bool:
        """Whether nothing will follow, and that for so long."""
        return self._ended_at is not None and time.monotonic() - self._ended_at >= seconds_ago

    def is_told(self, upto: int) -> bool:
        """Whether somebody who has seen the event number ``upto``, from 1, has seen all there will be."""
        with self._lock:
            return self._ended_at is not None and self._failure is None and upto >= len(self._events)

    async def follow(self, after: int = 0) -> AsyncIterator[tuple[int, AnswerEvent]]:
        """The events behind the number ``after`` with their numbers, from 1, as they come.

        Raises: what ended the answer before its time.
        """
        follower = _Follower()
        with self._lock:
            self._followers.add(follower)
        try:
            while True:
                follower.news.clear()
                with self._lock:
                    fresh, ended, failure = self._events[after:], self._ended_at is not None, self._failure
                for event in fresh:
                    after += 1
                    yield after, event
                if ended and failure is not None:
                    raise failure
                if ended:
                    return
                await follower.news.wait()
        finally:
            self._leave(follower)

    def _write(self, events: Iterator[AnswerEvent]) -> None:
        try:
            for event in events:
                self._tell(event)
        except BaseException as exc:  # noqa: BLE001 (its followers raise it)
            self._failure = exc
        self._tell(None)

    def _tell(self, event: AnswerEvent | None) -> None:
        with self._lock:
            if event is None:
                self._ended_at = time.monotonic()
            else:
                self._events.append(event)
            followers = tuple(self._followers)
        for follower in followers:
            follower.wake()

    def _leave(self, follower: _Follower) -> None:
        with self._lock:
            self._followers.discard(follower)
            is_alone = not self._followers and self._ended_at is None
        if is_alone:
            timer = threading.Timer(self._grace_s, self._give_up_if_alone)
            timer.daemon = True
            timer.start()

    def _give_up_if_alone(self) -> None:
        with self._lock:
            is_alone = not self._followers
        if is_alone:
            self._cancellation.cancel()


class _Follower:
    """Wakes a reader in its own event loop."""

    def __init__(self) -> None:
        self.news = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def wake(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.news.set)


class AnswerStreams:
    """The answers that are being written in this process, and those that were a moment ago."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._streams: OrderedDict[str, LiveAnswer] = OrderedDict()

    def begin(self, begin: Begin, *, owner: str, question: str, grace_s: float = GRACE_SECONDS) -> LiveAnswer:
        """Have an answer written that can be followed, and taken up by its owner.

        Args:
            begin: given what cancels it, gives the answer's events.
            grace_s: seconds it is written on while nobody follows it.

        Raises: what ``begin`` raises before the first event.
        """
        stream = LiveAnswer(owner=owner, question=question, grace_s=grace_s)
        stream.start(begin)
        with self._lock:
            self._forget_old()
            self._streams[stream.id] = stream
        return stream

    def resume(self, last_event_id: str, *, owner: str, question: str) -> tuple[LiveAnswer, int]:
        """The stream that an event id belongs to, and the event's number.

        Raises:
            StreamNotFound: it is another's, another server's, or too long ago.
            InvalidRequest: it answers another question.
        """
        stream_id, _, number = last_event_id.rpartition("-")
        with self._lock:
            stream = self._streams.get(stream_id)
        is_number = number.isascii() and number.isdigit() and len(number) < 10
        if stream is None or stream.owner != owner or not is_number:
            raise StreamNotFound(
                f"No answer to go on with at Last-Event-ID {last_event_id[:80]!r}; "
                f"ask again without that header."
            )
        if stream.question != question:
            raise InvalidRequest(
                "Last-Event-ID belongs to the answer to another question; send that question, "
                "or leave the header out."
            )
        return stream, int(number)

    def _forget_old(self) -> None:
        for stream in list(self._streams.values()):
            if stream.has_ended(seconds_ago=KEPT_SECONDS) or len(self._streams) >= MOST_KEPT:
                del self._streams[stream.id]
