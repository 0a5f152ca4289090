"""Tables read as facts: Markdown with a rule under its head, stored rows, and values set apart by a sign.

Only what cannot be anything else is read: a Markdown table has its rule, and of the other kinds a column
must hold a figure in every row but its head, which holds none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.domain import CELL_SEPARATOR
from rag.grounding.facts import CellFact, Fact, fact, key_words
from rag.text.tables import Span, row_headers

Cell = tuple[int, int, str]
Row = list[Cell]

_LINE = re.compile(r"[^\n]+")
_RULE = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t\r]*")
_BAR = re.compile(r"(?<!\\)\|")
_STORED_BAR = re.compile(re.escape(CELL_SEPARATOR))
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_SIGNS = "\t;,"
_FIGURE = re.compile(r"\d")
_YEAR = re.compile(r"(?:19|20)\d\d")
_NUMERIC = re.compile(r"[-+(]?\W{0,3}\d[\d\s.,:/%-]*\W{0,3}(?:[A-Za-z€$£%²³]{1,4})?\)?")
_LONGEST_LABEL = 40


def table_facts(text: str) -> list[Fact]:
    """The facts of every table in ``text``, in order, with the places of their cells.

    The first cell of a row names it: ``Basic > Price: 10 €``; a row's own name is the fact
    ``Plan: Basic``.
    """
    lines = [match.span() for match in _LINE.finditer(text)]
    facts: list[Fact] = []
    taken: set[Span] = set()
    for read in (_markdown, _stored, _separated):
        for table in read(text, [line for line in lines if line not in taken]):
            facts += _facts(table.head, table.rows)
            taken |= table.lines
    return sorted(facts)


class _Table:
    """The cells of a head and of the rows under it, and the lines that they take."""

    def __init__(self, head: Row, rows: Sequence[Row], lines: Sequence[Span]) -> None:
        self.head = head
        self.rows = rows
        self.lines = frozenset(lines)


def _facts(head: Row, rows: Sequence[Row]) -> list[Fact]:
    facts: list[Fact] = []
    labels = [key_words(cell[2]) for cell in head]
    for row in rows:
        for place, (start, end, value) in enumerate(row):
            if end > start:
                name = "" if place == 0 else row[0][2]
                facts.append(CellFact(*fact(start, end, (name, labels[place]), value)))
    return facts


def _markdown(text: str, lines: Sequence[Span]) -> list[_Table]:
    """Tables whose head stands over a rule of dashes with as many cells."""
    tables = []
    for run in _runs(text, lines, "|"):
        if len(run) < 3 or not _RULE.fullmatch(text, *run[1]):
            continue
        head, rule, *rows = (_barred(text, line) for line in run)
        if len(head) == len(rule) > 1:
            fitting = [row[: len(head)] for row in rows]
            tables.append(_Table(head, fitting, run))
    return tables


def _stored(text: str, lines: Sequence[Span]) -> list[_Table]:
    """Tables as Footnote stores them: cells set apart by bars, no rule."""
    free = frozenset(lines)
    by_head: dict[Span, list[Span]] = {}
    for row, head in row_headers(text).items():
        if {row, head} <= free:
            by_head.setdefault(head, []).append(row)
    tables = []
    for head, rows in by_head.items():
        labels = _split(text, head, _STORED_BAR)
        cells = [_split(text, row, _STORED_BAR)[: len(labels)] for row in rows]
        tables.append(_Table(labels, cells, [head, *rows]))
    return tables


def _separated(text: str, lines: Sequence[Span]) -> list[_Table]:
    """Values set apart by tabs, semicolons or commas, as many in every line of a paragraph."""
    tables = []
    for sign in _SIGNS:
        cell_end = re.compile(re.escape(sign))
        for run in _runs(text, lines, sign):
            reads_like_prose = all(sign + " " in text[start:end] for start, end in run)
            rows = [_split(text, line, cell_end, quoted=True) for line in run]
            if _is_table(rows) and not reads_like_prose:
                tables.append(_Table(rows[0], rows[1:], run))
    return tables


def _is_table(rows: Sequence[Row]) -> bool:
    head, *body = rows
    if not body or len({len(row) for row in rows}) > 1 or not all(map(_is_label, head)):
        return False
    if len({label for _, _, label in head}) < len(head):
        return False
    columns = zip(*body, strict=True)
    return any(
        not _FIGURE.search(label) and all(_NUMERIC.fullmatch(value) for _, _, value in column)
        for (_, _, label), column in zip(head, columns, strict=True)
    )


def _is_label(cell: Cell) -> bool:
    label = cell[2]
    has_figure = _FIGURE.search(label) is not None
    return 0 < len(label) <= _LONGEST_LABEL and (not has_figure or _YEAR.fullmatch(label) is not None)


def _runs(text: str, lines: Sequence[Span], sign: str) -> list[list[Span]]:
    """Two and more consecutive lines that hold ``sign``."""
    runs: list[list[Span]] = []
    for start, end in lines:
        if sign not in text[start:end]:
            continue
        if runs and start == runs[-1][-1][1] + 1:
            runs[-1].append((start, end))
        else:
            runs.append([(start, end)])
    return [run for run in runs if len(run) > 1]


def _barred(text: str, line: Span) -> Row:
    """The cells of a Markdown row; the outer bars are optional."""
    start, end = line
    stripped = text[start:end].rstrip()
    end = start + len(stripped)
    start += len(stripped) - len(stripped.lstrip())
    if text.startswith("|", start):
        start += 1
    if end > start and text[end - 1] == "|" and text[end - 2] != "\\":
        end -= 1
    return _split(text, (start, end), _BAR)


def _split(text: str, line: Span, separator: re.Pattern[str], *, quoted: bool = False) -> Row:
    """The cells of ``line``, each trimmed and, where it is ``quoted``, without its quotes."""
    cells: Row = []
    start = line[0]
    while True:
        opening = _QUOTED.match(text, start, line[1]) if quoted else None
        found = separator.search(text, opening.end() if opening else start, line[1])
        cells.append(_cell(text, start, found.start() if found else line[1], quoted=opening is not None))
        if found is None:
            return cells
        start = found.end()


def _cell(text: str, start: int, end: int, *, quoted: bool) -> Cell:
    raw = text[start:end]
    start += len(raw) - len(raw.lstrip())
    end = max(start, end - (len(raw) - len(raw.rstrip())))
    if quoted and end - start > 1:
        start, end = start + 1, end - 1
        return start, end, text[start:end].replace('""', '"')
    return start, end, text[start:end]
