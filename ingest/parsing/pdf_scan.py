"""Which pages of a PDF are pictures of text, and reading those."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from ingest.parsing.ocr import can_ocr, read_page
from ingest.parsing.ocr_lines import even_heights
from ingest.parsing.page_image import LONGEST_EDGE
from ingest.parsing.pdf_layout import HYPHEN, Line

_PIXELS_PER_POINT = 300 / 72
_LITTLE_TEXT = 60  # characters: a page number and a stamp
_PICTURE_SHARE = 0.3  # of the page
_ANY_PICTURE_SHARE = 0.03  # of a page without text
_DRAWN_LETTERS = 100  # paths, on a page without text: its letters were turned into outlines
_GOOD_TEXT = 0.92
_WORD = re.compile(
    r"""^["'«“‘(\[]*(?:[^\W\d_]|[^\W\d_]?[^\W\d_A-Z]+|[^\W\d_a-z]+|[-+]?[€$£]?\d[\d.,:/%€$£-]*)"""
    r"""(?:['’/-][^\W\d_]+)*["'»”’)\].,;:!?%…]*$"""
)
_DEEPEST = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class _Look:
    """What stands on a page besides its text.

    Attributes:
        pictures: share of the page that pictures cover, 0 to 1.
        is_hidden: whether all its text is invisible, laid under a scan by a program that had read it.
    """

    pictures: float
    paths: int
    is_hidden: bool


def read_scans(pdf: Any, pages: list[list[Line]]) -> list[int]:
    """Replace the lines of scanned pages by what OCR finds there.

    Returns:
        1-based numbers of the scanned pages that could not be read because there is no OCR.

    Raises:
        SourceError: ``damaged_file`` when OCR fails on a page.
    """
    scanned = [number for number, lines in enumerate(pages) if _is_scanned(pdf, number, lines)]
    if not scanned:
        return []
    if not can_ocr():
        return [number + 1 for number in scanned if len(_text(pages[number])) <= _LITTLE_TEXT]
    heights = Counter(
        line.height for number, lines in enumerate(pages) if number not in scanned for line in lines
    )
    found = even_heights(
        [_read(pdf, number) for number in scanned], body=heights.most_common(1)[0][0] if heights else None
    )
    for number, lines in zip(scanned, found, strict=True):
        if _worth(lines) > _worth(pages[number]):
            pages[number] = lines
    return []


def quality(text: str) -> float:
    """Share of words that look like words or numbers, 0 to 1; badly read scans are full of others."""
    words = [word for word in text.replace(HYPHEN, "").split() if any(map(str.isalnum, word))]
    return sum(1 for word in words if _WORD.match(word)) / len(words) if words else 0.0


def _is_scanned(pdf: Any, number: int, lines: list[Line]) -> bool:
    text = _text(lines)
    page = pdf[number]
    try:
        look = _look(page)
    finally:
        page.close()
    if look.is_hidden and look.pictures >= _PICTURE_SHARE:
        return quality(text) < _GOOD_TEXT
    if not text:
        return look.pictures >= _ANY_PICTURE_SHARE or look.paths >= _DRAWN_LETTERS
    return len(text) <= _LITTLE_TEXT and look.pictures >= _PICTURE_SHARE


def _look(page: Any) -> _Look:
    import pypdfium2.raw as pdfium

    width, height = page.get_size()
    covered, paths, shown, hidden = 0.0, 0, 0, 0
    for found in page.get_objects(max_depth=_DEEPEST):
        if found.type == pdfium.FPDF_PAGEOBJ_IMAGE:
            left, bottom, right, top = found.get_bounds()
            covered += max(min(right, width) - max(left, 0), 0) * max(min(top, height) - max(bottom, 0), 0)
        elif found.type == pdfium.FPDF_PAGEOBJ_PATH:
            paths += 1
        elif found.type == pdfium.FPDF_PAGEOBJ_TEXT:
            mode = pdfium.FPDFTextObj_GetTextRenderMode(found.raw)
            is_hidden = mode == pdfium.FPDF_TEXTRENDERMODE_INVISIBLE
            hidden, shown = hidden + is_hidden, shown + (not is_hidden)
    return _Look(
        pictures=min(covered / max(width * height, 1), 1.0), paths=paths, is_hidden=hidden > 10 * shown
    )


def _read(pdf: Any, number: int) -> list[Line]:
    page = pdf[number]
    try:
        scale = min(_PIXELS_PER_POINT, LONGEST_EDGE / max(*page.get_size(), 1))
        image = page.render(scale=scale, grayscale=True, may_draw_forms=False).to_pil().convert("L")
    finally:
        page.close()
    return read_page(image, page=number + 1, scale=scale)


def _worth(lines: list[Line]) -> float:
    """How much good text there is."""
    text = _text(lines)
    return quality(text) ** 2 * len(text)


def _text(lines: list[Line]) -> str:
    return " ".join(line.text for line in lines)
