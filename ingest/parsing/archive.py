"""Files that hold other files: zip archives and gzip files. Nothing is written to disk."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib
from functools import partial

from ingest.parsing.unpacking import read_bounded
from ingest.stages import EmbeddedFile, ParsedDocument
from rag.errors import SourceError

_ENCRYPTED = 0x1
_UTF8_NAME = 0x800
_GZIP_NAME = 0x08
_GZIP_EXTRA = 0x04
_GZIP_HEADER = 10
_PIECE = 1 << 20


def parse_zip(data: bytes) -> ParsedDocument:
    """The members of an archive; it has no text of its own.

    Raises:
        SourceError: ``damaged_file``.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, OverflowError, struct.error) as exc:
        raise _damaged("archive") from exc
    return ParsedDocument(
        blocks=(),
        embedded=tuple(
            EmbeddedFile(name=_member_name(member), read=partial(_member, archive, member))
            for member in archive.infolist()
            if not member.is_dir()
        ),
    )


def parse_gzip(data: bytes) -> ParsedDocument:
    """The one file inside a ``.gz`` file."""
    return ParsedDocument(
        blocks=(), embedded=(EmbeddedFile(name=_gzip_name(data), read=partial(_gunzip, data)),)
    )


def bounded(data: bytes, limit: int) -> bytes:
    """The data itself. Raises: SourceError ``too_large`` when it is more than ``limit`` bytes."""
    if len(data) > limit:
        raise too_large()
    return data


def too_large() -> SourceError:
    """For a file that unpacks to more than it may."""
    return SourceError(
        "too_large", "The file unpacks to more than max_file_mb or max_unpacked_mb allow; split it."
    )


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, limit: int) -> bytes:
    if member.flag_bits & _ENCRYPTED:
        raise SourceError("encrypted_file", "The file has a password in the archive; pack it without one.")
    if member.file_size > limit:
        raise too_large()
    try:
        return read_bounded(archive, member)  # stops at the size that was declared
    except NotImplementedError as exc:
        raise SourceError(
            "unsupported_type", "The archive packs this file in an unusual way; pack it again as plain zip."
        ) from exc
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, struct.error) as exc:
        raise _damaged("file in the archive") from exc


def _member_name(member: zipfile.ZipInfo) -> str:
    """The name; archives without the mark for UTF-8 often hold UTF-8 all the same."""
    if member.flag_bits & _UTF8_NAME:
        return member.filename
    try:
        return member.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return member.filename


def _gunzip(data: bytes, limit: int) -> bytes:
    pieces, size = [], 0
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            while piece := file.read(_PIECE):
                size += len(piece)
                if size > limit:
                    raise too_large()
                pieces.append(piece)
    except (OSError, EOFError, zlib.error, struct.error) as exc:
        raise _damaged("gzip file") from exc
    return b"".join(pieces)


def _gzip_name(data: bytes) -> str:
    """The name in the header; empty when there is none."""
    if len(data) < _GZIP_HEADER or not data[3] & _GZIP_NAME or data[3] & _GZIP_EXTRA:
        return ""
    return data[_GZIP_HEADER : data.find(b"\0", _GZIP_HEADER)].decode("latin-1")


def _damaged(what: str) -> SourceError:
    return SourceError("damaged_file", f"The {what} is damaged; pack it again.")
