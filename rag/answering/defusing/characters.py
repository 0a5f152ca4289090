"""First stage: no character that is not seen, and every entity as the character it stands for."""

from __future__ import annotations

import html
import re
import unicodedata

from rag.answering.defusing.glyphs import Glyph, Sink, glyph

_ESCAPE, _RETURN, _AMPERSAND = "\x1b", "\r", "&"
_STRINGS = "]P^_X"
"""After ESC: a string follows, up to BEL or ESC \\; it may hold the target of a terminal's hyperlink."""

_MAX_STRING = 4096
_MAX_ENTITY = 40
_ENTITY = re.compile(r"&(?:amp;|#38;|#x26;)*(?:[a-z][a-z0-9]*|#x[0-9a-f]*|#[0-9]*)?", re.IGNORECASE)
_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0\ufffc")
"""They take no room, or look like a blank, though Unicode does not call them format characters."""

_JOINERS = "\u200c\u200d"
_PRESENTATION = "\ufe0e\ufe0f"
_NO_SIGN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs"})


class Characters:
    """Drops control, zero-width, tag, bidi, private and unassigned characters; resolves entities.

    ``\\n`` and ``\\t`` stay, every other line break becomes ``\\n``. A joiner stays between emoji and between
    letters of scripts that write with it, a presentation selector after a sign that has one.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._last = ""
        self._joiner = ""
        self._entity = ""
        self._escape = ""
        self._after_return = False

    def feed(self, character: str) -> None:
        """The next character of the text."""
        if self._escape:
            self._in_escape(character)
        elif self._entity:
            self._in_entity(character)
        elif character == _AMPERSAND:
            self._entity = character
        elif character in "\x1b\x9b\x9d\x90":
            self._escape = {"\x9b": "\x1b[", "\x9d": "\x1b]", "\x90": "\x1bP"}.get(character, character)
        else:
            self._plain(glyph(character))

    def finish(self) -> None:
        """The text ends."""
        if self._entity:
            self._end_entity("")
        self._joiner = ""

    def _plain(self, part: Glyph) -> None:
        character = part.read if len(part.shown) != 1 else part.shown
        after_return, self._after_return = self._after_return, character == _RETURN
        if character in "\r\n\v\f\x85\u2028\u2029":
            if not (after_return and character == "\n"):
                self._pass(glyph("\n"))
        elif character in _JOINERS:
            self._joiner = character
        elif self._is_seen(character):
            if self._joiner and _joins(self._last, character):
                self._sink(glyph(self._joiner))
            self._pass(part)

    def _pass(self, part: Glyph) -> None:
        self._joiner = ""
        self._last = part.shown[-1]
        self._sink(part)

    def _is_seen(self, character: str) -> bool:
        if " " <= character <= "~" or character == "\t":
            return True
        if character in _PRESENTATION:
            return _has_presentation(self._last)
        if (
            character in _UNSEEN
            or "\ufe00" <= character <= "\ufe0f"
            or "\U000e0100" <= character <= "\U000e01ef"
        ):
            return False
        return unicodedata.category(character) not in _NO_SIGN

    def _in_escape(self, character: str) -> None:
        self._escape += character
        kind = self._escape[1:2]
        if kind in _STRINGS:
            done = character in "\a\n\x9c" or self._escape.endswith("\x1b\\")
        elif kind == "[":
            done = len(self._escape) > 2 and not " " <= character <= "?"
        else:
            done = not " " <= character <= "/"
        if done or len(self._escape) > _MAX_STRING:
            self._escape = ""
            if character == "\n":
                self._plain(glyph(character))

    def _in_entity(self, character: str) -> None:
        longer = self._entity + character
        match = _ENTITY.match(longer)
        if match is not None and match.end() == len(longer) <= _MAX_ENTITY:
            self._entity = longer
        elif character == ";" and not longer.lower().endswith(("&amp;", "&#38;", "&#x26;", "&;")):
            self._end_entity(character)
        else:
            self._end_entity("")
            self.feed(character)

    def _end_entity(self, semicolon: str) -> None:
        """Hand on the entity as one glyph, and what was written after it without a semicolon."""
        written, self._entity = self._entity + semicolon, ""
        if not _unescaped(written):  # no character has that number
            return
        for end in range(len(written), 2, -1):
            meant = _unescaped(written[:end])
            if len(meant) == 1 and meant != "&":
                self._meant(written[:end], meant)
                break
        else:
            end = 0
        for character in written[end:]:
            self._plain(glyph(character))

    def _meant(self, written: str, character: str) -> None:
        """An entity for a tab or a line break is dropped: it only serves to split words."""
        if not character.isspace() or unicodedata.category(character) == "Zs":
            self._plain(Glyph(written, glyph(character).read))


def _unescaped(text: str) -> str:
    before = ""
    while text != before:
        before, text = text, html.unescape(text)
    return text


def _joins(before: str, after: str) -> bool:
    if not before:
        return False
    kinds = {unicodedata.category(before), unicodedata.category(after)}
    if _is_picture(before) and unicodedata.category(after) == "So":
        return True
    return kinds <= {"Lo", "Mn", "Mc"}


def _is_picture(character: str) -> bool:
    return unicodedata.category(character) == "So" or character in _PRESENTATION or "🏻" <= character <= "🏿"


def _has_presentation(before: str) -> bool:
    if before.isascii():
        return before != "" and before in "#*0123456789"
    return before in "‼⁉" or unicodedata.category(before) in ("So", "Sm")
