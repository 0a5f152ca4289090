"""Parts that are opened on first use and shared afterwards."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


class Parts:
    """Whatever was opened so far, by name; safe to use from several threads.

    Args:
        given: parts that need not be opened.
    """

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._parts: dict[str, Any] = dict(given)
        self._guard = threading.Lock()
        self._locks: dict[str, threading.RLock] = {}

    def shared(self, name: str, build: Callable[[], T]) -> T:
        """The part ``name``, built at its first use, by one thread; the others are at hand meanwhile."""
        with self._guard:
            lock = self._locks.setdefault(name, threading.RLock())
        with lock:
            part: T | None = self._parts.get(name)
            if part is None:
                part = self._parts[name] = build()
            return part

    def opened(self, prefix: str = "") -> dict[str, Any]:
        """Those that are open and whose names begin with ``prefix``, by what follows it."""
        parts = [*self._parts.items()]
        return {name.removeprefix(prefix): part for name, part in parts if name.startswith(prefix)}

    def forget(self, name: str) -> None:
        """Have the part built anew when it is asked for again."""
        del self._parts[name]
