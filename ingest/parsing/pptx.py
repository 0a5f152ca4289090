"""PowerPoint presentations (.pptx) through ``python-pptx``: each slide a page under its title."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from lxml import etree

from ingest.parsing.elements import rows_to_blocks
from ingest.parsing.number_format import plain_number
from ingest.parsing.slides import Piece, presentation, title_piece
from ingest.parsing.unpacking import damaged, open_archive
from ingest.stages import BlockKind, ParsedBlock, ParsedDocument
from rag.errors import SourceError

_WHAT = "PowerPoint presentation"
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_DGM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_R_DM = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}dm"
_MEANINGLESS_TITLE = "PowerPoint Presentation"


def parse_pptx(data: bytes) -> ParsedDocument:
    """Blocks of a presentation, with its speaker notes.

    Raises:
        SourceError: ``damaged_file``, ``encrypted_file`` or ``too_large``.
    """
    open_archive(data, _WHAT)
    import pptx

    try:
        deck = pptx.Presentation(io.BytesIO(data))
        slides = [list(_slide_pieces(slide)) for slide in deck.slides]
        title = deck.core_properties.title
    except (MemoryError, SourceError):
        raise
    except Exception as exc:  # python-pptx fails in many ways on a broken presentation
        raise damaged(_WHAT) from exc
    return presentation(slides, title=None if title == _MEANINGLESS_TITLE else title)


def _slide_pieces(slide: Any) -> Iterator[Piece]:
    title = slide.shapes.title
    if title is not None and title.has_text_frame:
        yield title_piece(title.text_frame.text.splitlines())
    for shape, left, top in _placed(slide.shapes, 0, 0):
        if title is not None and shape.shape_id == title.shape_id:
            continue
        blocks = tuple(_shape_blocks(shape, slide))
        if blocks:
            yield Piece(left=left, top=top, blocks=blocks)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        yield Piece(notes=tuple(p.text for p in slide.notes_slide.notes_text_frame.paragraphs))


def _placed(shapes: Iterable[Any], left: int, top: int) -> Iterator[tuple[Any, int, int]]:
    """Shapes with their places; what is in a group is read together, where the group stands."""
    from pptx.enum.shapes import MSO_SHAPE_TYPE

    for shape in shapes:
        place = (shape.left or 0, shape.top or 0) if not (left or top) else (left, top)
        if shape.shape_type == MSO_SHAPE_TYPE.GROUP:
            inner = sorted(_placed(shape.shapes, 0, 0), key=lambda found: (found[2], found[1]))
            yield from ((found, *place) for found, _, _ in inner)
        elif not _is_running(shape):
            yield shape, *place


def _is_running(shape: Any) -> bool:
    """Footer, date and slide number."""
    from pptx.enum.shapes import PP_PLACEHOLDER

    return shape.is_placeholder and shape.placeholder_format.type in (
        PP_PLACEHOLDER.FOOTER,
        PP_PLACEHOLDER.HEADER,
        PP_PLACEHOLDER.DATE,
        PP_PLACEHOLDER.SLIDE_NUMBER,
    )


def _shape_blocks(shape: Any, slide: Any) -> Iterator[ParsedBlock]:
    if shape.has_text_frame:
        yield from _text_blocks(shape)
    elif getattr(shape, "has_table", False) and shape.has_table:
        yield from _table_blocks(shape.table)
    elif getattr(shape, "has_chart", False) and shape.has_chart:
        yield from _chart_blocks(shape.chart)
    else:
        yield from _diagram_blocks(shape, slide)


def _text_blocks(shape: Any) -> Iterator[ParsedBlock]:
    """Paragraphs; items where there are bullets, which the body of a slide has unless it says otherwise."""
    from pptx.enum.shapes import PP_PLACEHOLDER

    is_body = shape.is_placeholder and shape.placeholder_format.type in (
        PP_PLACEHOLDER.BODY,
        PP_PLACEHOLDER.OBJECT,
        PP_PLACEHOLDER.VERTICAL_BODY,
        PP_PLACEHOLDER.VERTICAL_OBJECT,
    )
    numbers: Counter[int] = Counter()
    for paragraph in shape.text_frame.paragraphs:
        text = " ".join(paragraph.text.split())
        if not text:
            continue
        marks = paragraph._p.find(f"{_A}pPr")
        has = {mark.tag for mark in marks} if marks is not None else set()
        is_numbered = f"{_A}buAutoNum" in has
        is_item = is_numbered or f"{_A}buChar" in has or (is_body and f"{_A}buNone" not in has)
        numbers[paragraph.level] += is_numbered
        if is_numbered:
            text = f"{numbers[paragraph.level]}. {text}"
        for deeper in [level for level in numbers if level > paragraph.level]:
            del numbers[deeper]
        kind = BlockKind.LIST_ITEM if is_item else BlockKind.PARAGRAPH
        yield ParsedBlock(kind=kind, text="– " * (paragraph.level if is_item else 0) + text)


def _table_blocks(table: Any) -> list[ParsedBlock]:
    rows = [[" ".join(cell.text.split()) for cell in row.cells] for row in table.rows]
    return rows_to_blocks(
        [(cells, number == 0 and bool(table.first_row)) for number, cells in enumerate(rows) if any(cells)]
    )


def _chart_blocks(chart: Any) -> list[ParsedBlock]:
    """A chart as the table it was drawn from."""
    blocks = []
    if chart.has_title and chart.chart_title.has_text_frame:
        blocks.append(ParsedBlock(kind=BlockKind.PARAGRAPH, text=chart.chart_title.text_frame.text))
    for plot in chart.plots:
        series = list(plot.series)
        rows = [(["", *(one.name for one in series)], True)]
        for number, category in enumerate(plot.categories):
            values = [one.values[number] if number < len(one.values) else None for one in series]
            rows.append(
                ([str(category), *("" if value is None else plain_number(value) for value in values)], False)
            )
        blocks += rows_to_blocks(rows)
    return blocks


def _diagram_blocks(shape: Any, slide: Any) -> Iterator[ParsedBlock]:
    """The texts of a SmartArt diagram, which python-pptx does not know."""
    for reference in shape._element.iter(f"{_DGM}relIds"):
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        data = etree.fromstring(slide.part.related_part(reference.get(_R_DM)).blob, parser)
        for point in data.iter(f"{_DGM}t"):
            text = "".join(piece.text or "" for piece in point.iter(f"{_A}t"))
            if text.strip():
                yield ParsedBlock(kind=BlockKind.LIST_ITEM, text=text)
