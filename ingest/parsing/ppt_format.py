"""The records of PowerPoint's binary format that text needs: [MS-PPT] and, for shapes, [MS-ODRAW].

Reads bytes, knows nothing of blocks; :mod:`ingest.parsing.ppt` makes a document of what is found here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from ingest.parsing.ole import u16, u32

# Record types: [MS-PPT] 2.13.24 RecordType, [MS-ODRAW] 2.2.
DOCUMENT, SLIDE, SLIDE_ATOM, NOTES, NOTES_ATOM = 0x03E8, 0x03EE, 0x03EF, 0x03F0, 0x03F1
SLIDE_PERSIST, SLIDE_LIST, DRAWING = 0x03F3, 0x0FF0, 0x040C
TEXT_HEADER, TEXT_CHARACTERS, TEXT_STYLES, TEXT_BYTES, OUTLINE_REFERENCE = (
    0x0F9F,
    0x0FA0,
    0x0FA1,
    0x0FA8,
    0x0F9E,
)
PLACEHOLDER = 0x0BC3
USER_EDIT, PERSIST_DIRECTORY = 0x0FF5, 0x1772
GROUP, SHAPE, TEXT_BOX, CLIENT_DATA = 0xF003, 0xF004, 0xF00D, 0xF011
CLIENT_ANCHOR, CHILD_ANCHOR, TERTIARY_OPTIONS = 0xF010, 0xF00F, 0xF122
_CONTAINER = 0xF
_ENCRYPTED_TOKEN = 0xF3D1C4DF
_TABLE_PROPERTIES = 0x039F
_MOST_EDITS = 1000
_DEEPEST = 12
# What a paragraph's properties hold, in order: (mask bits, bytes); [MS-PPT] 2.9.20 TextPFException.
_PARAGRAPH_FIELDS = (
    (0x0000000F, 2),
    (0x00000080, 2),
    (0x00000010, 2),
    (0x00000040, 2),
    (0x00000020, 4),
    (0x00000800, 2),
    (0x00001000, 2),
    (0x00002000, 2),
    (0x00004000, 2),
    (0x00000100, 2),
    (0x00000400, 2),
    (0x00008000, 2),
)
_TAB_STOPS = 0x00100000
_LATER_FIELDS = ((0x00010000, 2), (0x000E0000, 2), (0x00200000, 2))
_HAS_BULLET = 0x0001


class EncryptedPresentation(Exception):
    """The presentation needs a password."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """Section 2.3.1, RecordHeader, and the bytes after it."""

    type: int
    instance: int
    is_container: bool
    data: bytes

    def children(self) -> Iterator[Record]:
        """The records inside."""
        return records(self.data) if self.is_container else iter(())

    def find(self, *types: int) -> Iterator[Record]:
        """Records of these types inside, at any depth, in order."""
        return self._find(types, _DEEPEST)

    def _find(self, types: tuple[int, ...], deepest: int) -> Iterator[Record]:
        for child in self.children():
            if child.type in types:
                yield child
            elif deepest:
                yield from child._find(types, deepest - 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Paragraph:
    """A paragraph of a text; ``has_bullet`` is ``None`` where the master decides."""

    text: str
    level: int = 0
    has_bullet: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """Text of one shape; ``kind`` as in section 2.13.33, TextTypeEnum: 0 and 6 are titles, 2 is notes."""

    kind: int
    paragraphs: tuple[Paragraph, ...]


def records(data: bytes) -> Iterator[Record]:
    """Records one after the other; a broken last one is left out."""
    at = 0
    while at + 8 <= len(data):
        version, kind, length = struct.unpack_from("<HHI", data, at)
        at += 8
        if length > len(data) - at:
            return
        yield Record(
            type=kind,
            instance=version >> 4,
            is_container=version & 0xF == _CONTAINER,
            data=data[at : at + length],
        )
        at += length


def persist_objects(current_user: bytes, stream: bytes) -> tuple[int, dict[int, int]]:
    """``(the document's id, offset of each object by id)``: sections 2.1.2 and 2.3.2 to 2.3.5.

    Raises:
        EncryptedPresentation: it needs a password.
        struct.error: the file is broken.
    """
    if u32(current_user, 12) == _ENCRYPTED_TOKEN:
        raise EncryptedPresentation
    offsets: dict[int, int] = {}
    document = 0
    edit = u32(current_user, 16)
    for _ in range(_MOST_EDITS):  # from the newest edit back; an older one never replaces a newer
        previous, directory, reference = struct.unpack_from("<III", stream, edit + 16)
        document = document or reference
        for number, offset in _directory(next(records(stream[directory:]), None)):
            offsets.setdefault(number, offset)
        if not previous:
            break
        edit = previous
    return document, offsets


def _directory(record: Record | None) -> Iterator[tuple[int, int]]:
    if record is None or record.type != PERSIST_DIRECTORY:
        return
    at = 0
    while at + 4 <= len(record.data):
        head = u32(record.data, at)
        at += 4
        for number in range(head >> 20):
            if at + 4 > len(record.data):
                return
            yield (head & 0xFFFFF) + number, u32(record.data, at)
            at += 4


def texts(parts: Iterator[Record]) -> Iterator[Text]:
    """Texts among records that follow one another: a header, characters, styles."""
    kind, characters, styles = -1, "", b""
    for record in parts:
        if record.type == TEXT_HEADER:
            if kind >= 0:
                yield Text(kind=kind, paragraphs=_paragraphs(characters, styles))
            kind, characters, styles = u32(record.data, 0), "", b""
        elif record.type == TEXT_CHARACTERS:
            characters = record.data.decode("utf-16-le", "replace")
        elif record.type == TEXT_BYTES:
            characters = record.data.decode("latin-1")
        elif record.type == TEXT_STYLES:
            styles = record.data
    if kind >= 0:
        yield Text(kind=kind, paragraphs=_paragraphs(characters, styles))


def _paragraphs(characters: str, styles: bytes) -> tuple[Paragraph, ...]:
    try:
        properties = list(_paragraph_properties(styles, len(characters) + 1))
    except struct.error:  # odd styles cost the levels only
        properties = []
    found, start, run, left = [], 0, 0, 0
    ends = [number for number, character in enumerate(characters) if character == "\r"]
    left = properties[0][0] if properties else 0
    for end in [*ends, len(characters)]:
        while run < len(properties) and left <= start:
            run += 1
            left += properties[run][0] if run < len(properties) else 0
        level, has_bullet = properties[run][1:] if run < len(properties) else (0, None)
        found.append(Paragraph(text=characters[start:end], level=level, has_bullet=has_bullet))
        start = end + 1
    return tuple(found)


def _paragraph_properties(styles: bytes, length: int) -> Iterator[tuple[int, int, bool | None]]:
    """``(characters, level, has a bullet)`` of each run: section 2.9.44, StyleTextPropAtom."""
    at = covered = 0
    while covered < length and at + 10 <= len(styles):
        count, level, masks = struct.unpack_from("<IHI", styles, at)
        at += 10
        has_bullet = bool(u16(styles, at) & _HAS_BULLET) if masks & 1 else None
        at += sum(size for bits, size in _PARAGRAPH_FIELDS if masks & bits)
        if masks & _TAB_STOPS:
            at += 2 + 4 * u16(styles, at)
        at += sum(size for bits, size in _LATER_FIELDS if masks & bits)
        covered += count
        yield count, min(level, 4), has_bullet


def place(shape: Record) -> tuple[int, int]:
    """``(left, top)`` of a shape; a group's is that of its first shape. (0, 0) when it has none."""
    for anchor in shape.find(CLIENT_ANCHOR, CHILD_ANCHOR):
        if anchor.type == CHILD_ANCHOR and len(anchor.data) >= 8:
            left, top = struct.unpack_from("<ii", anchor.data)
            return left, top
        if len(anchor.data) >= 16:
            top, left = struct.unpack_from("<ii", anchor.data)
            return left, top
        if len(anchor.data) >= 8:
            top, left = struct.unpack_from("<hh", anchor.data)
            return left, top
    return 0, 0


def is_table(group: Record) -> bool:
    """Whether a group of shapes is a table: [MS-ODRAW] 2.3.4.37, tableProperties."""
    first = next(group.children(), None)
    if first is None:
        return False
    return any(
        u16(options.data, 6 * number) & 0x3FFF == _TABLE_PROPERTIES
        for options in first.find(TERTIARY_OPTIONS)
        for number in range(min(options.instance, len(options.data) // 6))
    )
