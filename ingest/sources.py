"""Where files come from: a folder, one file, or an upload.

A scan lists files and never reads them. What cannot be taken is a failure with a code; the rest goes on.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ingest.result import IngestFailure
from rag.errors import SourceError

_IGNORED_NAMES = frozenset({"thumbs.db", "desktop.ini", "node_modules", "__pycache__", "__macosx"})
_IGNORED_PREFIXES = (".", "~$")
_REMEDIES = {
    errno.ENOENT: "it was removed meanwhile, or is a link that leads nowhere",
    errno.ELOOP: "remove the link, it leads back to itself",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceFile:
    """A file to ingest.

    Attributes:
        path: path below the source's root, ``/``-separated.
        local: where to read it.
        download: for a file that is not on this machine: copies it to a path that does not exist yet, and
            raises ``OSError`` when it cannot; ``local`` is nowhere then.
        title: overrides the title found in the file.
    """

    path: str
    local: Path
    size: int
    mtime_ns: int
    title: str | None = None
    download: Callable[[Path], None] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Scan:
    """What a source holds now.

    Attributes:
        unreadable: paths below the root whose content is unknown, so nothing there counts as removed.
    """

    files: tuple[SourceFile, ...]
    failures: tuple[IngestFailure, ...] = ()
    unreadable: tuple[str, ...] = ()


class Source(Protocol):
    """A set of files that is kept equal to a set of documents."""

    @property
    def root(self) -> str:
        """With a file's path the identity of its document: an absolute folder, or a fixed name."""
        ...

    @property
    def label(self) -> str:
        """What citations show before a file's path."""
        ...

    @property
    def complete(self) -> bool:
        """Whether a scan lists everything below ``root``, so that what it lacks was removed."""
        ...

    def scan(self) -> Scan:
        """List the files, ordered by path. Raises: SourceError when the root itself cannot be read."""
        ...


class FolderSource:
    """Every document below a folder; hidden, temporary and cache files are passed over.

    Raises:
        SourceError: ``folder_not_found`` or ``folder_unreadable``.
    """

    complete = True

    def __init__(self, path: Path | str) -> None:
        self._folder = _existing_folder(Path(path))
        self.root = str(self._folder)
        self.label = self._folder.name

    def scan(self) -> Scan:
        """List the files below the folder."""
        walk = _Walk(self._folder)
        try:
            walk.folder(self._folder, "")
        except OSError as exc:
            raise SourceError("folder_unreadable", _unreadable(self._folder, exc)) from exc
        walk.links()
        return Scan(
            files=tuple(sorted(walk.files, key=lambda file: file.path)),
            failures=tuple(sorted(walk.failures, key=lambda failure: failure.path)),
            unreadable=tuple(walk.unreadable),
        )


class FileSource:
    """One file, as if its folder held nothing else; never removes other documents.

    Raises:
        SourceError: ``file_not_found``.
    """

    complete = False

    def __init__(self, path: Path | str) -> None:
        self._file = Path(path).absolute()
        if not self._file.is_file():
            raise SourceError("file_not_found", f"{str(path)!r} is not a file; check the path.")
        self.root = str(self._file.parent.resolve())
        self.label = Path(self.root).name

    def scan(self) -> Scan:
        """The file, or why it cannot be taken."""
        walk = _Walk(self._file.parent)
        walk.file(self._file, self._file.name)
        return Scan(files=tuple(walk.files), failures=tuple(walk.failures))


class UploadSource:
    """Files sent to the API, stored in ``folder``; the same name again replaces the earlier document."""

    root = "upload"
    label = "upload"
    complete = False

    def __init__(self, folder: Path | str) -> None:
        self._folder = FolderSource(folder)

    def scan(self) -> Scan:
        """List the uploaded files."""
        return self._folder.scan()


def open_source(path: Path | str) -> FolderSource | FileSource:
    """The source for a path given by a person: a file or a folder.

    Raises:
        SourceError: ``folder_not_found`` or ``folder_unreadable``.
    """
    return FileSource(path) if Path(path).is_file() else FolderSource(path)


