"""From what stands on slides to a document: what both kinds of presentation share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ingest.stages import BlockKind, ParsedBlock, ParsedDocument

NOTES_LABEL = "Speaker notes: "
_SLIDE_LEVEL = 1
_FEWEST_REPEATS = 3
_REPEATED_SHARE = 0.5
_LONGEST_TITLE = 160
_SAME_ROW = 0.03  # of the slides' height: shapes side by side are rarely placed to the millimetre


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """A shape of a slide, its title, or its notes; places in any unit, from the upper left corner."""

    left: int = 0
    top: int = 0
    title: str = ""
    blocks: tuple[ParsedBlock, ...] = ()
    notes: tuple[str, ...] = ()


def title_piece(lines: Sequence[str]) -> Piece:
    """The title of a slide, or first paragraphs where somebody wrote much into its place."""
    texts = [text for line in lines if (text := " ".join(line.split()))]
    title = " ".join(texts)
    if len(title) <= _LONGEST_TITLE:
        return Piece(title=title)
    return Piece(blocks=tuple(ParsedBlock(kind=BlockKind.PARAGRAPH, text=text) for text in texts))


def presentation(slides: Sequence[Sequence[Piece]], *, title: str | None) -> ParsedDocument:
    """The document: each slide a page, its title a heading, its shapes from top to bottom, then its notes.

    What is repeated at one place on most slides, such as "Confidential", is left out.
    """
    running = _running(slides)
    height = max((piece.top for slide in slides for piece in slide), default=0)
    blocks: list[ParsedBlock] = []
    for number, pieces in enumerate(slides, start=1):
        shapes = [piece for piece in pieces if piece.blocks and _key(piece) not in running]
        found = [block for piece in _in_reading_order(shapes, height) for block in piece.blocks]
        found += _notes([line for piece in pieces for line in piece.notes])
        heading = next((piece.title for piece in pieces if piece.title), "")
        if found or heading:  # without a title, the slide before must not seem to go on
            heading = heading or f"Slide {number}"
            blocks.append(ParsedBlock(kind=BlockKind.HEADING, text=heading, level=_SLIDE_LEVEL, page=number))
            blocks += [replace(block, page=number) for block in found]
    return ParsedDocument(blocks=tuple(blocks), title=title, pages=len(slides))


def _in_reading_order(pieces: list[Piece], height: int) -> list[Piece]:
    """Rows from top to bottom, each from left to right."""
    rows: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda piece: piece.top):
        if rows and piece.top - rows[-1][0].top <= _SAME_ROW * height:
            rows[-1].append(piece)
        else:
            rows.append([piece])
    return [piece for row in rows for piece in sorted(row, key=lambda piece: piece.left)]


def _notes(lines: list[str]) -> list[ParsedBlock]:
    texts = [text for line in lines if (text := " ".join(line.split()))]
    return [
        ParsedBlock(kind=BlockKind.PARAGRAPH, text=("" if number else NOTES_LABEL) + text)
        for number, text in enumerate(texts)
    ]


def _running(slides: Sequence[Sequence[Piece]]) -> frozenset[tuple[int, int, str]]:
    seen = Counter(key for slide in slides for key in {_key(piece) for piece in slide if piece.blocks})
    enough = max(_FEWEST_REPEATS, _REPEATED_SHARE * len(slides))
    return frozenset(key for key, count in seen.items() if count >= enough)


def _key(piece: Piece) -> tuple[int, int, str]:
    return piece.left, piece.top, "\n".join(block.text for block in piece.blocks)
