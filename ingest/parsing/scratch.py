"""The folder for the parsers' temporary files, which is gone afterwards even if this process is killed."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from shutil import rmtree

from filelock import FileLock, Timeout

_PREFIX = "footnote-parsing-"
_LOCK = "lock"
_SETTLED_S = 60.0  # a younger folder may be about to be locked


class Scratch:
    """A folder that this process holds; making one removes those whose process was killed."""

    def __init__(self) -> None:
        _sweep(Path(tempfile.gettempdir()))
        self.folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self._lock = FileLock(self.folder / _LOCK)
        self._lock.acquire()

    def remove(self) -> None:
        """Remove the folder and everything in it."""
        self._lock.release()
        rmtree(self.folder, ignore_errors=True)


def _sweep(place: Path) -> None:
    """Remove folders that nobody holds any more, and that are ours to remove."""
    for folder in place.glob(f"{_PREFIX}*"):
        try:
            facts = folder.stat()
            if facts.st_uid != os.geteuid() or time.time() - facts.st_mtime < _SETTLED_S:
                continue
            with FileLock(folder / _LOCK, timeout=0):
                rmtree(folder, ignore_errors=True)
        except (Timeout, OSError):  # another process works in it, or has just removed it
            continue
