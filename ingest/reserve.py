"""A little disk space set aside, so that the end of a job can be recorded on a disk that is full."""

from __future__ import annotations

import errno
import os
from pathlib import Path

RESERVED_BYTES = 512 * 1024
_FULL = (errno.ENOSPC, errno.EDQUOT)


class Reserve:
    """A file that only takes up space; servers over one data directory share it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def fill(self) -> None:
        """Take the space, if it is not taken; on a full disk, do without."""
        if self._path.exists():
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with self._path.open("xb") as file:
                os.posix_fallocate(file.fileno(), 0, RESERVED_BYTES)
        except FileExistsError:  # another server was faster
            return
        except OSError as exc:
            self.spend()
            if exc.errno not in _FULL:
                raise

    def spend(self) -> bool:
        """Give the space back to the disk; whether there was any."""
        try:
            self._path.unlink()
        except FileNotFoundError:
            return False
        return True
