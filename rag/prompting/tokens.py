"""How many tokens a text takes, where the model's own tokenizer is not known."""

from __future__ import annotations

import math
import re

_WORD = re.compile(r"[A-Za-z\u00c0-\u024f]+")
_ACCENTED = re.compile(r"[\u00c0-\u024f]")
_WIDE = re.compile(r"[\u2e80-\uffff\U00020000-\U0003ffff]")
_BLANKS = re.compile(r"[^\S\n]+")
_LETTERS_PER_TOKEN = 4


class EstimatedTokens:
    """A count that is rather too high than too low, for any model.

    A word takes a token for four letters and half a one more for each accented letter; every digit, sign,
    line break and letter of another alphabet takes one, a Chinese, Japanese or Korean character one and a
    half; blanks between words take none, several in a row one.
    """

    def count(self, text: str) -> int:
        """Tokens of ``text``, estimated."""
        words = [*map(len, _WORD.findall(text))]
        blanks = [*map(len, _BLANKS.findall(text))]
        signs = len(text) - sum(words) - sum(blanks)
        halves = len(_ACCENTED.findall(text)) + len(_WIDE.findall(text))
        letters = sum(max(size, _LETTERS_PER_TOKEN) for size in words)
        runs = sum(size > 1 for size in blanks)
        return math.ceil(letters / _LETTERS_PER_TOKEN + halves / 2 + signs + runs)
