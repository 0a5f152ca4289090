"""Opening the zip archives that office formats are, without being flooded by them."""

from __future__ import annotations

import io
import zipfile
from contextvars import ContextVar

from rag.errors import SourceError

OLE_SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
UNPACKED_BYTES: ContextVar[int] = ContextVar("bytes that one file may unpack to", default=1 << 30)
"""Set for each source file from the setting ``max_unpacked_mb``."""
_BOMB_BYTES = 100 << 20
_BOMB_RATIO = 200  # office files pack to a third or a thirtieth, never to less than a hundredth
_PIECE = 1 << 20
_ENCRYPTED_FLAG = 0x1
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")


def open_archive(data: bytes, what: str) -> zipfile.ZipFile:
    """The archive, when its members do not unpack to too much.

    Args:
        what: what the file is, for messages, as in ``"Excel workbook"``.

    Raises:
        SourceError: ``encrypted_file``, ``damaged_file`` or ``too_large``.
    """
    if data.startswith(OLE_SIGNATURE):
        if _ENCRYPTED_PACKAGE in data:
            raise encrypted(what)
        raise SourceError(
            "damaged_file", f"This is an old binary Office file, not the {what} its name says; rename it."
        )
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError) as exc:
        raise damaged(what) from exc
    members = archive.infolist()
    if any(member.flag_bits & _ENCRYPTED_FLAG for member in members):
        raise encrypted(what)
    unpacked = sum(member.file_size for member in members)
    if unpacked > UNPACKED_BYTES.get() or unpacked > max(_BOMB_BYTES, _BOMB_RATIO * len(data)):
        raise SourceError(
            "too_large", f"The {what} unpacks to {unpacked >> 20:,} MB; split it, or raise max_unpacked_mb."
        )
    return archive


def read_bounded(archive: zipfile.ZipFile, member: zipfile.ZipInfo | str) -> bytes:
    """One member, in pieces: read at once, one that claims to be small may still unpack to gigabytes."""
    pieces = []
    with archive.open(member) as file:
        while piece := file.read(_PIECE):
            pieces.append(piece)
    return b"".join(pieces)


def read_member(archive: zipfile.ZipFile, name: str, what: str) -> bytes:
    """One member's content. Raises: SourceError ``damaged_file`` when it is missing or broken."""
    try:
        return read_bounded(archive, name)
    except MemoryError:
        raise
    except Exception as exc:  # zlib, lzma, bz2 and zipfile each have errors of their own for broken data
        raise damaged(what) from exc


def damaged(what: str) -> SourceError:
    """The error for a file that cannot be read."""
    return SourceError("damaged_file", f"The {what} is damaged; open it in its program and save it again.")


def encrypted(what: str) -> SourceError:
    """The error for a file that needs a password."""
    return SourceError("encrypted_file", f"The {what} is protected by a password; save a copy without one.")
