"""OpenDocument spreadsheets (.ods): each cell's text is in the file just as it is shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ingest.parsing.number_format import plain_number
from ingest.parsing.odf import OFFICE, STYLE, TABLE, TEXT, OpenDocument, open_odf, paragraph_text
from ingest.parsing.sheets import MAX_CELLS, Sheet, too_many_cells, workbook
from ingest.parsing.table_rows import Row
from ingest.stages import ParsedDocument

_WHAT = "OpenDocument spreadsheet"
_GROUPS = frozenset(
    f"{TABLE}{name}"
    for name in ("table-header-rows", "table-rows", "table-row-group", "table-header-columns")
)


def parse_ods(data: bytes) -> ParsedDocument:
    """Blocks of a spreadsheet; hidden sheets are left out.

    Raises:
        SourceError: ``damaged_file``, ``encrypted_file`` or ``too_large``.
    """
    document = open_odf(data, "spreadsheet", _WHAT)
    hidden = _hidden_styles(document)
    tables = [
        table
        for table in document.body.iter(f"{TABLE}table")
        if table.get(f"{TABLE}style-name") not in hidden
    ]
    return workbook((_sheet(table) for table in tables), title=document.title)


def _hidden_styles(document: OpenDocument) -> set[str]:
    styles = document.content.iter(f"{STYLE}style")
    return {
        style.get(f"{STYLE}name")
        for style in styles
        if any(child.get(f"{TABLE}display") == "false" for child in style)
    }


def _sheet(table: Any) -> Sheet:
    merged: list[tuple[int, int, int, int]] = []
    rows = list(_rows(table, merged))
    return Sheet(name=table.get(f"{TABLE}name", ""), rows=rows, merged=tuple(merged))


def _rows(table: Any, merged: list[tuple[int, int, int, int]]) -> Iterator[Row]:
    number = 0
    for element in _row_elements(table):
        cells = list(_cells(element, number, merged))
        while cells and not cells[-1]:
            cells.pop()
        repeated = _repeated(element, "number-rows-repeated")
        if not cells:
            repeated = min(repeated, 1)  # one blank row separates tables as well as a million
        elif repeated * len(cells) > MAX_CELLS:
            raise too_many_cells()
        for _ in range(repeated):
            yield list(cells)
        number += repeated


def _row_elements(parent: Any) -> Iterator[Any]:
    for child in parent:
        if child.tag == f"{TABLE}table-row":
            yield child
        elif child.tag in _GROUPS:
            yield from _row_elements(child)


def _cells(row: Any, number: int, merged: list[tuple[int, int, int, int]]) -> Iterator[str]:
    column = empty = 0
    for cell in row:
        if cell.tag not in (f"{TABLE}table-cell", f"{TABLE}covered-table-cell"):
            continue
        text = _shown(cell)
        repeated = _repeated(cell, "number-columns-repeated")
        if not text:
            empty += repeated
            continue
        if column + empty + repeated > MAX_CELLS:
            raise too_many_cells()
        yield from [""] * empty
        column += empty
        empty = 0
        down, across = _repeated(cell, "number-rows-spanned"), _repeated(cell, "number-columns-spanned")
        if down > 1 or across > 1:
            merged.append((number, column, number + down - 1, column + across - 1))
        yield from [text] * repeated
        column += repeated
    yield from [""] * min(empty, 64)  # so that merged labels can be written over the columns to their right


def _shown(cell: Any) -> str:
    text = " ".join(" ".join(paragraph_text(line) for line in cell.findall(f"{TEXT}p")).split())
    if text:
        return text
    value = cell.get(f"{OFFICE}value")  # written by a program that left the text out
    try:
        return plain_number(float(value)) if value else cell.get(f"{OFFICE}date-value", "")
    except ValueError:
        return value or ""


def _repeated(element: Any, attribute: str) -> int:
    value = element.get(f"{TABLE}{attribute}", "1")
    return max(int(value), 1) if value.isdecimal() else 1
