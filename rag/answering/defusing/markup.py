"""Second stage: brackets, tags and commands that make a link, an image or a reference become their label.

What may still become one of them is held back until it is decided, at most a few hundred characters of it.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable

from rag.answering.defusing.brackets import bracket, closing_bracket, foreign_marker
from rag.answering.defusing.forms import LINE_START, Decision, Look, pass_on, set_apart
from rag.answering.defusing.glyphs import Glyph, Sink, glyphs, read
from rag.answering.defusing.tags import braces, command, tag

MAX_HELD = 600
"""Characters of a form that is not closed, after which it is taken for text."""

_SHORT = 40
_TELLING = frozenset("[](){}<>】\n")
_DIRECTIVE = re.compile(r"\.\. +(?:\|[^|\n]{0,40}\|? *)?[\w-]{0,40}:?")
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
Rule = Callable[[Look], Decision | None]


def directive(look: Look) -> Decision | None:
    """``.. image:: x``, ``.. _target: x``: so reStructuredText begins its directives; their heads go."""
    if look.before not in LINE_START:
        return pass_on(1)
    if not look.text.startswith(".. "):
        return None if ".. ".startswith(look.text) and not look.ended else pass_on(1)
    if look.text.endswith("::"):
        return Decision(taken=len(look.text))
    return None if _DIRECTIVE.fullmatch(look.text) and not look.ended else Decision(taken=3)


_RULES: dict[str, Rule] = {
    "[": bracket,
    "!": bracket,
    "]": closing_bracket,
    "【": foreign_marker,
    "<": tag,
    "\\": command,
    "{": braces,
    ".": directive,
}
"""What a form begins with, and who decides what becomes of it."""


class Markup:
    """Replaces every form by its label, or by ``notice`` where no label is left.

    Args:
        own: addresses that may be shown.
    """

    def __init__(self, sink: Sink, *, notice: str, own: frozenset[str]) -> None:
        self._sink = sink
        self._notice = notice
        self._own = own
        self._before = ""
        self._held: list[Glyph] = []
        self._waiting: deque[Glyph] = deque()

    def feed(self, part: Glyph) -> None:
        """The next character."""
        self._waiting.append(part)
        self._work()

    def finish(self) -> None:
        """The text ends: what is held back is decided."""
        while self._held:
            self._decide(ended=True)
            self._work()

    def _work(self) -> None:
        while self._waiting:
            part = self._waiting.popleft()
            if self._held or part.read in _RULES:
                self._held.append(part)
                if self._may_decide():
                    self._decide(ended=False)
            else:
                self._pass(part)

    def _may_decide(self) -> bool:
        """A long form is looked at only when something opens or closes, or just did."""
        size = len(self._held)
        return size < _SHORT or size >= MAX_HELD or any(part.read in _TELLING for part in self._held[-2:])

    def _decide(self, *, ended: bool) -> None:
        text = read(self._held)
        ended = ended or len(text) >= MAX_HELD or _BLANK_LINE.search(text) is not None
        look = Look(
            text=text,
            before=self._before,
            ended=ended,
            own=self._own,
        )
        decision = _RULES[text[0]](look)
        if decision is None:
            return
        held, self._held = self._held, []
        for part in held[: decision.passed]:
            self._pass(part)
        again: list[Glyph] = []
        for piece in decision.again:
            again += held[piece] if isinstance(piece, slice) else glyphs(piece)
        if decision.notice:
            for part in glyphs(set_apart(self._before, self._notice)):
                self._pass(part)
        again += held[max(decision.taken, decision.passed) :]
        self._waiting.extendleft(reversed(again))

    def _pass(self, part: Glyph) -> None:
        self._before = part.read
        self._sink(part)
