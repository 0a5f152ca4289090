"""Rich Text Format, read into paragraphs: Microsoft's specification 1.9.1.

Reads bytes, knows nothing of blocks; :mod:`ingest.parsing.rtf` makes a document of what is found here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})?[ ]?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|([^\\{}\r\n]+)"
)
_CHARSETS = {  # \fcharset to code page
    0: "cp1252", 77: "mac_roman", 128: "cp932", 129: "cp949", 134: "gbk", 136: "cp950", 161: "cp1253",
    162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874",
    238: "cp1250", 254: "cp437",
}  # fmt: skip
_CHARACTERS = {
    "tab": " ", "line": " ", "emdash": "—", "endash": "–", "lquote": "‘", "rquote": "’", "ldblquote": "“",
    "rdblquote": "”", "bullet": "•", "emspace": " ", "enspace": " ", "qmspace": " ", "zwj": "\u200d",
    "zwnj": "\u200c",
}  # fmt: skip
_SYMBOLS = {"~": "\u00a0", "_": "-", "-": ""}
_NOT_READ = frozenset(
    "colortbl datastore datafield fldinst footer footerf footerl footerr filetbl generator header headerf"
    " headerl headerr latentstyles listtable listoverridetable nonshppict object objdata pict private"
    " revtbl rsidtbl sp themedata colorschememapping tc xe userprops xmlnstbl mmathPr annotation atnid"
    " atnauthor atntime atnref atndate atnparent bkmkstart bkmkend pgptbl ftnsep ftnsepc aftnsep aftnsepc"
    " ftncn aftncn background template operator author company".split()
)
_READ_THOUGH_OPTIONAL = frozenset(
    {"shptxt", "shpinst", "listtext", "pntext", "fldrslt", "shp", "nesttableprops"}
)
_DEEPEST_GROUP = 1000
_NORMAL_LEVEL = 9


class UnreadableRichText(Exception):
    """The bytes are no rich text, or nest deeper than any program writes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Paragraph:
    """A paragraph or the text of a table cell.

    Attributes:
        style: name of its style, lower case.
        level: outline level, 1 to 9; 0 for body text.
        label: number or bullet as the writing program shows it; empty when it is no list item.
        end: ``par``, or ``cell`` and ``row`` in a table.
        is_header: its table row is repeated on every page.
    """

    text: str = ""
    style: str = ""
    level: int = 0
    label: str = ""
    is_item: bool = False
    in_table: bool = False
    is_header: bool = False
    end: str = "par"


@dataclass(frozen=True, slots=True)
class _State:
    """What a group inherits from the one around it."""

    destination: str = "text"
    font: int = -1
    skip: int = 1
    is_hidden: bool = False
    style: int = 0
    level: int = 0
    list_id: int = 0
    in_table: bool = False
    is_header: bool = False


_PROPERTIES: dict[str, Callable[[_State, int | None], _State]] = {
    "pard": lambda state, _: replace(state, style=0, level=0, list_id=0, in_table=False),
    "plain": lambda state, _: replace(state, is_hidden=False),
    "s": lambda state, number: replace(state, style=number or 0),
    "outlinelevel": lambda state, number: replace(state, level=_level(number)),
    "ls": lambda state, number: replace(state, list_id=1 if number is None else number),
    "pnlvlblt": lambda state, _: replace(state, list_id=1),
    "pnlvlbody": lambda state, _: replace(state, list_id=1),
    "intbl": lambda state, number: replace(state, in_table=number != 0),
    "trowd": lambda state, _: replace(state, is_header=False),
    "trhdr": lambda state, _: replace(state, is_header=True),
    "v": lambda state, number: replace(state, is_hidden=number != 0),
    "deleted": lambda state, number: replace(state, is_hidden=number != 0),
    "f": lambda state, number: replace(state, font=number or 0),
    "uc": lambda state, number: replace(state, skip=max(number or 0, 0)),
}


def _level(number: int | None) -> int:
    """Level of a heading from its outline level, which counts from 0; 0 for body text."""
    return number + 1 if number is not None and 0 <= number < _NORMAL_LEVEL else 0


