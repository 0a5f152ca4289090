"""Old binary Office files: compound files, opened with ``olefile``, and the numbers in their streams."""

from __future__ import annotations

import io
import struct
from typing import Any

from ingest.parsing.unpacking import damaged

ZIP_SIGNATURE = b"PK\x03\x04"
_UTF_8 = 65001


def open_ole(data: bytes, what: str) -> Any:
    """The compound file. Raises: SourceError ``damaged_file``."""
    import olefile

    try:
        return olefile.OleFileIO(io.BytesIO(data), raise_defects=olefile.DEFECT_FATAL)
    except MemoryError:
        raise
    except Exception as exc:  # olefile fails in many ways on a broken file
        raise damaged(what) from exc


def read_stream(ole: Any, name: str, what: str) -> bytes:
    """A stream's content. Raises: SourceError ``damaged_file`` when it is missing or broken."""
    try:
        content: bytes = ole.openstream(name).read()
    except MemoryError:
        raise
    except Exception as exc:  # olefile fails in many ways on a broken file
        raise damaged(what) from exc
    return content


def ole_title(ole: Any) -> str | None:
    """The title among the file's properties; ``None`` when there is none that can be read."""
    try:
        properties = ole.get_metadata()
    except Exception:  # noqa: BLE001 - a broken property set costs the title only
        return None
    title = properties.title
    if not isinstance(title, bytes):
        return title or None
    codepage = properties.codepage or 1252
    encoding = "utf-8" if codepage & 0xFFFF == _UTF_8 else f"cp{codepage & 0xFFFF}"
    try:
        return title.decode(encoding, "replace").strip("\0 ") or None
    except LookupError:
        return title.decode("cp1252", "replace").strip("\0 ") or None


def u16(data: bytes, offset: int) -> int:
    """Unsigned 16-bit number, little-endian. Raises: struct.error beyond the end."""
    return int(struct.unpack_from("<H", data, offset)[0])


def u32(data: bytes, offset: int) -> int:
    """Unsigned 32-bit number, little-endian. Raises: struct.error beyond the end."""
    return int(struct.unpack_from("<I", data, offset)[0])


def i32(data: bytes, offset: int) -> int:
    """Signed 32-bit number, little-endian. Raises: struct.error beyond the end."""
    return int(struct.unpack_from("<i", data, offset)[0])
