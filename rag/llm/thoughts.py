"""What reasoning models think aloud, taken out of what they answer."""

from __future__ import annotations

import re

_OPEN, _CLOSE = "<think>", "</think>"
_TAG = re.compile(rf"{_OPEN}|{_CLOSE}", re.IGNORECASE)


class ThoughtFilter:
    """Passes on an answer that comes in pieces, without what stands between ``<think>`` and ``</think>``.

    Thoughts without an opening mark (some servers put it into the prompt) are known as such when their
    closing one comes: then :attr:`void` says that what was passed on so far is none of the answer.

    Attributes:
        void: set by :meth:`feed` when everything before its result is void.
    """

    def __init__(self) -> None:
        self._held = ""
        self._thinks = False
        self.void = False

    def feed(self, piece: str) -> str:
        """What of the text so far can be passed on now."""
        self.void = False
        passed, text = "", self._held + piece
        while mark := _TAG.search(text):
            if mark[0].lower() == _OPEN:
                passed += "" if self._thinks else text[: mark.start()]
            elif not self._thinks:
                passed, self.void = "", True
            self._thinks = mark[0].lower() == _OPEN
            text = text[mark.end() :]
        end = len(text) - _begun_mark(text)
        self._held = text[end:]
        return passed if self._thinks else passed + text[:end]

    def finish(self) -> str:
        """What was held back because it could have become a mark."""
        return "" if self._thinks else self._held


def _begun_mark(text: str) -> int:
    """Length of the longest end of ``text`` that may still become a mark."""
    tail = text[-len(_CLOSE) + 1 :].lower()
    sizes = range(len(tail), 0, -1)
    return next((size for size in sizes if any(mark.startswith(tail[-size:]) for mark in (_OPEN, _CLOSE))), 0)
