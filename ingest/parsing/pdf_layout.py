"""From a PDF's lines to paragraphs, list items and headings.

A PDF knows where characters stand, not what a paragraph is. Distances, sizes and line ends tell: rules of
thumb, each one below with the case it is for.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from ingest.parsing.table_rows import is_label_row
from ingest.stages import PAGE_BREAK, BlockKind, ParsedBlock
from rag.domain import CELL_SEPARATOR

HYPHEN = "\u00ad"
"""At a line's end: the word goes on in the next line."""

_BULLET = re.compile(r"^[•●○▪■◦‣∙·➢✓\uf0b7\uf0a7*–—-]\s+(?=\S)|^[●•▪](?=\w)")
_NUMBERED = re.compile(r"^(?:\(?\d{1,2}[.)]|\(?[a-z][.)])\s+\S")
_DOT_LEADER = re.compile(r"(?:[.·…]\s?){5,}\s*(?:\d+|[ivxlc]+)?\s*$")
_HYPHENATED = re.compile(r"\b\w+-\w+\b")
_LAST_WORD = re.compile(r"(\w+)$")
_FIRST_WORD = re.compile(r"^(\w+)")
_PAGE_NUMBER = re.compile(r"^#$|\bp(?:age|\.)? ?#|# ?/ ?#|- # -")
_EDGE_LINES = 3
_HEADING_RATIO = 1.08
_LONGEST_HEADING = 160
_LONGEST_BOLD_HEADING = 100
_PARAGRAPH_GAP = 1.4
_KNOWN_WIDTH = 2
_EDGE_SHARE = 0.9
_DEEPEST = 6
_RARE = 0.25  # a text set in bold throughout has no bold headings
_SIZE_TOLERANCE = 0.06


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A line of a page; places and height in points, from the page's lower left corner."""

    text: str
    page: int
    left: float
    right: float
    bottom: float
    height: float
    is_bold: bool = False

    @property
    def top(self) -> float:
        """Upper edge."""
        return self.bottom + self.height


def lines_to_blocks(pages: list[list[Line]]) -> tuple[ParsedBlock, ...]:
    """Blocks in reading order, without running headers, footers, page numbers and dotted contents lines."""
    lines = [line for line in _without_running_lines(pages) if not _DOT_LEADER.search(line.text)]
    if not lines:
        return ()
    layout = _Layout(lines)
    groups: list[list[Line]] = []
    for line in lines:
        if groups and layout.continues(groups[-1], line):
            groups[-1].append(line)
        else:
            groups.append([line])
    return tuple(_with_table_headers([layout.block(group) for group in groups]))


def _with_table_headers(blocks: list[ParsedBlock]) -> Iterable[ParsedBlock]:
    """Rows that follow one another are a table, headed by the first unless that has numbers itself."""
    header, is_open = "", False
    for block in blocks:
        if block.kind is not BlockKind.TABLE_ROW:
            is_open = False
            yield block
        elif not is_open:
            header = block.text if is_label_row(block.text.split(CELL_SEPARATOR)) else ""
            is_open = True
            yield replace(block, opens=True)
        else:
            yield replace(block, header=header)


def _without_running_lines(pages: list[list[Line]]) -> Iterable[Line]:
    """All lines but those that stand at the same edge place on many pages, numbers aside."""
    seen = Counter(key for page in pages for key in {_running_key(line) for line in _edge_lines(page)})
    enough = max(3, 0.3 * len(pages))
    running = {
        key for key, count in seen.items() if count >= enough or _numbers_both_pages(key, count, pages)
    }
    for page in pages:
        edges = {id(line) for line in _edge_lines(page)}
        yield from (line for line in page if not (id(line) in edges and _running_key(line) in running))


def _numbers_both_pages(key: tuple[str, int], count: int, pages: list[list[Line]]) -> bool:
    """Two pages are too few to call a line repeated, unless it counts them."""
    return count == len(pages) == 2 and _PAGE_NUMBER.search(key[0]) is not None


def _edge_lines(page: list[Line]) -> list[Line]:
    by_height = sorted(page, key=lambda line: line.bottom)
    return by_height[:_EDGE_LINES] + by_height[_EDGE_LINES:][-_EDGE_LINES:]


def _running_key(line: Line) -> tuple[str, int]:
    return re.sub(r"\d+|\b[ivxlc]+\b", "#", line.text.lower()), round(line.bottom / 8)