@dataclass
class RichText:
    """One pass over a file.

    Attributes:
        paragraphs: in order.
        title: from the file's properties; empty when it has none.
    """

    paragraphs: list[Paragraph] = field(default_factory=list)
    title: str = ""
    _codepage: str = "cp1252"
    _fonts: dict[int, str] = field(default_factory=dict)
    _styles: dict[int, tuple[str, int]] = field(default_factory=dict)
    _state: _State = field(default_factory=_State)
    _text: list[str] = field(default_factory=list)
    _label: list[str] = field(default_factory=list)
    _name: list[str] = field(default_factory=list)
    _bytes: bytearray = field(default_factory=bytearray)
    _to_skip: int = 0
    _may_open: bool = False  # a control word right after "{" names the group's destination
    _is_optional: bool = False

    def read(self, data: bytes) -> RichText:
        """Read all of ``data``. Raises: UnreadableRichText."""
        if not data.lstrip().startswith(b"{\\rtf"):
            raise UnreadableRichText
        stack: list[_State] = []
        for word, number, hexadecimal, symbol, brace, plain in _tokens(data):
            if hexadecimal or plain:
                self._add_bytes(bytes.fromhex(hexadecimal.decode()) if hexadecimal else plain)
                self._may_open = False
                continue
            self._flush_bytes()
            if brace == b"{":
                stack.append(self._state)
                if len(stack) > _DEEPEST_GROUP:
                    raise UnreadableRichText
                self._may_open, self._is_optional = True, False
            elif brace == b"}":
                self._close_group(stack.pop() if stack else _State())
            elif symbol == b"*":
                self._is_optional = True
            elif symbol:
                self._add(_SYMBOLS.get(symbol.decode("latin-1"), symbol.decode("latin-1").strip()))
                self._may_open = False
            else:
                self._word(word.decode(), int(number) if number else None)
                self._may_open = False
        self._flush_bytes()
        if self._text:
            self._end("par")
        return self

    def _word(self, word: str, number: int | None) -> None:
        if self._may_open and self._opens(word):
            return
        if word in _CHARACTERS:
            self._add(_CHARACTERS[word])
        elif word == "u":
            self._unicode(number or 0)
        elif self._state.destination == "stylesheet" and word in ("s", "cs", "ds", "ts", "outlinelevel"):
            self._style_word(word, number or 0)
        elif self._state.destination == "fonttbl":
            self._font_word(word, number or 0)
        elif word in ("par", "cell", "row", "nestcell", "nestrow", "sect", "page"):
            if self._state.destination == "text":
                self._end({"sect": "par", "page": "par"}.get(word, word))
        else:
            self._property(word, number)

    def _opens(self, word: str) -> bool:
        """Whether the group just begun is a destination of its own."""
        if self._state.destination == "skip":
            return True
        optional = self._is_optional and word not in _READ_THOUGH_OPTIONAL
        if word in ("fonttbl", "stylesheet", "info", "title", "listtext", "pntext"):
            destination = "listtext" if word == "pntext" else word
            if word == "title" and self._state.destination != "info":
                return False
            self._state = replace(self._state, destination=destination)
            return True
        if word in _NOT_READ or optional or (self._state.destination == "info" and word != "title"):
            self._state = replace(self._state, destination="skip")
            return True
        if word == "footnote":
            self._add(" [")
            self._state = replace(self._state, destination="footnote")
            return True
        return False

    def _property(self, word: str, number: int | None) -> None:
        if change := _PROPERTIES.get(word):
            self._state = change(self._state, number)
        elif word == "ansicpg" and number:
            self._codepage = _known(f"cp{number}")
        elif word == "mac":
            self._codepage = "mac_roman"

    def _unicode(self, number: int) -> None:
        code = number & 0xFFFF if number < 0 else number
        self._add(chr(code) if code <= 0x10FFFF else "")
        self._to_skip = self._state.skip

    def _add_bytes(self, raw: bytes) -> None:
        skipped = min(self._to_skip, len(raw))
        self._to_skip -= skipped
        self._bytes += raw[skipped:]

    def _flush_bytes(self) -> None:
        if self._bytes:
            encoding = self._fonts.get(self._state.font, self._codepage)
            self._add(bytes(self._bytes).decode(encoding, "replace"))
            self._bytes.clear()
        self._to_skip = 0

    def _add(self, text: str) -> None:
        destination = self._state.destination
        if destination in ("text", "footnote"):
            if not self._state.is_hidden:
                self._text.append(text)
        elif destination == "listtext":
            self._label.append(text)
        elif destination == "title":
            self.title += text
        elif destination == "stylesheet":
            self._name.append(text)

    def _close_group(self, outer: _State) -> None:
        ended = self._state
        if ended.destination == "footnote" != outer.destination:
            self._text.append("]")
        if ended.destination == outer.destination == "stylesheet":
            name = "".join(self._name).strip().rstrip(";").lower()
            self._styles[ended.style] = (name, ended.level)
            self._name.clear()
        is_row_property = ended.destination == "text"
        self._state = replace(outer, is_header=ended.is_header if is_row_property else outer.is_header)
        self._may_open = False

    def _style_word(self, word: str, number: int) -> None:
        if word == "outlinelevel":
            self._state = replace(self._state, level=_level(number))
        else:
            self._state = replace(self._state, style=number if word == "s" else -1)

    def _font_word(self, word: str, number: int) -> None:
        if word == "f":
            self._state = replace(self._state, font=number)
        elif word == "fcharset" and number in _CHARSETS:
            self._fonts[self._state.font] = self._codepage if number == 0 else _CHARSETS[number]

    def _end(self, mark: str) -> None:
        name, level = self._styles.get(self._state.style, ("", 0))
        self.paragraphs.append(
            Paragraph(
                text=" ".join(_whole("".join(self._text)).split()),
                style=name,
                level=self._state.level or level,
                label=" ".join("".join(self._label).split()),
                is_item=bool(self._label) or self._state.list_id > 0,
                in_table=self._state.in_table,
                is_header=self._state.is_header,
                end=mark,
            )
        )
        self._text, self._label = [], []


def _whole(text: str) -> str:
    """Characters beyond the first 65,536 are written as two halves."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _tokens(data: bytes) -> Iterator[tuple[bytes, ...]]:
    """Control words, symbols, braces and text; the bytes of ``\\bin`` are passed over."""
    at = 0
    while match := _TOKEN.search(data, at):
        at = match.end()
        if match[1] == b"bin" and match[2]:
            at += max(int(match[2]), 0)
            continue
        yield tuple(group or b"" for group in match.groups())


def _known(encoding: str) -> str:
    try:
        "".encode(encoding)
    except LookupError:
        return "cp1252"
    return encoding
