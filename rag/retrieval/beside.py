"""Work that runs in another thread while the caller goes on."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")


class Errand(Generic[T]):
    """A call that another thread has taken on, unless the caller is the first to need it."""

    def __init__(self, call: Callable[[], T], future: Future[T]) -> None:
        self._call = call
        self._future = future

    def result(self) -> T:
        """What the call returned, or raised; it runs here if no thread has begun it."""
        return self._call() if self._future.cancel() else self._future.result()

    def forget(self) -> None:
        """Nobody wants the result any more; not to be begun, if it has not been."""
        self._future.cancel()


class Beside:
    """A few threads that do errands; when all are busy, the callers do their own.

    A call therefore never waits for other callers' ones.
    """

    def __init__(self, name: str, *, threads: int = 0) -> None:
        self._pool = ThreadPoolExecutor(threads or os.cpu_count() or 1, thread_name_prefix=name)

    def run(self, call: Callable[[], T]) -> Errand[T]:
        """Begin ``call`` as soon as a thread is free."""
        return Errand(call, self._pool.submit(call))

    def close(self) -> None:
        """End the threads, after what they have begun."""
        self._pool.shutdown(cancel_futures=True)
