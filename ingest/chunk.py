"""Cuts a document into chunks that the embedding model can read whole.

Lengths are counted in the model's own word pieces, for the context and the text together. Chunks follow one
another without overlap; together they cover the text but for white space and the headings that their
contexts carry.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Protocol

from ingest.clean import page_at
from ingest.stages import BlockKind, ChunkDraft, CleanBlock
from rag.domain import embedded_text
from rag.text.sentences import split_sentences

VERSION = 1
"""Recorded with a collection. Raise it when the same document gives other chunks than before: the next
ingestion then cuts and embeds every collection's documents again."""

PATH_SEPARATOR = " > "
SPECIAL_TOKENS = 2
CONTEXT_TOKENS = 48
"""Word pieces that title and heading path may take, and once more a repeated table header."""
SECTION_TOKENS = 80
"""From this size on, a chunk ends before the next heading of level 1 or 2."""
_SECTION_LEVEL = 2
_CHARACTERS_PER_PIECE = 24
"""A word piece stands for this much text at most: tokenizers take an endless word for one unknown piece."""
_TOKENIZED_AT_ONCE = 100_000  # characters; a tokenizer takes a hundred times their memory

TokenOffsets = Callable[[str], list[tuple[int, int]]]


class Outlined(Protocol):
    """What is cut: a :class:`ingest.stages.CleanDocument`, or one that comes back from the catalog."""

    @property
    def title(self) -> str:
        """Stands first in every context."""
        ...

    @property
    def text(self) -> str:
        """What is cut."""
        ...

    @property
    def blocks(self) -> tuple[CleanBlock, ...]:
        """Where it may be cut best, in order."""
        ...

    @property
    def page_starts(self) -> tuple[int, ...]:
        """Offset of each page's first character; empty without pages."""
        ...


def chunk(document: Outlined, token_offsets: TokenOffsets, *, max_tokens: int) -> tuple[ChunkDraft, ...]:
    """The document's chunks, in order; ``max_tokens`` bounds each with its context and special tokens."""
    return tuple(_Chunker(document, token_offsets, max_tokens - SPECIAL_TOKENS).run())


def _piece_starts(text: str, token_offsets: TokenOffsets) -> Iterator[int]:
    """Where each word piece begins; long texts are read in parts that end with a line, or else a word."""
    start = 0
    while start < len(text):
        soon = start + _TOKENIZED_AT_ONCE
        end = text.find("\n", soon, soon + _TOKENIZED_AT_ONCE) + 1 or text.find(" ", soon) + 1 or len(text)
        yield from (start + first for first, last in token_offsets(text[start:end]) if last > first)
        start = end


@dataclass(frozen=True, kw_only=True, slots=True)
class _Unit:
    """A block, or a part of one that was too long: what a chunk holds whole.

    Attributes:
        path: the headings above it, outermost first; a heading's own text is the last.
        level: above 0 only for a heading that has text below it.
        header: header row of the table it is a row of.
    """

    start: int
    end: int
    cost: int
    path: tuple[str, ...]
    level: int = 0
    header: str = ""


