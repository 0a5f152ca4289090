"""Rich text (.rtf)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.parsing.elements import TYPED_BULLET, rows_to_blocks
from ingest.parsing.rtf_format import Paragraph, RichText, UnreadableRichText
from ingest.parsing.unpacking import damaged
from ingest.stages import BlockKind, ParsedBlock, ParsedDocument

_WHAT = "rich text document"
_HEADING_STYLE = re.compile(r"^(?:heading|titre|überschrift|título|titolo) ?(\d)")
_TITLE_STYLES = frozenset({"title", "titre"})
_CONTENTS_STYLE = re.compile(r"^(?:toc|tm|contents) ?\d")
_BULLET = re.compile(r"^[^\w]?$|^o$")
_DEEPEST = 6


def parse_rtf(data: bytes) -> ParsedDocument:
    """Blocks of a rich text document; page headers and footers are left out.

    Raises:
        SourceError: ``damaged_file``.
    """
    try:
        found = RichText().read(data)
    except UnreadableRichText as exc:
        raise damaged(_WHAT) from exc
    return ParsedDocument(blocks=tuple(_blocks(found.paragraphs)), title=found.title or None)


def _blocks(paragraphs: list[Paragraph]) -> Iterator[ParsedBlock]:
    rows: list[tuple[list[str], bool]] = []
    cells: list[str] = []
    lines: list[str] = []
    for found in paragraphs:
        if found.end == "row":
            if any(cells):
                rows.append((cells, found.is_header))
            cells, lines = [], []
        elif found.end == "cell":
            cells.append(" ".join(filter(None, [*lines, _labelled(found)])))
            lines = []
        elif found.in_table or found.end in ("nestcell", "nestrow"):
            if found.text:
                lines.append(_labelled(found))
        else:
            yield from rows_to_blocks(rows)
            rows = []
            if found.text and not _CONTENTS_STYLE.match(found.style):
                yield _block(found)
    yield from rows_to_blocks(rows)
    for text in lines:  # a table cut off before its row ended
        yield ParsedBlock(kind=BlockKind.PARAGRAPH, text=text)


def _block(found: Paragraph) -> ParsedBlock:
    named = _HEADING_STYLE.match(found.style)
    level = int(named[1]) if named else 1 if found.style in _TITLE_STYLES else found.level
    if level:
        return ParsedBlock(kind=BlockKind.HEADING, text=_labelled(found), level=min(level, _DEEPEST))
    typed = TYPED_BULLET.match(found.text)
    is_item = found.is_item or typed is not None
    text = found.text[typed.end() :] if typed else _labelled(found)
    return ParsedBlock(kind=BlockKind.LIST_ITEM if is_item else BlockKind.PARAGRAPH, text=text)


def _labelled(found: Paragraph) -> str:
    """The text after its number; bullets only make room."""
    return found.text if _BULLET.match(found.label) else f"{found.label} {found.text}"
