"""Uploaded files: streamed to a staging folder, named safely, then moved where a job ingests them.

With an idempotency key an upload's folder is named by the key and by what was sent, so that sending it again
is the same request. What becomes of the files afterwards: :mod:`ingest.uploads`.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import unicodedata
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from uuid import uuid4

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool

from api.errors import UploadTooLarge
from rag.errors import DiskFull, InvalidRequest

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

STAGING = "staging"
MAX_NAME_BYTES = 200
MAX_FIELD_BYTES = 10_000
MEBIBYTE = 1024 * 1024
_UNSAFE = re.compile(r"[\x00-\x1f\x7f<>:\"|?*\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, kw_only=True, slots=True)
class UploadedFile:
    """A received file in the staging folder, under its safe name."""

    name: str
    path: Path
    size: int
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """A whole multipart request."""

    files: tuple[UploadedFile, ...]
    fields: dict[str, str]


def upload_folder(
    uploads: Path, files: tuple[UploadedFile, ...], groups: Sequence[str], key: str | None
) -> Path:
    """Where the job reads these files: the same for the same files, groups and idempotency key."""
    facts = [key or uuid4().hex, groups, sorted((file.name, file.sha256) for file in files)]
    return uploads / hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def forget_file(uploads: Path, name: str) -> None:
    """Remove every uploaded state of the file of that name."""
    for folder in uploads.iterdir() if uploads.is_dir() else ():
        (folder / name).unlink(missing_ok=True)


def safe_name(sent: str) -> str:
    """The last component of a sent file name, without what file systems or readers stumble over.

    Raises:
        InvalidRequest: nothing is left of it.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", sent))[-1]
    name = _UNSAFE.sub("_", last).strip().lstrip(".~$")  # those would count as hidden or temporary
    stem, dot, suffix = name.rpartition(".")
    if not dot:
        stem, suffix = name, ""
    room = MAX_NAME_BYTES - len((dot + suffix).encode())
    if not stem or room < 1:
        raise InvalidRequest(
            f"File name {sent[:100]!r} cannot be used; send one with a name and an extension."
        )
    return stem.encode()[:room].decode(errors="ignore") + dot + suffix


@contextmanager
def staging_folder(data_dir: Path) -> Iterator[Path]:
    """A fresh folder on the same file system as the uploads, removed afterwards.

    Raises:
        DiskFull: no space was left for what was written there.
    """
    folder = data_dir / STAGING / uuid4().hex
    try:
        folder.mkdir(parents=True)
        yield folder
    except OSError as exc:
        if exc.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise DiskFull("No space is left for the uploaded files; free some, then send them again.") from exc
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def place(files: tuple[UploadedFile, ...], folder: Path) -> bool:
    """Move staged files to ``folder``, all in one step; whether they were not there already."""
    if folder.exists():
        return False
    ready = files[0].path.parent / "ready"
    ready.mkdir()
    for file in files:
        os.replace(file.path, ready / file.name)
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        ready.rename(folder)
    except OSError as exc:
        if exc.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        return False  # the same request at the same moment was faster
    return True


async def receive_upload(
    stream: AsyncIterator[bytes], content_type: str, *, folder: Path, max_mb: int
) -> Upload:
    """Read a multipart body into ``folder``, never holding more than a network chunk in memory.

    Raises:
        UploadTooLarge: the body is larger than ``max_mb``.
        InvalidRequest: it is not multipart, breaks off, or names a file twice.
    """
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if not boundary:
        raise InvalidRequest(
            "The multipart body names no boundary; let your HTTP client set the Content-Type."
        )
    receiver = _Receiver(folder)
    received = 0
    try:
        parser = MultipartParser(boundary, callbacks=receiver.callbacks())
        async for chunk in stream:
            received += len(chunk)
            if received > max_mb * MEBIBYTE:
                raise UploadTooLarge(f"The upload is larger than {max_mb} MB; send fewer files at a time.")
            await run_in_threadpool(parser.write, chunk)
        parser.finalize()
    except FormParserError as exc:
        raise InvalidRequest("The multipart body is malformed; let your HTTP client build it.") from exc
    finally:
        receiver.close()
    if not receiver.complete:
        raise InvalidRequest("The multipart body breaks off before its end; send it again.")
    return Upload(files=tuple(receiver.files), fields=receiver.fields)


@dataclass(slots=True)
class _Part:
    """The part being received: a field gathers bytes, a file is written as it comes."""

    field_name: str
    file_name: str | None
    target: Path | None
    handle: BinaryIO | None
    value: bytearray = field(default_factory=bytearray)
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    size: int = 0


class _Receiver:
    """Turns the parser's events into files and fields."""

    def __init__(self, folder: Path) -> None:
        self.files: list[UploadedFile] = []
        self.fields: dict[str, str] = {}
        self.complete = False
        self._folder = folder
        self._header = (bytearray(), bytearray())
        self._disposition = b""
        self._part: _Part | None = None

    def callbacks(self) -> MultipartCallbacks:
        """The parser's hooks."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
            "on_header_end": self._end_header,
            "on_headers_finished": self._open_part,
            "on_part_data": self._write,
            "on_part_end": self._end_part,
            "on_end": self._end,
        }

    def close(self) -> None:
        """Close the file of a part that was cut off."""
        if self._part and self._part.handle:
            self._part.handle.close()

    def _begin(self) -> None:
        self._disposition = b""

    def _end_header(self) -> None:
        name, value = (bytes(part) for part in self._header)
        self._header = (bytearray(), bytearray())
        if name.lower() == b"content-disposition":
            self._disposition = value

    def _open_part(self) -> None:
        _, options = parse_options_header(self._disposition)
        field_name = options.get(b"name", b"").decode(errors="replace")
        sent = options.get(b"filename")
        if sent is None:
            self._part = _Part(field_name, None, None, None)
            return
        if field_name != "files":
            raise InvalidRequest(f"Files arrive in the field 'files', not {field_name[:80]!r}.")
        name = safe_name(sent.decode(errors="replace"))
        if any(file.name == name for file in self.files):
            raise InvalidRequest(f"Two files are named {name!r}; send each name once.")
        target = self._folder / f"{len(self.files)}"
        self._part = _Part(field_name, name, target, target.open("wb"))

    def _write(self, data: bytes, start: int, end: int) -> None:
        part = self._part
        assert part is not None
        piece = data[start:end]
        part.size += len(piece)
        if part.handle:
            part.handle.write(piece)
            part.digest.update(piece)
        elif part.size > MAX_FIELD_BYTES:
            raise InvalidRequest(f"Field {part.field_name[:80]!r} is longer than {MAX_FIELD_BYTES:,} bytes.")
        else:
            part.value.extend(piece)

    def _end_part(self) -> None:
        part, self._part = self._part, None
        assert part is not None
        if part.handle is None or part.target is None or part.file_name is None:
            self.fields[part.field_name] = part.value.decode(errors="replace")
            return
        part.handle.close()
        self.files.append(
            UploadedFile(
                name=part.file_name, path=part.target, size=part.size, sha256=part.digest.hexdigest()
            )
        )

    def _end(self) -> None:
        self.complete = True
