"""Figures of a text in one notation: ``1 200``, ``1,200`` and ``1200`` are the same, and 5 is five."""

from __future__ import annotations

import re

_GROUPED = r"(?<!\d)\d{1,3}(?:[ \u00a0\u202f.,]\d{3})+(?:[.,]\d+)?(?!\d)"
_FIGURE = re.compile(rf"{_GROUPED}|\d+(?:[.,]\d+)?")
_LIST_NUMBER = re.compile(r"^\s*\d+[.)]\s")
_SMALL = {
    "en": "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty",
    "fr": "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize "
    "dix-sept dix-huit dix-neuf vingt",
}
_TENS = {
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
    "vingt": 20,
    "trente": 30,
    "quarante": 40,
    "cinquante": 50,
    "soixante": 60,
}
_WORDS = {word: value for names in _SMALL.values() for value, word in enumerate(names.split())} | _TENS
_WORDS |= {
    f"{ten}-{unit}": _TENS[ten] + _WORDS[unit] for ten in _TENS for unit in _WORDS if _WORDS[unit] < 10
}
_ONE = frozenset({"one", "un"})  # also articles and pronouns, so no figure that a sentence claims
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


def claimed_figures(sentence: str) -> list[str]:
    """The figures that ``sentence`` states, in order; the number of a list item is none."""
    body = _LIST_NUMBER.sub("", sentence)
    words = (word.lower() for word in _WORD.findall(body))
    return [*_digits(body), *(str(_WORDS[word]) for word in words if word in _WORDS and word not in _ONE)]


def held_figures(text: str) -> frozenset[str]:
    """Every figure that ``text`` could back, number words included."""
    words = (word.lower() for word in _WORD.findall(text))
    return frozenset([*_digits(text), *(str(_WORDS[word]) for word in words if word in _WORDS)])


def _digits(text: str) -> list[str]:
    return [_plain(figure) for figure in _FIGURE.findall(text)]


def _plain(figure: str) -> str:
    """No group separators, a point for decimals, no zeros that say nothing."""
    digits = re.sub(r"[\u00a0\u202f ]", "", figure)
    digits = re.sub(r"[.,](?=\d{3}(?:[.,]|$))", "", digits).replace(",", ".")
    whole, _, decimals = digits.partition(".")
    decimals = decimals.rstrip("0")
    return f"{whole.lstrip('0') or '0'}.{decimals}" if decimals else whole.lstrip("0") or "0"
