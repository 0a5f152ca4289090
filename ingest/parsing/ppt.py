"""PowerPoint 97-2003 presentations (.ppt), from the public specification [MS-PPT]."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ingest.parsing import ppt_format as fmt
from ingest.parsing.elements import rows_to_blocks
from ingest.parsing.ole import ZIP_SIGNATURE, ole_title, open_ole, read_stream, u32
from ingest.parsing.ppt_format import Record, Text
from ingest.parsing.slides import Piece, presentation, title_piece
from ingest.parsing.unpacking import damaged, encrypted
from ingest.stages import BlockKind, ParsedBlock, ParsedDocument

_WHAT = "PowerPoint presentation"
_MEANINGLESS_TITLE = "PowerPoint Presentation"
_SLIDES, _NOTES = 0, 2  # instances of SlideListWithText
_TITLES = frozenset({0, 6})
_BODIES = frozenset({1, 7, 8})
_RUNNING = frozenset({0x07, 0x08, 0x09, 0x0A})  # date, number, footer, header: PlaceholderEnum
_NOTES_TEXT = 2


def parse_ppt(data: bytes) -> ParsedDocument:
    """Blocks of an old presentation, with its speaker notes.

    Raises:
        SourceError: ``damaged_file`` or ``encrypted_file``.
    """
    if data.startswith(ZIP_SIGNATURE):  # a new presentation under an old name; PowerPoint opens it too
        from ingest.parsing.pptx import parse_pptx

        return parse_pptx(data)
    ole = open_ole(data, _WHAT)
    try:
        current_user = read_stream(ole, "Current User", _WHAT)
        deck = _Deck(current_user, read_stream(ole, "PowerPoint Document", _WHAT))
        slides = [list(deck.pieces(slide)) for slide in deck.slides]
        title = ole_title(ole)
    except fmt.EncryptedPresentation as exc:
        raise encrypted(_WHAT) from exc
    except (struct.error, StopIteration, RuntimeError, KeyError) as exc:
        raise damaged(_WHAT) from exc
    finally:
        ole.close()
    return presentation(slides, title=None if title == _MEANINGLESS_TITLE else title)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Slide:
    """A slide as the document lists it: its own record, and the texts of its outline."""

    record: Record
    outline: tuple[Text, ...]
    id: int


class _Deck:
    """Sections 2.1.2 and 2.4.1: the objects of the file, found through its directory."""

    def __init__(self, current_user: bytes, stream: bytes) -> None:
        document, self._offsets = fmt.persist_objects(current_user, stream)
        self._stream = stream
        lists = {
            found.instance: found
            for found in self._object(document).children()
            if found.type == fmt.SLIDE_LIST
        }
        self.slides = list(self._listed(lists.get(_SLIDES)))
        self._notes = {
            u32(atom.data, 0): notes.record
            for notes in self._listed(lists.get(_NOTES))
            for atom in notes.record.children()
            if atom.type == fmt.NOTES_ATOM
        }

    def pieces(self, slide: _Slide) -> Iterator[Piece]:
        """What stands on a slide."""
        for drawing in slide.record.children():
            if drawing.type == fmt.DRAWING:
                yield from self._shapes(drawing, slide.outline)
        notes = self._notes.get(slide.id)
        if notes is not None:
            found = [text for box in notes.find(fmt.TEXT_BOX) for text in fmt.texts(box.children())]
            lines = [line.text for text in found if text.kind == _NOTES_TEXT for line in text.paragraphs]
            yield Piece(notes=tuple(_readable(line) for line in lines))

    def _object(self, number: int) -> Record:
        return next(fmt.records(self._stream[self._offsets[number] :]))

    def _listed(self, listed: Record | None) -> Iterator[_Slide]:
        """Section 2.4.14.3: each slide's reference, followed by the texts of its outline."""
        persist: Record | None = None
        outline: list[Record] = []
        for record in [*(listed.children() if listed else ()), None]:
            if record is not None and record.type != fmt.SLIDE_PERSIST:
                outline.append(record)
                continue
            if persist is not None:
                yield _Slide(
                    record=self._object(u32(persist.data, 0)),
                    outline=tuple(fmt.texts(iter(outline))),
                    id=u32(persist.data, 12),
                )
            persist, outline = record, []

    def _shapes(self, parent: Record, outline: tuple[Text, ...]) -> Iterator[Piece]:
        for child in parent.children():
            if child.type == fmt.SHAPE:
                yield from self._shape(child, outline)
            elif child.type == fmt.GROUP and fmt.is_table(child):
                yield _table(child)
            elif child.is_container:
                yield from self._shapes(child, outline)

    def _shape(self, shape: Record, outline: tuple[Text, ...]) -> Iterator[Piece]:
        if any(mark.data[4:5] and mark.data[4] in _RUNNING for mark in shape.find(fmt.PLACEHOLDER)):
            return
        left, top = fmt.place(shape)
        for text in _shape_texts(shape, outline):
            if text.kind in _TITLES:
                yield title_piece([_readable(line.text) for line in text.paragraphs])
            elif blocks := tuple(_blocks(text)):
                yield Piece(left=left, top=top, blocks=blocks)


def _shape_texts(shape: Record, outline: tuple[Text, ...]) -> Iterator[Text]:
    """A shape's own text, or the text of the outline that it shows."""
    for box in shape.find(fmt.TEXT_BOX):
        yield from fmt.texts(box.children())
        for reference in box.children():
            if reference.type == fmt.OUTLINE_REFERENCE and u32(reference.data, 0) < len(outline):
                yield outline[u32(reference.data, 0)]


def _blocks(text: Text) -> Iterator[ParsedBlock]:
    for line in text.paragraphs:
        words = _readable(line.text)
        is_item = line.has_bullet if line.has_bullet is not None else text.kind in _BODIES
        if words:
            kind = BlockKind.LIST_ITEM if is_item else BlockKind.PARAGRAPH
            yield ParsedBlock(kind=kind, text="– " * (line.level if is_item else 0) + words)


def _table(group: Record) -> Piece:
    """A table is a group of text boxes; those at the same height are a row."""
    rows: dict[int, list[tuple[int, str]]] = {}
    for shape in group.children():
        found = [text for box in shape.find(fmt.TEXT_BOX) for text in fmt.texts(box.children())]
        if shape.type == fmt.SHAPE and found:
            left, top = fmt.place(shape)
            words = " ".join(_readable(line.text) for text in found for line in text.paragraphs)
            rows.setdefault(top, []).append((left, words))
    columns = sorted({left for cells in rows.values() for left, _ in cells})
    left, top = fmt.place(group)
    return Piece(left=left, top=top, blocks=tuple(rows_to_blocks(list(_table_rows(rows, columns)))))


def _table_rows(
    rows: dict[int, list[tuple[int, str]]], columns: Iterable[int]
) -> Iterator[tuple[list[str], bool]]:
    for _, cells in sorted(rows.items()):
        texts = dict(cells)
        row = [texts.get(column, "") for column in columns]
        if any(row):
            yield row, False


def _readable(text: str) -> str:
    return " ".join(text.replace("\x0b", " ").split())
