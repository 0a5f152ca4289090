"""From a table's rows to blocks: where one table ends and the next begins, and which rows are its header."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.stages import BlockKind, ParsedBlock
from rag.domain import CELL_SEPARATOR

Row = list[str]
"""The cells' texts; empty cells are empty, and an empty row is ``[]``."""

_MOST_HEADER_ROWS = 3
_NUMBER = re.compile(r"^[^\w]{0,4}\d[\d\s.,:/%+-]*(?:[eE][+-]?\d+)?\s?[^\s\d]{0,3}$")
_DASH = re.compile(r"^[-–—]+$")
_YEAR = re.compile(r"^(?:19|20)\d\d$")


def tables_of(rows: list[Row]) -> Iterator[list[Row]]:
    """The tables of a sheet: a blank row ends one, unless what follows has no header of its own.

    Blank rows are also used to make room: below a header, and above a total.
    """
    table: list[Row] = []
    for region in _regions(rows):
        if table and (_is_header_alone(table, region) or _goes_on(table, region)):
            table += region
            continue
        if table:
            yield table
        table = region
    if table:
        yield table


def table_blocks(rows: list[Row], page: int | None = None) -> list[ParsedBlock]:
    """Blocks of a table without blank rows: what stands above it, then its rows with their header.

    A single column is a list, a single cell a paragraph.
    """
    rows = _without_empty_columns(rows)
    if not rows:
        return []
    if all(len(row) == 1 for row in rows):
        kind = BlockKind.LIST_ITEM if len(rows) > 1 else BlockKind.PARAGRAPH
        return [ParsedBlock(kind=kind, text=row[0], page=page) for row in rows]
    first = next(number for number, row in enumerate(rows) if _filled(row) > 1)
    captions = [ParsedBlock(kind=BlockKind.PARAGRAPH, text="".join(row), page=page) for row in rows[:first]]
    rows = _without_empty_columns(rows[first:])
    count = _header_rows(rows)
    header = _line(_header(rows[:count])) if count else ""
    lines = [*([header] if header else []), *(_line(row) for row in rows[count:])]
    return captions + [
        ParsedBlock(
            kind=BlockKind.TABLE_ROW,
            text=line,
            header=header if number else "",
            opens=number == 0,
            page=page,
        )
        for number, line in enumerate(lines)
    ]


def _regions(rows: list[Row]) -> Iterator[list[Row]]:
    region: list[Row] = []
    for row in rows:
        if row:
            region.append(row)
        elif region:
            yield region
            region = []
    if region:
        yield region


def _is_header_alone(table: list[Row], region: list[Row]) -> bool:
    """Whether all that ``table`` has is a header, for the rows that come after a gap."""
    labels = [row for row in table if _filled(row) > 1]
    return (
        0 < len(labels) <= _MOST_HEADER_ROWS
        and all(is_label_row(row) for row in labels)
        and (len(labels) == 1 or _has_gaps(labels[0]))
        and _filled(region[0]) > 1
        and any(not is_label_row(row) for row in region)
    )


def _goes_on(table: list[Row], region: list[Row]) -> bool:
    """Whether ``region`` has values under the columns of ``table``, and no header."""
    return (
        _filled(region[0]) > 1
        and not is_label_row(region[0])
        and _columns(region) <= _columns(table)
        and any(is_label_row(row) for row in table[:_MOST_HEADER_ROWS])
    )


def _columns(rows: list[Row]) -> set[int]:
    return {column for row in rows for column, cell in enumerate(row) if cell}


def _without_empty_columns(rows: list[Row]) -> list[Row]:
    used = sorted(_columns(rows))
    return [[row[column] if column < len(row) else "" for column in used] for row in rows]


def _header_rows(rows: list[Row]) -> int:
    """How many of the first rows are the header; 0 for a table without one.

    A header has no numbers but years. A header with gaps, such as a label over two columns, goes on in the
    next row.
    """
    if len(rows) < 2 or not is_label_row(rows[0]):
        return 0
    count = 1
    while (
        count < min(_MOST_HEADER_ROWS, len(rows) - 1)
        and _has_gaps(rows[count - 1])
        and is_label_row(rows[count])
        and any(not is_label_row(row) for row in rows[count + 1 :])
    ):
        count += 1
    if count == 1 and _has_gaps(rows[0]) and all(is_label_row(row) for row in rows):
        return 0  # words only, with gaps from the start: a form rather than a table
    return count


def is_label_row(row: Row) -> bool:
    """Whether a row can be a header: several cells, and no number among them but years."""
    return _filled(row) > 1 and not any(_is_value(cell) for cell in row if cell)


def _is_value(cell: str) -> bool:
    return bool(_DASH.match(cell) or (_NUMBER.match(cell) and not _YEAR.match(cell)))


def _has_gaps(row: Row) -> bool:
    """Gaps or repeated (merged) labels; the first column's label is often left out."""
    labels = row[1:]
    return not all(labels) or len(set(labels)) < len(labels)


def _header(rows: list[Row]) -> Row:
    """One header row of several: each column's labels, from top to bottom."""
    spread = [_spread(row) for row in rows[:-1]]
    shared = [row[1] for row in spread if row[1] and len(set(row[1:])) == 1]  # said of the whole table
    joined = [
        " ".join(dict.fromkeys(label for label in labels if label and label not in shared))
        for labels in zip(*spread, rows[-1], strict=True)
    ]
    return [", ".join(filter(None, [joined[0], *shared])), *joined[1:]]


def _spread(row: Row) -> Row:
    """A label over several columns, written over each: it stands over the first of them, or the last."""
    labels = row[1:]
    is_at_end = bool(labels[-1]) and not labels[0]
    last = ""
    for number in reversed(range(len(labels))) if is_at_end else range(len(labels)):
        last = labels[number] = labels[number] or last
    return [row[0], *labels]


def _filled(row: Row) -> int:
    return sum(1 for cell in row if cell)


def _line(row: Row) -> str:
    last = max((number for number, cell in enumerate(row) if cell), default=-1)
    return CELL_SEPARATOR.join(row[: last + 1])