@dataclass(slots=True)
class _Walk:
    """One pass over a folder; links are followed last, and only to places not seen yet."""

    root: Path
    files: list[SourceFile] = field(default_factory=list)
    failures: list[IngestFailure] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    _links: list[tuple[Path, str]] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)

    def folder(self, folder: Path, path: str) -> None:
        """Take everything below ``folder``, known as ``path`` (empty for the root)."""
        self._seen.add(os.path.realpath(folder))
        for entry in sorted(_entries(folder), key=lambda entry: entry.name):
            below = f"{path}/{entry.name}" if path else entry.name
            if not _is_text(entry.name):
                self._fail(below, "bad_file_name", "The name is not valid UTF-8; rename the file.")
                if entry.is_dir(follow_symlinks=False):
                    self.unreadable.append(below)
            elif entry.is_symlink():
                self._links.append((Path(entry.path), below))
            elif entry.is_dir(follow_symlinks=False):
                self._subfolder(Path(entry.path), below)
            else:
                self.file(Path(entry.path), below)

    def file(self, file: Path, path: str) -> None:
        """Take one file."""
        try:
            facts = file.stat()
        except OSError as exc:
            self._fail(path, "file_unreadable", _unreadable(file, exc))
            return
        if not stat.S_ISREG(facts.st_mode):
            self._fail(
                path, "unsupported_type", "This is not an ordinary file (a device, a pipe or a socket)."
            )
            return
        self._seen.add(os.path.realpath(file))
        self.files.append(SourceFile(path=path, local=file, size=facts.st_size, mtime_ns=facts.st_mtime_ns))

    def links(self) -> None:
        """Follow the symbolic links met so far, and those met while doing so."""
        inside = os.path.realpath(self.root) + os.sep
        while self._links:
            link, path = self._links.pop(0)
            target = os.path.realpath(link)
            if target in self._seen or target + os.sep == inside:
                continue
            if not target.startswith(inside):
                self._fail(
                    path, "symlink_outside", "This link leads out of the folder; copy the file in instead."
                )
            elif os.path.isdir(target):
                self._subfolder(link, path)
            else:
                self.file(link, path)

    def _subfolder(self, folder: Path, path: str) -> None:
        try:
            self.folder(folder, path)
        except OSError as exc:
            self._fail(path, "folder_unreadable", _unreadable(folder, exc))

    def _fail(self, path: str, code: str, message: str) -> None:
        shown = path.encode("utf-8", "backslashreplace").decode("utf-8")
        self.failures.append(IngestFailure(path=shown, code=code, message=message))
        if code in ("folder_unreadable", "file_unreadable", "symlink_outside"):
            self.unreadable.append(path)


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if not is_ignored(entry.name):
                yield entry


def is_ignored(name: str) -> bool:
    """Whether a file or folder of that name is hidden, temporary or a cache: passed over without a word."""
    return name.startswith(_IGNORED_PREFIXES) or name.lower() in _IGNORED_NAMES


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _existing_folder(path: Path) -> Path:
    if not path.exists():
        raise SourceError("folder_not_found", f"The folder {str(path)!r} does not exist; check the path.")
    if not path.is_dir():
        raise SourceError("folder_not_found", f"{str(path)!r} is not a folder; name a folder.")
    try:
        with os.scandir(path):
            return path.resolve()
    except OSError as exc:
        raise SourceError("folder_unreadable", _unreadable(path, exc)) from exc


def _unreadable(path: Path, exc: OSError) -> str:
    return unreadable(repr(str(path)), exc)


def unreadable(named: str, exc: OSError) -> str:
    """The sentence about a file or folder that cannot be read, with what helps."""
    reason = exc.strerror or type(exc).__name__
    return f"{named} cannot be read ({reason}); {_REMEDIES.get(exc.errno or 0, 'check its permissions')}."
