"""Run a stage in its own thread, a bounded amount ahead of the next one."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")


class Ahead(Generic[T]):
    """Iterates over ``items`` while a thread produces the next ones.

    The thread pauses when what it has produced and nobody has taken yet weighs ``limit`` or more. An error
    in ``items`` is raised where they are consumed. Leaving the ``with`` block closes ``items`` in the thread
    and waits for it.
    """

    def __init__(self, items: Generator[T], *, limit: int, weigh: Callable[[T], int], name: str) -> None:
        self._items = items
        self._limit = limit
        self._weigh = weigh
        self._ready: deque[T] = deque()
        self._weight = 0
        self._error: BaseException | None = None
        self._is_over = False
        self._is_closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Ahead[T]:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._thread.join()

    def __iter__(self) -> Ahead[T]:
        return self

    def __next__(self) -> T:
        with self._changed:
            while not self._ready and not self._is_over:
                self._changed.wait()
            if self._ready:
                item = self._ready.popleft()
                self._weight -= self._weigh(item)
                self._changed.notify_all()
                return item
        if self._error is not None:
            raise self._error
        raise StopIteration

    def _run(self) -> None:
        try:
            for item in self._items:
                if not self._put(item):
                    break
        except BaseException as exc:  # noqa: BLE001 - raised again in the consuming thread
            self._error = exc
        finally:
            self._items.close()
            with self._changed:
                self._is_over = True
                self._changed.notify_all()

    def _put(self, item: T) -> bool:
        with self._changed:
            while self._weight >= self._limit and not self._is_closed:
                self._changed.wait()
            if self._is_closed:
                return False
            self._ready.append(item)
            self._weight += self._weigh(item)
            self._changed.notify_all()
            return True
