"""One thread that does for many callers at once what they wait for one by one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class _Job(NamedTuple, Generic[T, R]):
    item: T
    future: Future[R]


class MicroBatcher(Generic[T, R]):
    """Gives ``run`` whatever waits, at most ``most`` items at once, and never waits for more to come.

    While a batch runs the next one gathers, so batches are as large as the load and a single caller is served
    at once. The thread starts with the first call.

    Args:
        run: items to as many results, in order. When it fails, each item is tried on its own, so that a bad
            one fails its own caller alone.
    """

    def __init__(self, name: str, run: Callable[[Sequence[T]], Sequence[R]], *, most: int) -> None:
        self._name = name
        self._run = run
        self._most = most
        self._waiting: SimpleQueue[_Job[T, R] | None] = SimpleQueue()
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def result(self, item: T) -> R:
        """What ``run`` makes of ``item``. Raises: whatever it raises; RuntimeError after :meth:`close`."""
        job: _Job[T, R] = _Job(item, Future())
        with self._guard:
            if self._is_closed:
                raise RuntimeError(f"The thread {self._name!r} has ended; nothing is done for {item!r}.")
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                self._thread.start()
            self._waiting.put(job)
        try:
            return job.future.result()
        except BaseException:
            job.future.cancel()  # an interrupted caller wants nothing done any more
            raise

    def close(self) -> None:
        """End the thread after what waits already."""
        with self._guard:
            thread, self._is_closed = self._thread, True
            self._waiting.put(None)
        if thread is not None:
            thread.join()

    def _work(self) -> None:
        is_over = False
        while not is_over:
            jobs = [self._waiting.get()]
            try:
                while jobs[-1] is not None and len(jobs) < self._most:
                    jobs.append(self._waiting.get_nowait())
            except Empty:
                pass
            is_over = jobs[-1] is None
            wanted = [job for job in jobs if job is not None and job.future.set_running_or_notify_cancel()]
            if wanted:
                self._do(wanted)

    def _do(self, jobs: Sequence[_Job[T, R]]) -> None:
        try:
            results = self._run([job.item for job in jobs])
            if len(results) != len(jobs):
                raise ValueError(f"{self._name}: {len(results)} results for {len(jobs)} items.")
        except Exception as exc:  # noqa: BLE001  it reaches the callers
            if len(jobs) == 1:
                jobs[0].future.set_exception(exc)
                return
            for job in jobs:
                self._do([job])
        else:
            for job, result in zip(jobs, results, strict=True):
                job.future.set_result(result)
