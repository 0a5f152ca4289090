"""How much memory a command takes, its child processes included."""

from __future__ import annotations

import threading
from types import TracebackType

import psutil

_SECONDS_BETWEEN_LOOKS = 0.1


class MemoryWatch:
    """Looks at the resident memory of this process and its children while the ``with`` block runs.

    Not ``getrusage``: its peak of a child includes that of the process which started it, and nothing there
    tells what parent and children take at the same time.

    Attributes:
        own_mb, children_mb, total_mb: the largest seen, in MiB; ``total_mb`` is that of both together.
    """

    def __init__(self) -> None:
        self.own_mb = 0.0
        self.children_mb = 0.0
        self.total_mb = 0.0
        self._process = psutil.Process()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="memory", daemon=True)

    def __enter__(self) -> MemoryWatch:
        self._look()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._look()

    def _run(self) -> None:
        while not self._over.wait(_SECONDS_BETWEEN_LOOKS):
            self._look()

    def _look(self) -> None:
        own = _resident_mb(self._process)
        children = sum(_resident_mb(child) for child in self._process.children(recursive=True))
        self.own_mb = max(self.own_mb, own)
        self.children_mb = max(self.children_mb, children)
        self.total_mb = max(self.total_mb, own + children)


def resident_mb() -> float:
    """Resident memory of this process, in MiB."""
    return _resident_mb(psutil.Process())


def _resident_mb(process: psutil.Process) -> float:
    try:
        return float(process.memory_info().rss) / 2**20
    except psutil.NoSuchProcess:  # it has ended since it was listed
        return 0.0
