"""OpenDocument texts (.odt)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ingest.parsing.elements import rows_to_blocks
from ingest.parsing.odf import DRAW, OFFICE, STYLE, TABLE, TEXT, OpenDocument, open_odf, paragraph_text
from ingest.stages import BlockKind, ParsedBlock, ParsedDocument

_WHAT = "OpenDocument text"
_DEEPEST = 6
_HEADING_STYLE = re.compile(r"^Heading_20_(\d)$")
_TITLE_STYLE = "Title"
_LISTS_OF_CONTENTS = frozenset(
    f"{TEXT}{name}"
    for name in (
        "table-of-content",
        "alphabetical-index",
        "illustration-index",
        "table-index",
        "object-index",
        "user-index",
    )
)
_NOT_READ = _LISTS_OF_CONTENTS | {f"{TEXT}tracked-changes", f"{OFFICE}forms", f"{TEXT}sequence-decls"}


def parse_odt(data: bytes) -> ParsedDocument:
    """Blocks of a text; page headers and footers and tables of contents are left out.

    Raises:
        SourceError: ``damaged_file``, ``encrypted_file`` or ``too_large``.
    """
    document = open_odf(data, "text", _WHAT)
    return ParsedDocument(blocks=tuple(_Reader(document).blocks(document.body)), title=document.title)


class _Reader:
    def __init__(self, document: OpenDocument) -> None:
        roots = [root for root in (document.styles, document.content) if root is not None]
        self._parents = {
            style.get(f"{STYLE}name"): style.get(f"{STYLE}parent-style-name")
            for root in roots
            for style in root.iter(f"{STYLE}style")
        }
        self._numbered = {
            (style.get(f"{STYLE}name"), level.get(f"{TEXT}level"))
            for root in roots
            for style in root.iter(f"{TEXT}list-style")
            for level in style.iter(f"{TEXT}list-level-style-number")
            if level.get(f"{STYLE}num-format") == "1"
        }
        self._counts: dict[tuple[str, int], int] = {}

    def blocks(self, parent: Any) -> Iterator[ParsedBlock]:
        """The blocks below an element, in order."""
        for element in parent:
            if element.tag == f"{TEXT}list":
                yield from self._items(element, element.get(f"{TEXT}style-name", ""), depth=1)
            elif element.tag == f"{TABLE}table":
                yield from rows_to_blocks(list(_rows(element)))
            elif element.tag in (f"{TEXT}h", f"{TEXT}p"):
                yield self._paragraph(element)
                yield from self._framed(element)
            elif element.tag == f"{DRAW}frame":
                yield from self._framed(element)
            elif isinstance(element.tag, str) and element.tag not in _NOT_READ:
                yield from self.blocks(element)

    def _paragraph(self, element: Any) -> ParsedBlock:
        text = paragraph_text(element)
        if level := self._level(element):
            return ParsedBlock(kind=BlockKind.HEADING, text=text, level=min(level, _DEEPEST))
        return ParsedBlock(kind=BlockKind.PARAGRAPH, text=text)

    def _level(self, element: Any) -> int:
        """Level of a heading, also of a paragraph that only looks like one; 0 for what is none."""
        if element.tag == f"{TEXT}h":
            level = element.get(f"{TEXT}outline-level", "1")
            return int(level) if level.isdecimal() else 1
        style = element.get(f"{TEXT}style-name")
        for _ in range(_DEEPEST):  # automatic styles come from named ones
            if style == _TITLE_STYLE:
                return 1
            if match := _HEADING_STYLE.match(style or ""):
                return int(match[1])
            style = self._parents.get(style)
        return 0

    def _framed(self, paragraph: Any) -> Iterator[ParsedBlock]:
        """Text boxes stand after the paragraph they are anchored in."""
        for box in paragraph.iter(f"{DRAW}text-box"):
            yield from self.blocks(box)

    def _items(self, element: Any, style: str, *, depth: int) -> Iterator[ParsedBlock]:
        """Items of a list, the numbers of ordered ones written out, inner ones after their outer item."""
        is_numbered = (style, str(depth)) in self._numbered
        key = (style, depth)
        if element.get(f"{TEXT}continue-numbering") != "true" and not element.get(f"{TEXT}continue-list"):
            self._counts[key] = 0
        for item in element:
            if item.tag == f"{TEXT}list-item":
                self._counts[key] = self._counts.get(key, 0) + 1
                mark = f"{self._counts[key]}. " if is_numbered else ""
                yield from self._item(item, mark, style, depth)

    def _item(self, item: Any, mark: str, style: str, depth: int) -> Iterator[ParsedBlock]:
        for child in item:
            if child.tag == f"{TEXT}list":
                yield from self._items(child, child.get(f"{TEXT}style-name", style), depth=depth + 1)
            elif child.tag == f"{TEXT}h":
                yield self._paragraph(child)
            elif child.tag == f"{TEXT}p":
                yield ParsedBlock(kind=BlockKind.LIST_ITEM, text=mark + paragraph_text(child))
                yield from self._framed(child)
                mark = ""


def _rows(table: Any, *, is_header: bool = False) -> Iterator[tuple[list[str], bool]]:
    for child in table:
        if child.tag == f"{TABLE}table-row":
            cells = [_cell(cell) for cell in child if cell.tag.endswith("table-cell")]
            if any(cells):
                yield cells, is_header
        elif child.tag in (f"{TABLE}table-header-rows", f"{TABLE}table-rows", f"{TABLE}table-row-group"):
            yield from _rows(child, is_header=child.tag == f"{TABLE}table-header-rows")


def _cell(cell: Any) -> str:
    lines = (paragraph_text(line) for line in cell.iter(f"{TEXT}p", f"{TEXT}h"))
    return " ".join(" ".join(lines).split())
