"""Characters as they are shown, and what they would pass for in markup or an address."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import NamedTuple


class Glyph(NamedTuple):
    """A character as written (several, if it was written as an entity), and the character it passes for."""

    shown: str
    read: str


Sink = Callable[[Glyph], None]
"""The next stage."""

_LOOKALIKES = {
    "а": "a", "α": "a", "ɑ": "a", "ᴀ": "a", "в": "b", "ь": "b", "ʙ": "b", "с": "c", "ϲ": "c", "ᴄ": "c",
    "ԁ": "d", "ᴅ": "d", "е": "e", "ε": "e", "ҽ": "e", "ᴇ": "e", "ꜰ": "f", "ƒ": "f", "ɡ": "g", "ɢ": "g",
    "һ": "h", "н": "h", "ʜ": "h", "հ": "h", "і": "i", "ι": "i", "ı": "i", "ɪ": "i", "Ӏ": "l", "ј": "j",
    "ϳ": "j", "ᴊ": "j", "к": "k", "κ": "k", "ᴋ": "k", "ʟ": "l", "м": "m", "ᴍ": "m", "ո": "n", "ɴ": "n",
    "п": "n", "о": "o", "ο": "o", "օ": "o", "ᴏ": "o", "σ": "o", "р": "p", "ρ": "p", "ᴘ": "p", "ԛ": "q",
    "г": "r", "ʀ": "r", "ѕ": "s", "ꜱ": "s", "т": "t", "τ": "t", "ᴛ": "t", "υ": "u", "ս": "u", "ᴜ": "u",
    "ν": "v", "ѵ": "v", "ᴠ": "v", "ѡ": "w", "ԝ": "w", "ᴡ": "w", "ω": "w", "х": "x", "χ": "x", "у": "y",
    "γ": "y", "ʏ": "y", "ᴢ": "z",
    "А": "A", "Α": "A", "В": "B", "Β": "B", "С": "C", "Е": "E", "Ε": "E", "Н": "H", "Η": "H", "І": "I",
    "Ι": "I", "Ј": "J", "К": "K", "Κ": "K", "М": "M", "Μ": "M", "Ν": "N", "О": "O", "Ο": "O", "Р": "P",
    "Ρ": "P", "Ѕ": "S", "Т": "T", "Τ": "T", "Х": "X", "Χ": "X", "У": "Y", "Υ": "Y", "Ζ": "Z",
    "∶": ":", "ː": ":", "꞉": ":", "˸": ":", "׃": ":", "։": ":", "ꓽ": ":", "︓": ":",
    "∕": "/", "⁄": "/", "⧸": "/", "╱": "/", "⟋": "/", "〳": "/", "Ⳇ": "/", "丿": "/",
    "∖": "\\", "⧵": "\\", "⧹": "\\", "╲": "\\", "⟍": "\\",
    "。": ".", "․": ".", "｡": ".", "ꓸ": ".", "۔": ".", "܂": ".",
    "﹤": "<", "﹥": ">", "❮": "<", "❯": ">", "❲": "(", "❳": ")",
}  # fmt: skip
"""Letters and signs of other scripts that pass for ASCII, where no compatibility form says so."""


@lru_cache(maxsize=4096)
def glyph(character: str) -> Glyph:
    """One character, with what it passes for."""
    if character.isascii():
        return Glyph(character, character)
    alike = _LOOKALIKES.get(character)
    if alike is None:
        plain = unicodedata.normalize("NFKC", character)
        alike = plain if len(plain) == 1 else character
        alike = _LOOKALIKES.get(alike, alike)
    return Glyph(character, alike)


def glyphs(text: str) -> list[Glyph]:
    """Every character of ``text``."""
    return [glyph(character) for character in text]


def shown(line: Iterable[Glyph]) -> str:
    """The text as written."""
    return "".join(part.shown for part in line)


def read(line: Iterable[Glyph]) -> str:
    """The text it passes for, as long as the line."""
    return "".join(part.read for part in line)
