"""Seconds per stage of one run."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

STAGES = ("plan", "parse_wait", "embed", "commit", "index")


class Stopwatch:
    """Adds up the seconds of each stage; a stage is measured by one thread."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._seconds: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the block's duration towards ``name``."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[name] += time.perf_counter() - started

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return time.perf_counter() - self._started

    def by_stage(self) -> dict[str, float]:
        """Seconds by stage, those that did not run included."""
        return {name: self._seconds[name] for name in STAGES}
