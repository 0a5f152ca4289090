"""Word 97-2003 documents (.doc), from the public specification [MS-DOC]."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from ingest.parsing.doc_format import (
    Paragraph,
    ParagraphProperties,
    Styles,
    UnreadableDocument,
    WordFile,
    paragraph,
    pieces,
)
from ingest.parsing.elements import TYPED_BULLET, rows_to_blocks
from ingest.parsing.ole import ZIP_SIGNATURE, ole_title, open_ole, read_stream
from ingest.parsing.unpacking import damaged, encrypted
from ingest.stages import BlockKind, ParsedBlock, ParsedDocument
from rag.errors import SourceError

_WHAT = "Word document"
_RTF_SIGNATURE = b"{\\rtf"
_STYLES, _PARAGRAPHS, _PIECES = 1, 13, 33  # entries of FibRgFcLcb97
_ENDS = frozenset("\r\x07\x0c")
_FIELD = re.compile(r"\x13[^\x13\x14\x15]*(?:\x14([^\x13\x15]*))?\x15")  # instruction, result
_MOST_NESTED = 20
_CHARACTERS = str.maketrans(
    {"\x0b": " ", "\x1e": "-", "\x1f": None, "\x07": None, "\x0c": None, "\t": " ", "\xa0": " "}
)
_SPECIAL = re.compile("[\x00-\x08\x0e-\x1d]")
_PARTS = ("main", "footnotes", "endnotes", "boxes")
_DEEPEST = 6


def parse_doc(data: bytes) -> ParsedDocument:
    """Blocks of an old Word document; page headers, footers, comments and contents lists are left out.

    Raises:
        SourceError: ``damaged_file`` or ``encrypted_file``.
    """
    if data.startswith(ZIP_SIGNATURE):  # a new document under an old name; Word opens it too
        from ingest.parsing.docx import parse_docx

        return parse_docx(data)
    if data.startswith(_RTF_SIGNATURE):
        from ingest.parsing.rtf import parse_rtf

        return parse_rtf(data)
    ole = open_ole(data, _WHAT)
    try:
        word = WordFile(read_stream(ole, "WordDocument", _WHAT))
        table = read_stream(ole, word.table_stream, _WHAT)
        blocks = tuple(_blocks(list(_paragraphs(word, table))))
        return ParsedDocument(blocks=blocks, title=ole_title(ole))
    except UnreadableDocument as exc:
        raise _refusal(str(exc)) from exc
    except (struct.error, IndexError) as exc:
        raise damaged(_WHAT) from exc
    finally:
        ole.close()


def _refusal(reason: str) -> SourceError:
    if reason == "encrypted":
        return encrypted(_WHAT)
    if reason == "old":
        return SourceError(
            "damaged_file", "The document is older than Word 97; open it in Word and save it as .docx."
        )
    return damaged(_WHAT)


def _paragraphs(word: WordFile, table: bytes) -> Iterator[Paragraph]:
    """The paragraphs of the parts that are read, in the order of the file."""
    styles = Styles(word.slice_of(table, _STYLES))
    properties = ParagraphProperties(word.main, word.slice_of(table, _PARAGRAPHS))
    wanted, start = [], 0
    for name, length in word.part_lengths().items():
        if name in _PARTS and length:
            wanted.append(range(start, start + length))
        start += length
    text: list[str] = []
    for piece in pieces(word.slice_of(table, _PIECES)):
        characters = piece.text(word.main)
        for part in wanted:
            first, last = max(piece.first, part.start), min(piece.last, part.stop)
            begun = first - piece.first
            for at in range(begun, max(last - piece.first, begun)):
                character = characters[at : at + 1]
                if character not in _ENDS:
                    text.append(character)
                    continue
                yield paragraph(
                    "".join(text), character, properties.at(piece.offset + at * piece.width), styles
                )
                text = []


def _blocks(paragraphs: list[Paragraph]) -> Iterator[ParsedBlock]:
    rows: list[list[str]] = []
    cells: list[str] = []
    lines: list[str] = []
    for found in paragraphs:
        text = _readable(found.text)
        if found.depth:
            if found.ends_row and found.depth == 1:
                rows.append(cells)
                cells = []
            elif found.text.endswith("\x07") and found.depth == 1:
                cells.append(" ".join(filter(None, [*lines, text])))
                lines = []
            elif text:  # one of several in a cell, or of a table inside the cell
                lines.append(text)
            continue
        yield from _table(rows)
        rows, cells, lines = [], [], []
        if text and not found.is_contents:
            yield _block(found, text)
    yield from _table(rows)


def _table(rows: list[list[str]]) -> list[ParsedBlock]:
    return rows_to_blocks([(row, False) for row in rows if any(row)])


def _block(found: Paragraph, text: str) -> ParsedBlock:
    if found.level:
        return ParsedBlock(kind=BlockKind.HEADING, text=text, level=min(found.level, _DEEPEST))
    typed = TYPED_BULLET.match(text)
    kind = BlockKind.LIST_ITEM if found.is_item or typed else BlockKind.PARAGRAPH
    return ParsedBlock(kind=kind, text=text[typed.end() :] if typed else text)


def _readable(text: str) -> str:
    """The characters without field instructions, anchors of pictures and notes, and other marks."""
    for _ in range(_MOST_NESTED):  # from the innermost field outwards
        shorter = _FIELD.sub(r"\1", text)
        if shorter == text:
            break
        text = shorter
    return " ".join(_SPECIAL.sub("", text.translate(_CHARACTERS)).split())
