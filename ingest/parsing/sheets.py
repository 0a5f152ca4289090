"""From a workbook's sheets to a document: what every kind of spreadsheet shares."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ingest.parsing.table_rows import Row, table_blocks, tables_of
from ingest.stages import BlockKind, ParsedBlock, ParsedDocument
from rag.errors import SourceError

MAX_CELLS = 3_000_000
_SHEET_LEVEL = 2  # the document's title is above its sheets


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """A sheet with its rows, as they are shown.

    Attributes:
        merged: ranges of merged cells as 0-based ``(first row, first column, last row, last column)``.
    """

    name: str
    rows: Iterable[Row]
    merged: tuple[tuple[int, int, int, int], ...] = ()


def workbook(sheets: Iterable[Sheet], *, title: str | None) -> ParsedDocument:
    """The document of a workbook: each sheet a page under its name, each table headed by its header row.

    Raises:
        SourceError: ``too_large`` over ``MAX_CELLS`` cells with content.
    """
    blocks: list[ParsedBlock] = []
    count = cells = 0
    for count, sheet in enumerate(sheets, start=1):
        rows: list[Row] = []
        for row in sheet.rows:
            filled = sum(1 for cell in row if cell)
            cells += filled
            if cells > MAX_CELLS:
                raise too_many_cells()
            rows.append(row if filled else [])
        _fill_merged(rows, sheet.merged)
        found = [block for table in tables_of(rows) for block in table_blocks(table, page=count)]
        if found and found[0].text == sheet.name:
            del found[0]
        if found:
            name = ParsedBlock(kind=BlockKind.HEADING, text=sheet.name, level=_SHEET_LEVEL, page=count)
            blocks += [name, *found]
    return ParsedDocument(blocks=tuple(blocks), title=title, pages=count)


def too_many_cells() -> SourceError:
    """The error for a table that would fill the memory."""
    return SourceError("too_large", f"The table has more than {MAX_CELLS:,} filled cells; split it.")


def _fill_merged(rows: list[Row], merged: Iterable[tuple[int, int, int, int]]) -> None:
    """Write a merged cell's text into each row it spans: "Paris" over three rows is said of all three.

    A cell merged over columns is repeated only in a row with other cells, as a label over columns; alone in
    its row it is a title.
    """
    for top, left, bottom, right in merged:
        if top >= len(rows) or left >= len(rows[top]) or not rows[top][left]:
            continue
        text = rows[top][left]
        if sum(1 for cell in rows[top] if cell) > 1:
            _fill(rows[top], left, right, text)
        for row in rows[top + 1 : bottom + 1]:
            if row:
                _fill(row, left, left, text)


def _fill(row: Row, left: int, right: int, text: str) -> None:
    for column in range(left, min(right + 1, len(row))):
        row[column] = row[column] or text