class _Chunker:
    def __init__(self, document: Outlined, token_offsets: TokenOffsets, budget: int) -> None:
        self._document = document
        self._token_offsets = token_offsets
        self._budget = budget
        self._starts = array("Q", _piece_starts(document.text, token_offsets))
        self._context_cap = min(CONTEXT_TOKENS, budget // 4)
        self._contexts: dict[tuple[tuple[str, ...], str], str] = {}
        self._rooms: dict[str, int] = {}

    def run(self) -> Iterator[ChunkDraft]:
        """Pack units, in order, and yield each chunk when it is full."""
        units: list[_Unit] = []
        cost = 0
        headings: list[_Unit] = []  # they go where the text below them goes
        for unit in self._units():
            if unit.level:
                if units and unit.level <= _SECTION_LEVEL and cost >= SECTION_TOKENS:
                    yield from self._drafts(units)
                    units = []
                headings.append(unit)
                continue
            added = sum(heading.cost for heading in headings) + unit.cost
            if units and cost + added > self._budget:
                yield from self._drafts(units)
                units = []
            if units:
                units += [*headings, unit]
                cost += added
            else:  # the headings above the first unit are in the context
                units = [unit]
                cost = self._budget - self._room(unit) + unit.cost
            headings = []
        yield from self._drafts(units)

    # ------------------------------------------------------------------------------------- units

    def _units(self) -> Iterator[_Unit]:
        path: list[tuple[int, str]] = []
        blocks = self._document.blocks
        for block, following in zip_longest(blocks, blocks[1:]):
            if block.kind is BlockKind.HEADING:
                path = [(level, heading) for level, heading in path if level < block.level]
                if self._heads_text(block, following):
                    path.append((block.level, self._document.text[block.start : block.end]))
                else:
                    block = replace(block, level=0)
            yield from self._parts(block, tuple(heading for _, heading in path))

    def _heads_text(self, heading: CleanBlock, following: CleanBlock | None) -> bool:
        """Whether the heading has text below it, and is short enough to stand in a context."""
        is_empty = following is None or (
            following.kind is BlockKind.HEADING and following.level <= heading.level
        )
        return not is_empty and self._cost(heading.start, heading.end) <= self._context_cap

    def _parts(self, block: CleanBlock, path: tuple[str, ...]) -> Iterator[_Unit]:
        """The block itself, or its sentences, or windows of a sentence, each short enough for one chunk."""
        cost = self._cost(block.start, block.end)
        whole = _Unit(
            start=block.start, end=block.end, cost=cost, path=path, level=block.level, header=block.header
        )
        room = self._room(whole)
        if whole.level or cost <= room:
            yield whole
            return
        for start, end in split_sentences(self._document.text[block.start : block.end]):
            yield from self._windows(whole, block.start + start, block.start + end, room)

    def _windows(self, whole: _Unit, start: int, end: int, room: int) -> Iterator[_Unit]:
        text = self._document.text
        while (cost := self._cost(start, end)) > room:
            cut = self._cut(start, end, room)
            window = text[start:cut].rstrip()
            yield replace(whole, start=start, end=start + len(window), cost=self._cost(start, cut))
            start = cut + len(text[cut:end]) - len(text[cut:end].lstrip())
        if start < end:
            yield replace(whole, start=start, end=end, cost=cost)

    def _cut(self, start: int, end: int, room: int) -> int:
        """Where a window of at most ``room`` pieces from ``start`` ends: after a word if possible."""
        text = self._document.text
        first = bisect_left(self._starts, start)
        furthest = self._starts[first + room] if first + room < len(self._starts) else end
        furthest = max(min(furthest, start + room * _CHARACTERS_PER_PIECE, end), start + 1)
        return next((cut for cut in range(furthest, start, -1) if text[cut - 1].isspace()), furthest)

    # ------------------------------------------------------------------------------------ chunks

    def _drafts(self, units: list[_Unit]) -> Iterator[ChunkDraft]:
        """One chunk of these units, or more where the exact count exceeds the sum over the units.

        The sum is exact for word piece models; others may join pieces across white space.
        """
        if not units:
            return
        first = units[0]
        start, end, context = first.start, units[-1].end, self._context(first)
        tokens = self._count(embedded_text(context, self._document.text[start:end]))
        if tokens > self._budget:
            halves = self._halves(units)
            if halves:
                for half in halves:
                    yield from self._drafts(half)
                return
        yield ChunkDraft(
            start=start,
            end=end,
            heading=PATH_SEPARATOR.join(self._below_title(first.path)),
            page=page_at(self._document.page_starts, start),
            context=context,
            tokens=tokens + SPECIAL_TOKENS,
        )

    def _halves(self, units: list[_Unit]) -> list[list[_Unit]]:
        """The units in two groups; a single unit's text in two parts; nothing where it cannot be parted."""
        middle = len(units) // 2
        if middle:
            return [units[:middle], units[middle:]]
        unit = units[0]
        room = max(unit.cost // 2, 1)
        parts = list(self._windows(unit, unit.start, unit.end, room))
        return [[part] for part in parts] if len(parts) > 1 else []

    def _context(self, unit: _Unit) -> str:
        key = unit.path, unit.header
        if key not in self._contexts:
            self._contexts[key] = self._new_context(*key)
        return self._contexts[key]

    def _new_context(self, path: tuple[str, ...], header: str) -> str:
        """Title and heading path, shortened from the outer headings inwards, and a table's header row."""
        parts = [self._document.title, *self._below_title(path)]
        while len(parts) > 2 and self._count(PATH_SEPARATOR.join(parts)) > self._context_cap:
            del parts[1]
        context = self._shortened(PATH_SEPARATOR.join(parts))
        return f"{context}\n{self._shortened(header)}" if header else context

    def _below_title(self, path: tuple[str, ...]) -> tuple[str, ...]:
        """The path without a first heading that only repeats the title."""
        repeats = path and path[0].casefold() == self._document.title.casefold()
        return path[1:] if repeats else path

    def _shortened(self, line: str) -> str:
        offsets = self._token_offsets(line)
        if len(offsets) <= self._context_cap:
            return line[: self._context_cap * _CHARACTERS_PER_PIECE]
        kept = line[: offsets[self._context_cap][0]]
        return (kept.rsplit(maxsplit=1)[0] if " " in kept.strip() else kept).strip()

    def _room(self, unit: _Unit) -> int:
        """Word pieces left for the text of a chunk that begins with ``unit``."""
        context = self._context(unit)
        if context not in self._rooms:
            self._rooms[context] = self._budget - self._count(context)
        return self._rooms[context]

    def _count(self, text: str) -> int:
        return len(self._token_offsets(text))

    def _cost(self, start: int, end: int) -> int:
        pieces = bisect_left(self._starts, end) - bisect_left(self._starts, start)
        return max(pieces, -(-(end - start) // _CHARACTERS_PER_PIECE))
