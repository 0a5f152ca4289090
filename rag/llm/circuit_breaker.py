"""A language model that keeps failing is left alone for a while, so that nobody waits for it in vain."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum

from rag.errors import GenerationFailed


class BreakerState(StrEnum):
    """Closed lets calls through, open lets none, half open lets one try."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half open"


class CircuitBreaker:
    """Counts a model's failures in a row; shared by all threads that call the model.

    Args:
        failures: after so many in a row it opens.
        rest_s: seconds until one call may try again; if that one fails too, it opens anew.
        clock: seconds, never going back.
    """

    def __init__(
        self,
        name: str,
        *,
        failures: int = 5,
        rest_s: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._allowed = failures
        self._rest_s = rest_s
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._opened_at: float | None = None
        self._trial: object | None = None

    @property
    def state(self) -> BreakerState:
        """What the next call will meet."""
        with self._lock:
            if self._opened_at is None:
                return BreakerState.CLOSED
            return BreakerState.OPEN if self._trial or self._rest_left() > 0 else BreakerState.HALF_OPEN

    @contextmanager
    def call(self, *, counts: Callable[[BaseException], bool]) -> Iterator[Callable[[], None]]:
        """Around one call; gives what to call as soon as it has succeeded, which closes the breaker.

        An error that ``counts`` brings it nearer to opening; others, such as a cancellation, say nothing
        about the model and change nothing.

        Raises:
            GenerationFailed: the breaker is open, or another call is trying.
        """
        mine = self._enter()
        try:
            yield self._succeeded
        except BaseException as exc:
            if counts(exc):
                self._failed(is_trial=mine is not None)
            raise
        finally:
            with self._lock:
                if mine is not None and self._trial is mine:
                    self._trial = None

    def _enter(self) -> object | None:
        """A mark of this trial, or none where nothing is to be tried."""
        with self._lock:
            if self._opened_at is None:
                return None
            left = self._rest_left()
            if left > 0 or self._trial is not None:
                again = f"in {max(1, round(left))} s" if left > 0 else "by another question just now"
                raise GenerationFailed(
                    f"The language model {self._name} is left alone after {self._failures} failures "
                    f"in a row; it is tried again {again}."
                )
            self._trial = object()
            return self._trial

    def _failed(self, *, is_trial: bool) -> None:
        with self._lock:
            self._failures += 1
            if is_trial or (self._opened_at is None and self._failures >= self._allowed):
                self._opened_at = self._clock()

    def _succeeded(self) -> None:
        with self._lock:
            self._failures, self._opened_at, self._trial = 0, None, None

    def _rest_left(self) -> float:
        assert self._opened_at is not None
        return self._opened_at + self._rest_s - self._clock()
