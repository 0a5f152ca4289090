"""Files behind a URL: ``s3://``, ``gs://``, ``az://``, ``sftp://`` and whatever else fsspec knows.

Listed with size and time like a folder; a file is downloaded only when it has to be read, just before a
parser does, and its copy is removed after. Credentials come from where the provider's own tools find them.
"""

from __future__ import annotations

import errno
import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit, urlunsplit

from fsspec.core import url_to_fs
from fsspec.spec import AbstractFileSystem

from ingest.result import IngestFailure
from ingest.sources import Scan, Source, SourceFile, is_ignored, open_source
from rag.errors import SourceError

EXTRAS = {
    "s3": "s3",
    "s3a": "s3",
    "gs": "gcs",
    "gcs": "gcs",
    "az": "azure",
    "abfs": "azure",
    "abfss": "azure",
    "sftp": "sftp",
    "ssh": "sftp",
}
"""URL scheme to the extra that brings its package."""

_LOCAL = ("file", "local")
_TIMES = ("mtime", "LastModified", "last_modified", "updated", "modified", "created")
_TAGS = ("ETag", "etag", "md5Hash", "content_md5", "checksum")
_BLOCK = 1 << 20
_log = logging.getLogger(__name__)


def open_location(location: str) -> Source:
    """The source for a path or a URL given by a person.

    Raises:
        SourceError: ``folder_not_found``, ``folder_unreadable`` or ``source_unreachable``.
    """
    if "://" not in location:
        return open_source(location)
    scheme, _, path = location.partition("://")
    return open_source(path) if scheme in _LOCAL else RemoteSource(location)


class RemoteSource:
    """Every document below a URL, or the one it names; hidden and temporary files are passed over.

    Raises:
        SourceError: ``source_unreachable``; the message says which extra is missing.
    """

    def __init__(self, url: str) -> None:
        if "::" in url:
            raise SourceError("source_unreachable", f"{url!r} is a chain of URLs; name one place.")
        self._url = shown(url)
        self._files, self._root = _connect(url)
        self._is_file = self._called(self._files.info, self._root)["type"] == "file"
        self.complete = not self._is_file
        self.root = self._url.rpartition("/")[0] if self._is_file else self._url
        self.label = self.root.rstrip("/").rpartition("/")[2]

    def scan(self) -> Scan:
        """List the files; a listing that fails anywhere is no listing, so nothing counts as removed."""
        self._files.invalidate_cache()
        folder = self._root.rpartition("/")[0] if self._is_file else self._root
        files = []
        failures = []
        for info in self._called(lambda: list(self._entries())):
            path = info["name"].removeprefix(folder).strip("/")
            if any(is_ignored(name) for name in path.split("/")):
                continue
            if info["type"] == "file":
                files.append(self._file(path, info))
            else:
                message = "This is not an ordinary file (a link, a device, a pipe or a socket)."
                failures.append(IngestFailure(path=path, code="unsupported_type", message=message))
        return Scan(
            files=tuple(sorted(files, key=lambda file: file.path)),
            failures=tuple(sorted(failures, key=lambda failure: failure.path)),
        )

    def _entries(self) -> Iterator[Mapping[str, Any]]:
        """All below the root but folders. Not fsspec's own walk, which skips folders that it cannot list."""
        if self._is_file:
            yield self._files.info(self._root)
            return
        folders = [self._root]
        while folders:
            folder = folders.pop()
            for info in self._files.ls(folder, detail=True):
                name = info["name"].rstrip("/")
                if info["type"] == "directory":
                    if name != folder.rstrip("/"):
                        folders.append(name)
                elif name != folder.rstrip("/"):  # object stores list a folder's marker as a file in it
                    yield info

    def _file(self, path: str, info: Mapping[str, Any]) -> SourceFile:
        size = int(info.get("size") or 0)
        return SourceFile(
            path=path,
            local=Path(path),
            size=size,
            mtime_ns=changed_ns(info),
            download=partial(_download, self._files, info["name"], size),
        )

    def _called(self, call: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return call(*arguments)
        except FileNotFoundError as exc:
            raise SourceError("folder_not_found", f"{self._url} does not exist; check the address.") from exc
        except Exception as exc:
            raise _unreachable(self._url, exc) from exc


def shown(url: str) -> str:
    """The URL without credentials, query and closing slash, which is what is stored; a path as it is."""
    if "://" not in url:
        return url
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))


def changed_ns(info: Mapping[str, Any]) -> int:
    """When a file changed, in nanoseconds; without a time a number that changes with its tag.

    A place that tells neither gets the present: such files are downloaded and compared at each sync.
    """
    for key in _TIMES:
        if (time := info.get(key)) is not None:
            return _nanoseconds(time)
    for key in _TAGS:
        if tag := info.get(key):
            return int.from_bytes(hashlib.sha256(str(tag).encode()).digest()[:7])
    return _nanoseconds(datetime.now(UTC))


def _nanoseconds(time: datetime | str | float) -> int:
    if isinstance(time, str):
        time = datetime.fromisoformat(time)
    seconds = time.timestamp() if isinstance(time, datetime) else time
    return round(seconds * 1_000_000) * 1000


def _connect(url: str) -> tuple[AbstractFileSystem, str]:
    scheme = urlsplit(url).scheme
    try:
        files, root = url_to_fs(url, use_listings_cache=False, skip_instance_cache=True)
    except ImportError as exc:
        if scheme in EXTRAS:
            needed = f"pip install 'footnote[{EXTRAS[scheme]}]'"
            raise SourceError("source_unreachable", f"{scheme}:// needs a package: {needed}.") from exc
        raise SourceError("source_unreachable", f"{scheme}:// needs a package: {exc}.") from exc
    except Exception as exc:
        raise _unreachable(shown(url), exc) from exc
    return files, root.rstrip("/")


def _unreachable(url: str, exc: Exception) -> SourceError:
    # What a provider's library says may hold keys; it goes no further than the log at level DEBUG.
    _log.debug("%s cannot be listed", url, exc_info=exc)
    return SourceError(
        "source_unreachable",
        f"{url} cannot be listed ({type(exc).__name__}); check the address, the network and the credentials "
        "that the provider's own tools would use. Nothing was changed.",
    )


def _download(files: AbstractFileSystem, name: str, size: int, to: Path) -> None:
    """Copy a file. Raises: OSError, also when it is not as long as it was listed."""
    try:
        with files.open(name, "rb") as source, to.open("xb") as target:
            copied = _copy(source, target, limit=size)
    except FileNotFoundError as exc:
        raise OSError(errno.ENOENT, "it is not there any more") from exc
    except Exception as exc:
        _log.debug("%s cannot be downloaded", name, exc_info=exc)
        raise OSError(errno.EIO, f"the download failed: {type(exc).__name__}") from exc
    if copied != size:
        raise OSError(errno.EAGAIN, "it changed while it was downloaded")


def _copy(source: IO[bytes], target: IO[bytes], *, limit: int) -> int:
    """Copy at most one block more than ``limit`` bytes; returns how many."""
    copied = 0
    while copied <= limit and (block := source.read(_BLOCK)):
        copied += target.write(block)
    return copied
