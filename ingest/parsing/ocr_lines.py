"""From the words that OCR found to lines as a PDF has them, so that both are put together alike."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from ingest.parsing.pdf_layout import Line
from rag.domain import CELL_SEPARATOR

_SPECKLE = re.compile(r"^[^\w€$£%&]{1,3}$")
_LEAST_SURE_LINE = 40  # percent; below, lines are guesses at specks and pictures
_SURE_SPECKLE = 80
_RULE = frozenset("|_[]")  # what is left of a ruled line
_CELL_GAP = 1.5  # of the height of letters
_LONGEST_CELL = 32  # characters; lines of columns of prose are longer
_TALL, _LOW, _DEEP = 0.73, 0.54, 0.22  # of the type's size: capitals, small letters, below the line
_ASCENDERS = frozenset("bdfhikltàáâäåçèéêëìíîïñòóôöùúûüß()[]{}/|\"'€$£%&!?")
_DESCENDERS = frozenset("gjpqyç,;()[]{}/|Q")
_BODY = (0.75, 1.2)  # as far do sizes of the same type seem to differ
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
    return [
        Line(
            text=_text(row),
            page=page,
            left=min(word.left for word in row) / scale,
            right=max(word.right for word in row) / scale,
            bottom=height - median(word.bottom for word in row) / scale,
            height=_height(row) / scale,
        )
        for row in _rows(list(_by_line(words).values()))
    ]


def even_heights(pages: list[list[Line]], *, body: float | None = None) -> list[list[Line]]:
    """The pages with clear steps between the heights of their lines, so that sizes tell headings again.

    Args:
        body: height of body text on other pages of the document, taken over where it is nearly the same.
    """
    lines = sorted((line for page in pages for line in page), key=lambda line: line.height)
    if not lines:
        return pages
    own = _weighted_median(lines)
    target = body if body is not None and _BODY[0] < own / body < _BODY[1] else own
    return [[replace(line, height=_step(line.height / own) * target) for line in page] for page in pages]


def _weighted_median(lines: list[Line]) -> float:
    """Height of the middle character of lines in order of height."""
    half = sum(len(line.text) for line in lines) / 2
    for line in lines:
        half -= len(line.text)
        if half <= 0:
            break
    return line.height


def _step(ratio: float) -> float:
    return 1.0 if _BODY[0] < ratio < _BODY[1] else max(round(ratio * 4) / 4, 0.5)


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
    """Size of the type, in pixels: what a word's box says depends on the letters it has."""
    return max(median(_type_size(word) for word in words), 1.0)


def _type_size(word: Word) -> float:
    top = _TALL if any(map(_is_tall, word.text)) else _LOW
    bottom = _DEEP if any(letter in _DESCENDERS for letter in word.text) else 0.0
    return (word.bottom - word.top) / (top + bottom)


def _is_tall(letter: str) -> bool:
    return letter.isupper() or letter.isdigit() or letter in _ASCENDERS


def _text(words: list[Word]) -> str:
    ordered = sorted(words, key=lambda word: word.left)
    height = _height(words)
    pieces = [ordered[0].text]
    for before, word in pairwise(ordered):
        pieces.append(CELL_SEPARATOR if word.left - before.right > _CELL_GAP * height else " ")
        pieces.append(word.text)
    return "".join(pieces)
