"""Plain text: paragraphs separated by blank lines."""

from __future__ import annotations

import re

from ingest.parsing.encoding import decode
from ingest.stages import BlockKind, ParsedBlock, ParsedDocument

_BULLET = re.compile(r"^\s*(?:[-*•–·▪●]|\(?\d{1,3}[.)]|\(?[a-zA-Z][.)])\s+(?=\S)")
_BLANK_LINES = re.compile(r"\n[ \t\u00a0]*(?:\n[ \t\u00a0]*)+")
_UNDERLINE = re.compile(r"^\s*[=~_*#-]{3,}\s*$")
_LINE_END_MARKS = ".!?:;{}"  # braces: configuration and code
_WRAPPED = 50  # a line at least this long is followed by the rest of its paragraph


def parse_text(data: bytes) -> ParsedDocument:
    """Blocks of a text file. Raises: SourceError ``not_text``."""
    return ParsedDocument(blocks=tuple(text_blocks(decode(data))))


def text_blocks(text: str) -> list[ParsedBlock]:
    """Paragraphs and list items of plain text, lines that were wrapped joined again."""
    lines = re.sub(r"\r\n?|\f", "\n", text)
    return [block for part in _BLANK_LINES.split(lines) for block in _blocks(part)]


def _blocks(part: str) -> list[ParsedBlock]:
    """Lines of one paragraph: an item where a bullet stands, a new block after a line that was not full."""
    blocks: list[ParsedBlock] = []
    pieces: list[str] = []
    kind = BlockKind.PARAGRAPH
    previous = ""
    lines = [line for line in part.split("\n") if line.strip() and not _UNDERLINE.match(line)]
    for line in lines:
        bullet = _BULLET.match(line)
        if pieces and (bullet or (len(previous.strip()) < _WRAPPED and not _continues(previous, line))):
            blocks.append(ParsedBlock(kind=kind, text=" ".join(pieces)))
            pieces, kind = [], BlockKind.PARAGRAPH if not blocks else BlockKind.LIST_ITEM
        if bullet:
            kind = BlockKind.LIST_ITEM
        pieces.append(_without_dash(line, bullet))
        previous = line
    if pieces:
        blocks.append(ParsedBlock(kind=kind, text=" ".join(pieces)))
    return blocks


def _continues(previous: str, line: str) -> bool:
    """Whether ``line`` carries on a sentence begun on a short line; an indented line does not."""
    return line[:1].islower() and previous.rstrip()[-1:] not in _LINE_END_MARKS


def _without_dash(line: str, bullet: re.Match[str] | None) -> str:
    """The line without its bullet; a number or letter is content and stays."""
    if bullet and not any(character.isalnum() for character in bullet.group()):
        return line[bullet.end() :]
    return line
