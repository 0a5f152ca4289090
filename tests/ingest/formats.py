"""The sample files of every type, read by the real parsers."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ingest.clean import page_at
from ingest.stages import BlockKind, CleanDocument

FORMATS = Path(__file__).parents[2] / "samples" / "formats"

needs_tesseract = pytest.mark.skipif(
    shutil.which("tesseract") is None, reason="tesseract is not installed (apt-get install tesseract-ocr)"
)


def outline(document: CleanDocument) -> list[str]:
    """One line a block, as in ``# A heading``, ``- an item``, ``| a | row``, with the page where it has one.

    A row below a header is marked ``|``, one without ``:``.
    """
    return [
        f"{_page(document, block.start)}{_mark(block.kind, block.level, block.header)}"
        f"{document.text[block.start : block.end]}"
        for block in document.blocks
    ]


def _page(document: CleanDocument, offset: int) -> str:
    page = page_at(document.page_starts, offset)
    return f"p{page} " if page else ""


def _mark(kind: BlockKind, level: int, header: str) -> str:
    if kind is BlockKind.TABLE_ROW:
        return "| " if header else ": "
    return {BlockKind.HEADING: "#" * level + " ", BlockKind.LIST_ITEM: "- "}.get(kind, "")
