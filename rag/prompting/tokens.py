"""How many tokens a text takes, where the model's own tokenizer is not known."""

from __future__ import annotations

import math
import re

_PIECES = re.compile(
    r"(?P<word>[A-Za-z\u00c0-\u024f]+)|(?P<digits>\d+)|(?P<blank>[^\S\n]+)|(?P<other>.)", re.DOTALL
)
_LETTERS_PER_TOKEN = 4
_WIDE = 1.5
"""Tokens of a Chinese, Japanese or Korean character: one to two in today's tokenizers."""


class EstimatedTokens:
    """A count that is rather too high than too low, for any model.

    A word takes a token for four letters and half a one more for each accented letter; every digit, sign and
    line break one; a letter of another alphabet one, a Chinese, Japanese or Korean character one and a half.
    """

    def count(self, text: str) -> int:
        """Tokens of ``text``, estimated."""
        return math.ceil(sum(_cost(match) for match in _PIECES.finditer(text)))


def _cost(match: re.Match[str]) -> float:
    piece = match.group()
    if match.lastgroup == "word":
        accented = sum(not letter.isascii() for letter in piece)
        return max(1.0, len(piece) / _LETTERS_PER_TOKEN) + accented / 2
    if match.lastgroup == "digits":
        return len(piece)
    if match.lastgroup == "blank":
        return 0.0 if len(piece) == 1 else 1.0
    return _WIDE if piece >= "\u2e80" else 1.0
