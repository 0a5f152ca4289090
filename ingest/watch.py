"""Notices changes below folders, once their file system has been quiet for a moment."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from watchfiles import Change, watch

from ingest.sources import is_ignored
from rag.errors import SourceError

_QUIET_MS = 400  # after the last change
_LONGEST_WAIT_MS = 5000  # while changes never end
_LOOK_MS = 500  # how often the folders themselves are looked for, and ``stop`` is

_Identity = tuple[int, int] | None


def changed_folders(folders: Sequence[Path], *, stop: threading.Event) -> Iterator[list[Path]]:
    """Yield the folders to sync: first all that are there, then those below which something changed.

    Changes made while the caller syncs come with the next round. A folder that vanishes is waited for, and
    given again when it is back, but not before it holds something: a drive that is not mounted leaves an
    empty folder behind.

    Raises:
        SourceError: ``folder_unreadable``: the system cannot watch so many folders.
    """
    watched: dict[Path, _Identity] = {}
    while not stop.is_set():
        watched = {folder: _identity(folder, watched.get(folder)) for folder in folders}
        present = [folder for folder in folders if watched[folder] is not None]
        if not present:
            stop.wait(_LOOK_MS / 1000)
            continue
        for changed in _changes(present, stop):
            now = {folder: _identity(folder, watched[folder]) for folder in folders}
            if due := [folder for folder in changed if now[folder] == watched[folder]]:
                yield due
            if now != watched:  # one came or went: watch anew
                break


def _changes(folders: Sequence[Path], stop: threading.Event) -> Iterator[list[Path]]:
    """All folders as soon as they are watched; then those with changes, now and then none."""
    changes = watch(
        *folders,
        watch_filter=lambda _, path: _is_relevant(folders, Path(path)),
        step=_QUIET_MS,
        debounce=_LONGEST_WAIT_MS,
        rust_timeout=_LOOK_MS,
        yield_on_timeout=True,
        stop_event=stop,
        ignore_permission_denied=True,
    )
    try:
        for number, found in enumerate(changes):
            yield _touched(folders, found) if number else list(folders)
    except OSError as exc:
        raise SourceError(
            "folder_unreadable",
            f"The folders cannot be watched ({exc.strerror or exc}): raise the limit "
            "fs.inotify.max_user_watches, or set WATCHFILES_FORCE_POLLING=true.",
        ) from exc


def _touched(folders: Sequence[Path], found: set[tuple[Change, str]]) -> list[Path]:
    return [folder for folder in folders if any(Path(path).is_relative_to(folder) for _, path in found)]


def _is_relevant(folders: Sequence[Path], path: Path) -> bool:
    return any(
        path.is_relative_to(folder) and not any(map(is_ignored, path.relative_to(folder).parts))
        for folder in folders
    )


def _identity(folder: Path, before: _Identity) -> _Identity:
    """Tells a folder from another one of its name; ``None`` while it is gone, or another one and empty."""
    try:
        facts = folder.stat()
        found = facts.st_dev, facts.st_ino
        return found if found == before or any(folder.iterdir()) else None
    except OSError:
        return None