class _Layout:
    """The document's typical measures, and what follows from them."""

    def __init__(self, lines: list[Line]) -> None:
        characters: Counter[float] = Counter()
        bold = 0
        for line in lines:
            characters[round(line.height * 2) / 2] += len(line.text)
            bold += len(line.text) if line.is_bold else 0
        self._body = characters.most_common(1)[0][0]
        self._is_bold_rare = bold < _RARE * characters.total()
        gaps = [
            above.bottom - line.bottom
            for above, line in pairwise(lines)
            if above.page == line.page
            and self._same_size(above, line)
            and 0 < above.bottom - line.bottom < 3 * self._body
        ]
        self._pitch = median(gaps) if gaps else self._body
        self._right_edges = self._columns(lines)
        sizes = sorted({self._size_class(line) for line in lines if self._is_large(line)}, reverse=True)
        self._levels = {size: min(number, _DEEPEST) for number, size in enumerate(sizes, start=1)}
        self._bold_level = min(len(sizes) + 1, _DEEPEST)
        self._compounds = frozenset(word.lower() for line in lines for word in _HYPHENATED.findall(line.text))

    def continues(self, group: list[Line], line: Line) -> bool:
        """Whether ``line`` belongs to the block that ``group`` has begun."""
        last = group[-1]
        if last.text.endswith(HYPHEN):
            return True
        if not self._same_size(last, line) or _starts_item(line) or _is_row(line):
            return False
        if last.is_bold is not line.is_bold and self._stands_alone(group[0]):
            return False
        unfinished = line.text[:1].islower() and last.text[-1:] not in ".!?:;"
        if _is_row(group[0]):  # only the rest of its last cell
            return unfinished and line.page == last.page
        if line.page != last.page or line.bottom > last.bottom:
            return unfinished and not self._is_large(last)
        pitch = max(self._pitch, 1.15 * last.height if self._is_large(last) else 0.0)
        if last.bottom - line.bottom > _PARAGRAPH_GAP * pitch:
            return False
        return self._is_large(last) or unfinished or not self._ends_early(group, line)

    def block(self, group: list[Line]) -> ParsedBlock:
        """The block made of these lines."""
        text = group[0].text
        for above, line in pairwise(group):
            text = self._join(text, line, turns=line.page != above.page)
        first = group[0]
        if level := self._heading_level(group, text):
            return ParsedBlock(kind=BlockKind.HEADING, text=text, level=level, page=first.page)
        if _is_row(first):
            return ParsedBlock(kind=BlockKind.TABLE_ROW, text=text, page=first.page)
        bullet = _BULLET.match(text)
        kind = BlockKind.LIST_ITEM if _starts_item(first) else BlockKind.PARAGRAPH
        return ParsedBlock(kind=kind, text=text[bullet.end() :] if bullet else text, page=first.page)

    def _join(self, text: str, line: Line, *, turns: bool) -> str:
        turn = PAGE_BREAK if turns else ""
        if not text.endswith(HYPHEN):
            return f"{text} {turn}{line.text}"
        left, right = _LAST_WORD.search(text[:-1]), _FIRST_WORD.match(line.text)
        is_compound = not line.text[:1].islower() or (
            left is not None and right is not None and f"{left[1]}-{right[1]}".lower() in self._compounds
        )
        return f"{text[:-1]}{'-' if is_compound else ''}{turn}{line.text}"

    def _heading_level(self, group: list[Line], text: str) -> int:
        """Level of a heading, by size and then by bold type; 0 for what is none."""
        first = group[0]
        if _BULLET.match(first.text) or _is_row(first) or not any(letter.isalpha() for letter in text):
            return 0
        if self._is_large(first):
            return self._levels[self._size_class(first)] if len(text) <= _LONGEST_HEADING else 0
        is_heading = (
            self._stands_alone(first)
            and all(line.is_bold for line in group)
            and len(text) <= _LONGEST_BOLD_HEADING
            and text[-1:] not in ".,;:!?"
        )
        return self._bold_level if is_heading else 0

    def _stands_alone(self, line: Line) -> bool:
        """Whether bold type makes ``line`` a heading: bold words inside a paragraph do not."""
        return line.is_bold and self._is_bold_rare

    def _is_large(self, line: Line) -> bool:
        return line.height >= _HEADING_RATIO * self._body

    def _same_size(self, one: Line, other: Line) -> bool:
        return abs(one.height - other.height) <= _SIZE_TOLERANCE * max(one.height, other.height)

    def _ends_early(self, group: list[Line], after: Line) -> bool:
        """Whether the group's last line stops well before its column's edge: a paragraph ends, or a label."""
        line = group[-1]
        edge = self._right_edges[_column(line)]
        if len(group) > _KNOWN_WIDTH:  # the paragraph itself tells how wide its lines are
            edge = min(edge, max(one.right for one in group if one.page == line.page))
        room = (edge - line.right) / max(edge - line.left, 1.0)
        if line.text[-1:] in ".!?:;":
            return room > 0.12
        return room > 0.35 and not after.text[:1].islower()

    @staticmethod
    def _columns(lines: list[Line]) -> dict[tuple[int, int], float]:
        """Right edge of each column: nearly its furthest, since a title may run across all columns."""
        rights: dict[tuple[int, int], list[float]] = defaultdict(list)
        for line in lines:
            for key in _neighbouring_columns(line):
                rights[key].append(line.right)
        return {key: sorted(found)[int(_EDGE_SHARE * (len(found) - 1))] for key, found in rights.items()}

    @staticmethod
    def _size_class(line: Line) -> int:
        return round(line.height)


def _column(line: Line) -> tuple[int, int]:
    return line.page, round(line.left / 24)


def _neighbouring_columns(line: Line) -> list[tuple[int, int]]:
    page, column = _column(line)
    return [(page, column - 1), (page, column), (page, column + 1)]


def _is_row(line: Line) -> bool:
    return CELL_SEPARATOR in line.text


def _starts_item(line: Line) -> bool:
    return bool(_BULLET.match(line.text) or _NUMBERED.match(line.text))
