"""The blocks of a stored text, packed for the catalog: it can be cut again without its source file."""

from __future__ import annotations

import json
import re
import zlib
from dataclasses import dataclass

from ingest.stages import BlockKind, CleanBlock
from rag.domain import DocumentText

_PARAGRAPH = re.compile(r"\S(?:.*?\S)??(?=\s*\n[^\S\n]*\n|\s*\Z)", re.DOTALL)


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredDocument:
    """A document as it comes back from the catalog; :func:`ingest.chunk.chunk` cuts it like a new one."""

    title: str
    text: str
    blocks: tuple[CleanBlock, ...]
    page_starts: tuple[int, ...]


def stored_document(stored: DocumentText) -> StoredDocument:
    """The document with its blocks; paragraphs between blank lines where none were stored with it."""
    return StoredDocument(
        title=stored.title,
        text=stored.text,
        blocks=paragraphs(stored.text) if stored.layout is None else unpack(stored.layout),
        page_starts=stored.page_starts,
    )


def pack(blocks: tuple[CleanBlock, ...]) -> bytes:
    """Compact JSON, ``[[kind, start, end, level, header], …]``, deflated."""
    rows = [[block.kind.value, block.start, block.end, block.level, block.header] for block in blocks]
    return zlib.compress(json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode())


def unpack(layout: bytes) -> tuple[CleanBlock, ...]:
    """What was packed."""
    return tuple(
        CleanBlock(kind=BlockKind(kind), start=start, end=end, level=level, header=header)
        for kind, start, end, level, header in json.loads(zlib.decompress(layout))
    )


def paragraphs(text: str) -> tuple[CleanBlock, ...]:
    """The stretches of text between blank lines."""
    return tuple(
        CleanBlock(kind=BlockKind.PARAGRAPH, start=match.start(), end=match.end())
        for match in _PARAGRAPH.finditer(text)
    )
