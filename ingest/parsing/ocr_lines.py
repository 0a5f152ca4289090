"""From the words that OCR found to lines as a PDF has them, so that both are put together alike."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from ingest.parsing.elements import CELL_SEPARATOR
from ingest.parsing.pdf_layout import Line

_SPECKLE = re.compile(r"^[^\w€$£%&]{1,3}$")
_LEAST_SURE_LINE = 40  # percent; below, lines are guesses at specks and pictures
_SURE_SPECKLE = 80
_RULE = frozenset("|_[]")  # what is left of a ruled line
_CELL_GAP = 1.5  # of the height of letters
_LONGEST_CELL = 32  # characters; lines of columns of prose are longer
_BODY = (0.6, 1.35)  # heights of the same letters differ with their strokes
_SAME_ROW = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """A word with its box in pixels from the upper left corner.

    Attributes:
        line: which line of the page it belongs to, as the program saw it.
        sure: percent.
    """

    text: str
    line: tuple[int, ...]
    left: int
    top: int
    right: int
    bottom: int
    sure: float


def words_to_lines(words: Iterable[Word], *, page: int, scale: float, height: float) -> list[Line]:
    """Lines in reading order; cells of a table row on one line, a bar between them.

    Args:
        scale: pixels to a point.
        height: of the page, in points.
    """
    rows = _rows(list(_by_line(words).values()))
    if not rows:
        return []
    body = median(_height(row) for row in rows)
    return [_line(row, page=page, scale=scale, page_height=height, body=body) for row in rows]


def _by_line(words: Iterable[Word]) -> dict[tuple[int, ...], list[Word]]:
    lines: dict[tuple[int, ...], list[Word]] = {}
    for word in words:
        is_speckle = _SPECKLE.match(word.text) and word.sure < _SURE_SPECKLE
        if not is_speckle and not set(word.text) <= _RULE:
            lines.setdefault(word.line, []).append(word)
    return {
        key: line for key, line in lines.items() if median(word.sure for word in line) >= _LEAST_SURE_LINE
    }


def _rows(lines: list[list[Word]]) -> list[list[Word]]:
    """Join short lines that stand side by side: the program takes columns of a table for columns of text."""
    rows: list[list[Word]] = []
    joined = 0
    for line in lines:
        row = next((row for row in rows if _is_cell(line) and _is_cell(row) and _beside(row, line)), None)
        if row is None:
            rows.append(list(line))
        else:
            row += line
            joined += 1
    if joined * 2 >= len(rows):  # a page that is mostly a table is read row by row
        rows.sort(key=lambda row: median(word.bottom for word in row))
    return rows


def _is_cell(words: list[Word]) -> bool:
    """Whether all pieces between wide gaps are short."""
    return all(len(piece) <= _LONGEST_CELL for piece in _text(words).split(CELL_SEPARATOR))


def _beside(row: list[Word], line: list[Word]) -> bool:
    top, bottom = _extent(row)
    other_top, other_bottom = _extent(line)
    shared = min(bottom, other_bottom) - max(top, other_top)
    if shared < _SAME_ROW * min(bottom - top, other_bottom - other_top):
        return False
    left, right = min(word.left for word in line), max(word.right for word in line)
    return not any(word.left < right and left < word.right for word in row)


def _extent(words: list[Word]) -> tuple[float, float]:
    return median(word.top for word in words), median(word.bottom for word in words)


def _height(words: list[Word]) -> float:
    """Of the line's tall letters: most words have some."""
    heights = sorted(word.bottom - word.top for word in words)
    return max(float(heights[int(0.8 * (len(heights) - 1))]), 1.0)


def _text(words: list[Word]) -> str:
    ordered = sorted(words, key=lambda word: word.left)
    height = _height(words)
    pieces = [ordered[0].text]
    for before, word in pairwise(ordered):
        pieces.append(CELL_SEPARATOR if word.left - before.right > _CELL_GAP * height else " ")
        pieces.append(word.text)
    return "".join(pieces)


def _line(words: list[Word], *, page: int, scale: float, page_height: float, body: float) -> Line:
    ratio = _height(words) / body
    size = 1.0 if _BODY[0] < ratio < _BODY[1] else max(round(ratio * 2) / 2, 0.5)
    return Line(
        text=_text(words),
        page=page,
        left=min(word.left for word in words) / scale,
        right=max(word.right for word in words) / scale,
        bottom=page_height - median(word.bottom for word in words) / scale,
        height=size * body / scale,
    )
