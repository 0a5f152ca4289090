"""PDF text through pdfium: characters with their places, put together to lines page by page."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from statistics import median
from typing import Any

from ingest.parsing.ocr import require_ocr
from ingest.parsing.pdf_layout import HYPHEN, Line, lines_to_blocks
from ingest.parsing.pdf_scan import read_scans
from ingest.stages import ParsedDocument
from rag.domain import CELL_SEPARATOR
from rag.errors import SourceError

_SOFT_HYPHENS = frozenset({0x02, 0xFFFE})  # how pdfium marks a word broken at the end of a line
_LINE_ENDS = frozenset({0x0A, 0x0D})
_WORD_GAP = 0.15  # of the line's height
_CELL_GAP = 1.5
_BOLD_WEIGHT = 600
_FONT_NAME_BYTES = 128


def parse_pdf(data: bytes) -> ParsedDocument:
    """Blocks of a PDF with their pages.

    Pages that are pictures of text are read by OCR. Where that is not installed, a PDF that has other pages
    is taken with those; its metadata tell which pages were not read.

    Raises:
        SourceError: ``damaged_file``, ``encrypted_file``, ``ocr_needed`` or ``no_text``.
    """
    import pypdfium2

    try:
        pdf = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as exc:
        raise _refusal(exc) from exc
    try:
        pages = [_page_lines(pdf, number) for number in range(len(pdf))]
        unread = read_scans(pdf, pages)
        title = pdf.get_metadata_value("Title")
    except pypdfium2.PdfiumError as exc:
        raise _refusal(exc) from exc
    finally:
        pdf.close()
    if not any(pages):
        if unread:
            require_ocr()
        raise SourceError("no_text", "The PDF holds no text, nor pictures in which text was found.")
    return ParsedDocument(
        blocks=lines_to_blocks(pages),
        title=title,
        pages=len(pages),
        metadata={"pages_not_read": unread} if unread else {},
    )


def _refusal(exc: Exception) -> SourceError:
    if "password" in str(exc).lower() or "security" in str(exc).lower():
        return SourceError("encrypted_file", "The PDF is protected by a password; save a copy without one.")
    return SourceError("damaged_file", "The PDF is damaged; open it in a PDF reader and save it again.")


def _page_lines(pdf: Any, number: int) -> list[Line]:
    page = pdf[number]
    textpage = page.get_textpage()
    try:
        return _merge_rows(list(_segments(textpage, number + 1)))
    finally:
        textpage.close()
        page.close()


def _segments(textpage: Any, page: int) -> Iterator[Line]:
    """The page's lines as pdfium cuts them, with their boxes."""
    import pypdfium2.raw as pdfium

    codes = [pdfium.FPDFText_GetUnicode(textpage.raw, index) for index in range(textpage.count_chars())]
    start = 0
    for end in range(len(codes) + 1):
        code = codes[end] if end < len(codes) else 0x0A
        if code not in _LINE_ENDS and code not in _SOFT_HYPHENS:
            continue
        visible = [index for index in range(start, end) if not chr(codes[index]).isspace()]
        if visible:
            text = _with_cells(textpage, codes, visible) + (HYPHEN if code in _SOFT_HYPHENS else "")
            yield _line(textpage, _without_surrogates(text), visible, page)
        start = end + 1


def _with_cells(textpage: Any, codes: list[int], visible: list[int]) -> str:
    """The line's text, with a bar where the gap between two words is that between two cells of a table."""
    pieces = [chr(codes[visible[0]])]
    for before, index in pairwise(visible):
        if index > before + 1:
            left, right = textpage.get_charbox(before, loose=True), textpage.get_charbox(index, loose=True)
            is_cell = right[0] - left[2] > _CELL_GAP * max(left[3] - left[1], right[3] - right[1])
            pieces.append(CELL_SEPARATOR if is_cell else " ")
        pieces.append(chr(codes[index]))
    return "".join(pieces)


def _is_bold(textpage: Any, index: int) -> bool:
    import pypdfium2.raw as pdfium

    if pdfium.FPDFText_GetFontWeight(textpage.raw, index) >= _BOLD_WEIGHT:
        return True
    name = ctypes.create_string_buffer(_FONT_NAME_BYTES)
    pdfium.FPDFText_GetFontInfo(textpage.raw, index, name, _FONT_NAME_BYTES, None)
    return b"bold" in name.value.lower()


def _line(textpage: Any, text: str, visible: list[int], page: int) -> Line:
    sample = sorted({visible[0], visible[len(visible) // 2], visible[-1]})
    boxes = [textpage.get_charbox(index, loose=True) for index in sample]
    return Line(
        text=text,
        page=page,
        left=boxes[0][0],
        right=boxes[-1][2],
        bottom=median(box[1] for box in boxes),
        height=max(median(box[3] - box[1] for box in boxes), 0.1),
        is_bold=all(_is_bold(textpage, index) for index in sample),
    )


def _without_surrogates(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _merge_rows(segments: list[Line]) -> list[Line]:
    """Join segments that stand side by side: letter-spaced words, superscripts, cells of a table row."""
    rows: list[Line] = []
    for segment in segments:
        last = rows[-1] if rows else None
        if last is None or not _beside(last, segment):
            rows.append(segment)
            continue
        gap = segment.left - last.right
        height = max(last.height, segment.height)
        joint = CELL_SEPARATOR if gap > _CELL_GAP * height else " " if gap > _WORD_GAP * height else ""
        larger = last if len(last.text) >= len(segment.text) else segment
        rows[-1] = replace(
            last,
            text=last.text + joint + segment.text,
            right=segment.right,
            bottom=larger.bottom,
            height=larger.height,
        )
    return rows


def _beside(left: Line, right: Line) -> bool:
    overlap = min(left.top, right.top) - max(left.bottom, right.bottom)
    return overlap > 0.5 * min(left.height, right.height) and right.left >= left.right - 0.3 * left.height
