"""Opening the zip archives that office formats are, without being flooded by them."""

from __future__ import annotations

import io
import zipfile

from rag.errors import SourceError

OLE_SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
MAX_UNPACKED_BYTES = 1 << 30
_ENCRYPTED_FLAG = 0x1
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")


def open_archive(data: bytes, what: str) -> zipfile.ZipFile:
    """The archive, when its members together unpack to less than ``MAX_UNPACKED_BYTES``.

    ``zipfile`` never gives more of a member than its directory entry says, so the sum holds.

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
    if sum(member.file_size for member in members) > MAX_UNPACKED_BYTES:
        raise SourceError("too_large", f"The {what} unpacks to more than 1 GiB; split it.")
    return archive


def read_member(archive: zipfile.ZipFile, name: str, what: str) -> bytes:
    """One member's content. Raises: SourceError ``damaged_file`` when it is missing or broken."""
    try:
        return archive.read(name)
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
