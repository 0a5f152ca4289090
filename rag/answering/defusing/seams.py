"""Last stage: what stands side by side only since something between was removed must not become a form."""

from __future__ import annotations

from rag.answering.defusing.glyphs import Glyph, Sink, glyph

_BEGINS_TAG = frozenset("/!?")


class Seams:
    """Keeps characters apart that would begin a tag, a target or a definition together."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._before = ""
        self._before_bracket = ""
        self._angle: Glyph | None = None

    def feed(self, part: Glyph) -> None:
        """The next character."""
        self._end_angle(part.read)
        if self._would_form(part.read):
            self._pass(glyph(" "))
        if part.read == "<":
            self._angle = part
        else:
            self._pass(part)

    def finish(self) -> None:
        """The text ends."""
        self._end_angle("")

    def _end_angle(self, after: str) -> None:
        """``<`` waits for what follows: before a tag's name it becomes a quotation mark."""
        angle, self._angle = self._angle, None
        if angle is not None:
            begins = after in _BEGINS_TAG or (after.isascii() and after.isalpha())
            self._pass(glyph("‹") if begins else angle)

    def _would_form(self, after: str) -> bool:
        if self._before == "]":
            return after == "(" or (after == ":" and not self._before_bracket.isalnum())
        return self._before == "[" and after in "[^"

    def _pass(self, part: Glyph) -> None:
        if part.read == "[":
            self._before_bracket = self._before
        self._before = part.read
        self._sink(part)
