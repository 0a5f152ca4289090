"""What the rules of markup look at, and what they decide."""

from __future__ import annotations

import re
from dataclasses import dataclass

LINE_START = ("", "\n")
"""What stands before the first character of a line."""

_PAIRS = {"[": re.compile(r"[\[\]]"), "(": re.compile(r"[()]"), "{": re.compile(r"[{}]")}
_MAX_DEPTH = 4
"""Brackets in brackets; or else a text of nothing but brackets would be looked at again and again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """A form as far as it has come.

    Attributes:
        text: what it reads as, see :class:`rag.answering.defusing.glyphs.Glyph`.
        before: the character before it; empty at the beginning.
        ended: it must be decided now.
        own: addresses that may be shown.
    """

    text: str
    before: str
    ended: bool
    own: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What becomes of the first characters of a form; those after ``taken`` are looked at anew.

    Attributes:
        passed: that many are handed on as they are.
        again: what stands in the form's place, to be looked at anew: parts of it, or words of our own.
        taken: that many are dealt with.
        notice: nothing is left of it, so that the reader is told.
    """

    passed: int = 0
    again: tuple[slice | str, ...] = ()
    taken: int = 0
    notice: bool = False


def pass_on(count: int) -> Decision:
    """The first ``count`` characters are text."""
    return Decision(passed=count, taken=count)


def closing(text: str, start: int) -> int | None:
    """Where the bracket that opens at ``start`` closes, counting those inside; -1 while it doesn't.

    ``None`` where too many stand inside: it is not waited for.
    """
    depth = 0
    for match in _PAIRS[text[start]].finditer(text, start):
        if match.group() == text[start]:
            depth += 1
            if depth > _MAX_DEPTH:
                return None
        else:
            depth -= 1
            if not depth:
                return match.start()
    return -1


def set_apart(before: str, words: str) -> str:
    """``words`` with a blank before them, unless they follow one, or something that opens.

    In parentheses they need none of their own.
    """
    if before == "(":
        return words.strip("()")
    return words if not before or before.isspace() or before in "([{«“‘\"'>" else f" {words}"


_PROSE = re.compile(r"[^\W\d_][\w’'-]*[,.]?(?:[ \u00a0\u202f\n]+[\w’'-]+[,.]?)+")


def is_prose(target: str) -> bool:
    """Whether what stands in parentheses after a bracket can only be words: ``[1](see page 3)``."""
    return _PROSE.fullmatch(target.strip()) is not None
