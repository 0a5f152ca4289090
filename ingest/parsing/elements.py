"""``unstructured``'s elements to our blocks."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from lxml import html as lxml_html

from ingest.stages import BlockKind, ParsedBlock
from rag.domain import CELL_SEPARATOR

TYPED_BULLET = re.compile(r"^[•·▪●–-]\s+(?=\S)")
"""A bullet that somebody typed instead of making a list."""
_KINDS = {
    "ListItem": BlockKind.LIST_ITEM,
    "CodeSnippet": BlockKind.CODE,
}
_DROPPED = frozenset({"Image", "Header", "Footer", "PageBreak", "PageNumber"})
_DEEPEST = 6


def element_blocks(elements: Iterable[Any]) -> tuple[ParsedBlock, ...]:
    """Blocks in reading order; images, running headers and footers are left out."""
    blocks: list[ParsedBlock] = []
    for element in elements:
        name = type(element).__name__
        if name in _DROPPED:
            continue
        if name == "Table" and element.metadata.text_as_html:
            blocks += table_blocks(element.metadata.text_as_html)
        elif name == "Title" and element.metadata.category_depth is not None:
            level = min(element.metadata.category_depth + 1, _DEEPEST)
            blocks.append(ParsedBlock(kind=BlockKind.HEADING, text=element.text, level=level))
        else:
            blocks.append(ParsedBlock(kind=_KINDS.get(name, BlockKind.PARAGRAPH), text=element.text))
    return tuple(blocks)


def table_blocks(table_html: str) -> list[ParsedBlock]:
    """One block per row, cells joined by a bar; empty rows are left out."""
    table = lxml_html.fragment_fromstring(table_html)
    rows = [(_cells(row), bool(row.xpath("./th"))) for row in table.iter("tr")]
    used = {column for cells, _ in rows for column, cell in enumerate(cells) if cell}  # others only make room
    return rows_to_blocks(
        [
            ([cell for column, cell in enumerate(cells) if column in used], is_header)
            for cells, is_header in rows
            if any(cells)
        ]
    )


def rows_to_blocks(rows: list[tuple[list[str], bool]]) -> list[ParsedBlock]:
    """Blocks of the rows ``(cells, is a header row)``; a first row without gaps heads the table."""
    if not rows:
        return []
    first, marked = rows[0]
    is_headed = marked or (len(rows) > 2 and len(first) > 1 and all(first))
    header = _line(first) if is_headed else ""
    return [
        ParsedBlock(
            kind=BlockKind.TABLE_ROW, text=_line(cells), header=header if number else "", opens=number == 0
        )
        for number, (cells, _) in enumerate(rows)
    ]


def _cells(row: Any) -> list[str]:
    return [" ".join(cell.text_content().split()) for cell in row.xpath("./td | ./th")]


def _line(cells: list[str]) -> str:
    while cells and not cells[-1]:
        cells = cells[:-1]
    return CELL_SEPARATOR.join(cells)
