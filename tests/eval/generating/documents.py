"""Documents as the generator reads them, written like Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from eval.generating.documents import Block, Section, SourceDocument
from ingest.stages import BlockKind


def document(
    text: str, *, language: str = "en", title: str = "Handbook", address: str = "a.md"
) -> SourceDocument:
    """``# `` begins a heading, ``- `` a list item; lines with `` | `` are rows, the first is the header."""
    return SourceDocument(
        address=address, title=title, language=language, text=text, sections=tuple(_sections(text))
    )


def _sections(text: str) -> Iterator[Section]:
    heading, header = "", ""
    blocks: list[Block] = []
    offset = 0
    for line in text.splitlines(keepends=True):
        start, bare = offset, line.strip()
        offset += len(line)
        if bare.startswith("# "):
            if blocks:
                yield Section(heading=heading, blocks=tuple(blocks))
            heading, header, blocks = bare.removeprefix("# "), "", []
        elif " | " in bare:
            blocks.append(Block(kind=BlockKind.TABLE_ROW, text=bare, start=start, header=header))
            header = header or bare
        elif bare:
            kind = BlockKind.LIST_ITEM if bare.startswith("- ") else BlockKind.PARAGRAPH
            blocks.append(Block(kind=kind, text=bare, start=start))
    if blocks:
        yield Section(heading=heading, blocks=tuple(blocks))
