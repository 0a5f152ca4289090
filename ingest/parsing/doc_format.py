"""The structures of Word's binary format that text needs: [MS-DOC], sections named at each class.

Reads bytes, knows nothing of blocks; :mod:`ingest.parsing.doc` makes a document of what is found here.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from ingest.parsing.ole import u16, u32

_MAGIC = 0xA5EC
_WORD_97 = 0x00C1
_ENCRYPTED = 0x0100
_TABLE_1 = 0x0200
_PAGE = 512
_PAPX_SIZE = 13
_COMPRESSED = 0x40000000
_HEADINGS = range(1, 10)
_CONTENTS = range(19, 28)
_LISTS = range(47, 62)
_TITLE = 62
_NO_BASE = 0xFFF
_MOST_BASES = 11  # [MS-DOC] 2.9.260: styles are based on one another at most this deep
# Operand sizes by the operation's top three bits, section 2.6.1; 6 is variable.
_OPERAND_SIZES = {0: 1, 1: 1, 2: 2, 3: 4, 4: 2, 5: 2, 7: 3}
_TABLE_DEFINITION = 0xD608  # its length takes two bytes
_STYLE = 0x4600
_IN_TABLE = 0x2416
_ROW_END = 0x2417
_INNER_CELL = 0x244B
_INNER_ROW_END = 0x244C
_DEPTH = 0x6649
_LIST = 0x460B
_OUTLINE_LEVEL = 0x2640
_BODY_LEVEL = 9


class UnreadableDocument(Exception):
    """The bytes are no Word 97-2003 document; ``args[0]`` is ``encrypted``, ``old`` or ``damaged``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Paragraph:
    """Characters up to and with their end mark, and what its properties say.

    Attributes:
        level: 1 to 9 for a heading, otherwise 0.
        depth: how many tables it is inside.
        ends_row: its mark ends a table's row.
    """

    text: str
    level: int
    is_item: bool
    is_contents: bool
    depth: int
    ends_row: bool


class WordFile:
    """The file information block, section 2.5, and what hangs on it.

    Args:
        main: the stream ``WordDocument``.

    Raises:
        UnreadableDocument: not a document, one with a password, or one older than Word 97.
    """

    def __init__(self, main: bytes) -> None:
        if len(main) < _PAGE or u16(main, 0) != _MAGIC:
            raise UnreadableDocument("damaged")
        if u16(main, 2) < _WORD_97:
            raise UnreadableDocument("old")
        flags = u16(main, 10)
        if flags & _ENCRYPTED:
            raise UnreadableDocument("encrypted")
        self.main = main
        self.table_stream = "1Table" if flags & _TABLE_1 else "0Table"

    def part_lengths(self) -> dict[str, int]:
        """Characters of each part, in the order they stand in the text: section 2.5.5."""
        names = ("main", "footnotes", "headers", "macros", "comments", "endnotes", "boxes", "header boxes")
        return {name: u32(self.main, 76 + 4 * number) for number, name in enumerate(names)}

    def slice_of(self, table: bytes, index: int) -> bytes:
        """The structure whose place is entry ``index`` of FibRgFcLcb97, section 2.5.6."""
        start, length = u32(self.main, 154 + 8 * index), u32(self.main, 158 + 8 * index)
        return table[start : start + length]


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """A run of characters: section 2.8.35, Plcpcd. ``width`` is 1 byte a character or 2."""

    first: int
    last: int
    offset: int
    width: int

    def text(self, main: bytes) -> str:
        """Its characters."""
        raw = main[self.offset : self.offset + (self.last - self.first) * self.width]
        return raw.decode("cp1252" if self.width == 1 else "utf-16-le", "replace")


def pieces(clx: bytes) -> list[Piece]:
    """The piece table: section 2.9.38, Clx."""
    at = 0
    while clx[at] == 1:  # property modifiers, one after the other
        at += 3 + u16(clx, at + 1)
    if clx[at] != 2:
        raise UnreadableDocument("damaged")
    plc = clx[at + 5 : at + 5 + u32(clx, at + 1)]
    count = (len(plc) - 4) // 12
    bounds = struct.unpack_from(f"<{count + 1}I", plc)
    found = []
    for number, (first, last) in enumerate(pairwise(bounds)):
        place = u32(plc, 4 * (count + 1) + 8 * number + 2)
        is_compressed = bool(place & _COMPRESSED)
        offset = (place & (_COMPRESSED - 1)) // (2 if is_compressed else 1)
        found.append(Piece(first=first, last=last, offset=offset, width=1 if is_compressed else 2))
    return found


