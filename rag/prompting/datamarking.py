"""Passages' text with an unpredictable sign in it, by which a model tells data from instructions.

Who writes a document cannot know the sign, so nothing in the document can pretend to stand outside of it
("datamarking", Hines et al. 2024, https://arxiv.org/abs/2403.14720).
"""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Sequence
from enum import StrEnum

_LETTERS = string.ascii_lowercase + string.digits
_LENGTH = 5
_WORD = re.compile(r"(?<!\S)(?=\S)")


class Datamarking(StrEnum):
    """Where the sign stands: before every sentence, before every word, or nowhere."""

    SENTENCES = "sentences"
    WORDS = "words"
    OFF = "off"


def new_mark(texts: Sequence[str]) -> str:
    """A sign that stands in none of ``texts``, new for every answer."""
    while True:
        mark = f"^{''.join(secrets.choice(_LETTERS) for _ in range(_LENGTH))}^"
        if not any(mark in text for text in texts):
            return mark


def marked(sentence: str, mark: str, datamarking: Datamarking) -> str:
    """A sentence with the sign before it, or before each of its words."""
    if datamarking is Datamarking.OFF:
        return sentence
    if datamarking is Datamarking.SENTENCES:
        return mark + sentence
    return _WORD.sub(lambda _: mark, sentence)
