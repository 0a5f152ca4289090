"""Table rows in stored text: one line a row, cells set apart by bars, the header first where there is one."""

from __future__ import annotations

import re

from rag.domain import CELL_SEPARATOR

Span = tuple[int, int]
_LINE = re.compile(r"[^\n]+")
_FIGURE = re.compile(r"(?<!\d)(?!(?:19|20)\d\d(?!\d))\d+")
"""A number that is no year: years often head columns."""


def row_headers(text: str) -> dict[Span, Span]:
    """The header line of each table row in ``text``; both as spans.

    A passage may begin in the middle of a table, so the first line of a table is taken as its header only
    if it holds no figure and a later line does.
    """
    headers: dict[Span, Span] = {}
    for rows in _tables(text):
        first, *others = rows
        figures = [bool(_FIGURE.search(text[start:end])) for start, end in rows]
        if not figures[0] and any(figures):
            headers |= dict.fromkeys(others, first)
    return headers


def with_labels(row: str, header: str) -> str:
    """The row as a sentence would say it: each cell behind the label of its column."""
    cells, labels = row.split(CELL_SEPARATOR), header.split(CELL_SEPARATOR)
    labels += [""] * (len(cells) - len(labels))
    return ", ".join(f"{label} {cell}".strip() for label, cell in zip(labels, cells, strict=False))


def _tables(text: str) -> list[list[Span]]:
    """Runs of two and more rows on consecutive lines."""
    tables: list[list[Span]] = []
    rows: list[Span] = []
    for line in _LINE.finditer(text):
        is_row = CELL_SEPARATOR in line.group()
        if rows and not (is_row and line.start() == rows[-1][1] + 1):
            tables.append(rows)
            rows = []
        if is_row:
            rows.append(line.span())
    return [rows for rows in [*tables, rows] if len(rows) > 1]