class Styles:
    """The style sheet: section 2.4.6.5 and 2.9.271, STSH."""

    def __init__(self, sheet: bytes) -> None:
        self._built_in: dict[int, int] = {}
        self._bases: dict[int, int] = {}
        if len(sheet) < 6:
            return
        at, count = 2 + u16(sheet, 0), u16(sheet, 2)
        for number in range(count):
            if at + 2 > len(sheet):
                return
            length = u16(sheet, at)
            if length >= 4:
                self._built_in[number] = u16(sheet, at + 2) & 0xFFF
                self._bases[number] = u16(sheet, at + 4) >> 4
            at += 2 + length + length % 2

    def kind(self, number: int) -> int:
        """The built-in style that a style is, or comes from, where it says something; else 0."""
        for _ in range(_MOST_BASES):
            kind = self._built_in.get(number, 0)
            if kind in _HEADINGS or kind in _CONTENTS or kind in _LISTS or kind == _TITLE:
                return kind
            number = self._bases.get(number, _NO_BASE)
        return 0


class ParagraphProperties:
    """Where each paragraph ends in the file and what holds for it: sections 2.8.25 and 2.9.175, PapxFkp."""

    def __init__(self, main: bytes, plc: bytes) -> None:
        self._ends: list[int] = []
        self._properties: list[bytes] = []
        count = (len(plc) - 4) // 8
        for number in range(count):
            page_at = (u32(plc, 4 * (count + 1) + 4 * number) & 0x3FFFFF) * _PAGE
            page = main[page_at : page_at + _PAGE]
            if len(page) == _PAGE:
                self._add(page)

    def _add(self, page: bytes) -> None:
        runs = page[-1]
        for run in range(runs):
            at = 2 * page[4 * (runs + 1) + _PAPX_SIZE * run]
            self._ends.append(u32(page, 4 * (run + 1)))
            if at == 0:
                self._properties.append(b"\0\0")
                continue
            length = 2 * page[at] - 1 if page[at] else 2 * page[at + 1]
            start = at + 1 if page[at] else at + 2
            self._properties.append(page[start : start + length])

    def at(self, offset: int) -> bytes:
        """Style number and operations of the paragraph that holds the byte at ``offset``."""
        number = bisect_right(self._ends, offset)
        return self._properties[number] if number < len(self._properties) else b"\0\0"


def operations(properties: bytes) -> Iterator[tuple[int, bytes]]:
    """``(operation, operand)`` of a paragraph: section 2.2.5.1, Sprm."""
    at = 2
    while at + 2 < len(properties):
        operation = u16(properties, at)
        at += 2
        size = _OPERAND_SIZES.get(operation >> 13)
        if operation == _TABLE_DEFINITION:
            size = u16(properties, at) + 1 if at + 2 <= len(properties) else 0
        elif size is None:
            size = 1 + properties[at]
        yield operation, properties[at : at + size]
        at += size


def paragraph(text: str, mark: str, properties: bytes, styles: Styles) -> Paragraph:
    """The paragraph with ``properties``; ``mark`` is the character that ends it."""
    style = u16(properties, 0) if len(properties) >= 2 else 0
    found = {operation: operand for operation, operand in operations(properties) if operand}
    kind = styles.kind(style)
    level = kind if kind in _HEADINGS else 1 if kind == _TITLE else 0
    outline = found.get(_OUTLINE_LEVEL, b"\x09")[0]
    if not level and outline < _BODY_LEVEL:
        level = outline + 1
    in_table = bool(found.get(_IN_TABLE, b"\0")[0])
    depth = max(found.get(_DEPTH, b"\0")[0], 1 if in_table else 0)
    is_inner = depth > 1
    ends_row = _INNER_ROW_END if is_inner else _ROW_END
    return Paragraph(
        text=text + (mark if not is_inner or not found.get(_INNER_CELL) else "\x07"),
        level=level,
        is_item=kind in _LISTS or any(found.get(_LIST, b"")),
        is_contents=kind in _CONTENTS,
        depth=depth,
        ends_row=bool(found.get(ends_row, b"\0")[0]),
    )
