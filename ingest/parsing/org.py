"""Org mode: headings, paragraphs, lists, tables and code. ``#+INCLUDE`` and its like are never followed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.parsing.elements import rows_to_blocks
from ingest.parsing.encoding import decode
from ingest.stages import BlockKind, ParsedBlock, ParsedDocument

_HEADING = re.compile(r"^(\*+)\s+(.*)$")
_TODO = re.compile(r"^(?:TODO|DONE|NEXT|WAITING|CANCELLED|CANCELED)\s+")
_PRIORITY = re.compile(r"^\[#[A-Z0-9]\]\s*")
_TAGS = re.compile(r"\s+:[\w@#%:]+:\s*$")
_KEYWORD = re.compile(r"^\s*#\+(\w+)(?:\[.*?\])?:\s*(.*)$")
_BEGIN = re.compile(r"^\s*#\+begin_(\w+)", re.IGNORECASE)
_COMMENT = re.compile(r"^\s*#(?:\s|$)")
_DRAWER = re.compile(r"^\s*:[\w-]+:\s*$")
_DRAWER_END = re.compile(r"^\s*:END:\s*$", re.IGNORECASE)
_ITEM = re.compile(r"^(\s*)(?:([-+])|(\d+[.)])|(?<=\s)(\*))\s+(?:\[@\d+\]\s*)?(?:\[([ xX-])\]\s+)?(.*)$")
_ROW = re.compile(r"^\s*\|")
_RULE = re.compile(r"^\s*\|[-+|]*\s*$")
_VERBATIM_LINE = re.compile(r"^\s*:(?: |$)(.*)$")
_LINK = re.compile(r"\[\[([^\[\]]+)\](?:\[([^\[\]]+)\])?\]")
_EMPHASIS = re.compile(r"(?<![\w*/=~+_])([*/=~+_])(?=\S)(.+?)(?<=\S)\1(?![\w*/=~+_])")
_FOOTNOTE = re.compile(r"\[fn:[\w-]*(?::([^\]]*))?\]")
_PLAIN_LINE = re.compile(r"^-{5,}\s*$")
_CODE_BLOCKS = frozenset({"src", "example", "verbatim"})
_UNREAD_BLOCKS = frozenset({"comment", "export"})
_TITLE_KEYS = {"title": "title", "author": "author", "date": "date"}


def parse_org(data: bytes) -> ParsedDocument:
    """Blocks of an Org file. Raises: SourceError ``not_text``."""
    reader = _Reader(re.sub(r"\r\n?", "\n", decode(data)).split("\n"))
    blocks = tuple(reader.blocks())
    return ParsedDocument(
        blocks=blocks,
        title=reader.keywords.get("title"),
        metadata={key: value for key, value in reader.keywords.items() if key != "title"},
    )


class _Reader:
    """Goes through the lines once; each method takes the lines that belong to its block."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._at = 0
        self.keywords: dict[str, str] = {}

    def blocks(self) -> Iterator[ParsedBlock]:
        """All blocks, in order."""
        while (line := self._line) is not None:
            if heading := _HEADING.match(line):
                self._at += 1
                yield _heading(heading)
            elif begin := _BEGIN.match(line):
                yield from self._block(begin.group(1).lower())
            elif self._skips(line):
                continue
            elif _ROW.match(line):
                yield from self._table()
            elif _VERBATIM_LINE.match(line):
                yield self._verbatim()
            elif item := _ITEM.match(line):
                yield self._item(item)
            else:
                yield self._paragraph()

    @property
    def _line(self) -> str | None:
        return self._lines[self._at] if self._at < len(self._lines) else None

    def _skips(self, line: str) -> bool:
        """Pass over a line that is no text: a keyword, a comment, a drawer, a rule, a blank."""
        if keyword := _KEYWORD.match(line):
            name = _TITLE_KEYS.get(keyword.group(1).lower())
            if name and keyword.group(2).strip():
                self.keywords[name] = plain(keyword.group(2))
            self._at += 1
        elif _DRAWER.match(line):
            end = next(
                (at for at in range(self._at, len(self._lines)) if _DRAWER_END.match(self._lines[at])), None
            )
            self._at = (self._at if end is None else end) + 1
        elif not line.strip() or _COMMENT.match(line) or _PLAIN_LINE.match(line):
            self._at += 1
        else:
            return False
        return True

    def _block(self, name: str) -> Iterator[ParsedBlock]:
        """``#+BEGIN_…`` to its end; without an end the first line alone is passed over."""
        closing = re.compile(rf"^\s*#\+end_{re.escape(name)}\b", re.IGNORECASE)
        start = self._at + 1
        end = next((at for at in range(start, len(self._lines)) if closing.match(self._lines[at])), None)
        self._at = start if end is None else end + 1
        if end is None or name in _UNREAD_BLOCKS:
            return
        inner = self._lines[start:end]
        if name in _CODE_BLOCKS:
            yield ParsedBlock(kind=BlockKind.CODE, text="\n".join(inner))
        else:
            yield from _Reader(inner).blocks()

    def _table(self) -> Iterator[ParsedBlock]:
        rows: list[tuple[list[str], bool]] = []
        is_headed = False
        while (line := self._line) is not None and _ROW.match(line):
            self._at += 1
            if _RULE.match(line):
                is_headed = is_headed or len(rows) == 1
            else:
                cells = [plain(cell) for cell in line.strip().strip("|").split("|")]
                rows.append((cells, False))
        if rows and is_headed:
            rows[0] = (rows[0][0], True)
        yield from rows_to_blocks([row for row in rows if any(row[0])])

    def _verbatim(self) -> ParsedBlock:
        lines: list[str] = []
        while (line := self._line) is not None and (match := _VERBATIM_LINE.match(line)):
            lines.append(match.group(1))
            self._at += 1
        return ParsedBlock(kind=BlockKind.CODE, text="\n".join(lines))

    def _item(self, item: re.Match[str]) -> ParsedBlock:
        indent, number, text = len(item.group(1)), item.group(3), item.group(6)
        self._at += 1
        lines = [text, *self._more(indent)]
        shown = plain(" ".join(lines)).replace(" :: ", ": ")
        return ParsedBlock(kind=BlockKind.LIST_ITEM, text=f"{number} {shown}" if number else shown)

    def _paragraph(self) -> ParsedBlock:
        first = self._line or ""
        self._at += 1
        return ParsedBlock(kind=BlockKind.PARAGRAPH, text=plain(" ".join([first, *self._more(-1)])))

    def _more(self, indent: int) -> Iterator[str]:
        """The lines that carry on a paragraph, or an item indented by ``indent``."""
        while (line := self._line) is not None and line.strip():
            if len(line) - len(line.lstrip()) <= indent or self._starts_block(line):
                return
            self._at += 1
            yield line

    @staticmethod
    def _starts_block(line: str) -> bool:
        starts = (_HEADING, _BEGIN, _KEYWORD, _ITEM, _ROW, _COMMENT, _DRAWER, _VERBATIM_LINE)
        return any(pattern.match(line) for pattern in starts)


def plain(text: str) -> str:
    """A line without markup: emphasis, link targets and footnote marks go, the words stay."""
    text = _LINK.sub(lambda link: link.group(2) or link.group(1).removeprefix("file:"), text)
    text = _FOOTNOTE.sub(lambda note: f" ({note.group(1)})" if note.group(1) else "", text)
    return " ".join(_EMPHASIS.sub(r"\2", text).split())


def _heading(match: re.Match[str]) -> ParsedBlock:
    text = _PRIORITY.sub("", _TODO.sub("", _TAGS.sub("", match.group(2))))
    return ParsedBlock(kind=BlockKind.HEADING, text=plain(text), level=min(len(match.group(1)), 6))
