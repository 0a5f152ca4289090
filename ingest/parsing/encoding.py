"""Bytes to text: byte order marks, UTF-8, and the old encodings of office computers."""

from __future__ import annotations

import codecs
import re

from charset_normalizer import from_bytes

from rag.errors import SourceError

# UTF-32 first: its little-endian mark begins with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_BINARY_SIGNATURES = (
    b"%PDF-",
    b"PK\x03\x04",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"\x7fELF",
    b"\xd0\xcf\x11\xe0",
    b"\x1f\x8b",
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_MAX_CONTROL_SHARE = 0.003
_STRAY_CONTROLS = 3  # a short text may hold a few by accident
_SAMPLE = 65_536


def decode(data: bytes, declared: str | None = None) -> str:
    """The text of ``data``; ``declared`` is an encoding named by the file itself, believed after UTF-8.

    Raises:
        SourceError: ``not_text`` when the bytes are not text in any likely encoding.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _readable(_decoded(data[len(mark) :], encoding))
    if data.startswith(_BINARY_SIGNATURES):
        raise _not_text()
    if b"\x00" in data:
        return _readable(_decoded(data, _wide_encoding(data)))
    for named in ("utf-8", declared):
        if named:
            try:
                return _readable(data.decode(named))
            except (UnicodeDecodeError, LookupError):
                continue
    return _readable(_guessed(data))


def _decoded(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as exc:
        raise _not_text() from exc


def _wide_encoding(data: bytes) -> str:
    """UTF-16 without its mark: in most languages nearly every second byte is zero."""
    sample = data[:_SAMPLE]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if max(even, odd) < 0.3 * (len(sample) / 2) or min(even, odd) > 0.05 * max(even, odd):
        raise _not_text()
    return "utf-16-be" if even > odd else "utf-16-le"


def _guessed(data: bytes) -> str:
    matches = from_bytes(data[:_SAMPLE], steps=10, chunk_size=1024)
    best = matches.best()
    if best is None:
        raise _not_text()
    # Western European code pages differ in few bytes and often tie; Windows' is by far the most common.
    tied = [match.encoding for match in matches if match.chaos <= best.chaos]
    for encoding in ("cp1252" if "cp1252" in tied else best.encoding, best.encoding, "latin-1"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _not_text()


def _readable(text: str) -> str:
    sample = text[:_SAMPLE]
    if len(_CONTROL.findall(sample)) > max(_STRAY_CONTROLS, _MAX_CONTROL_SHARE * len(sample)):
        raise _not_text()
    return text


def _not_text() -> SourceError:
    return SourceError(
        "not_text",
        "The file holds binary data although its name says text; give it its true suffix, or save it anew.",
    )
