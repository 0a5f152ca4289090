"""How long tests wait, chosen so that no result depends on how busy the machine is.

What must happen is waited for far longer than it ever takes; what must not be waited for would take longer
than a test may, so that it ends in pytest's own timeout.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

LONG_S = 100.0
"""Seconds: whatever works has happened by then, on the slowest machine."""

FOREVER_S = 1000.0
"""Seconds: more than any test may take (``timeout`` in pyproject.toml), so nobody can have waited for it."""


def wait_for(condition: Callable[[], T], *, seconds: float = LONG_S) -> T:
    """What ``condition`` gives as soon as it gives something."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited in vain for {seconds:g} seconds"
        time.sleep(0.02)
    return found


class Clock:
    """Seconds that pass when the test says so: a stand-in for ``time.monotonic`` or a module's ``time``."""

    now = 0.0

    def __call__(self) -> float:
        return self.now

    monotonic = __call__
