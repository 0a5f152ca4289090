"""A key-value fact read off structured text, and how its path and its value are put in words."""

from __future__ import annotations

import re
from typing import NamedTuple

PATH_SEPARATOR = " > "
UNKNOWN = "unknown"
NONE = "none"

_WORDS = {"null": UNKNOWN, "None": UNKNOWN, "true": "yes", "True": "yes", "false": "no", "False": "no"}
_JOINT = re.compile(r"[_\s]+|(?<=[a-zà-ÿ])(?=[A-ZÀ-Þ])|(?<=[A-ZÀ-Þ])(?=[A-ZÀ-Þ][a-zà-ÿ])")


class Fact(NamedTuple):
    """One value of a record or a table.

    Attributes:
        start, end: where the value stands in the text it was read from.
        text: ``path: value``, like ``attributes > Business Parking > garage: no``.
        row: the name of the table row that it is of; empty for records.
    """

    start: int
    end: int
    text: str
    row: str = ""


def fact(start: int, end: int, path: tuple[str, ...], value: str, *, row: str = "") -> Fact:
    """The fact that ``value``, which stands at ``start:end``, is what ``path`` leads to."""
    shown = " ".join(value.split())
    where = PATH_SEPARATOR.join(part for part in path if part)
    return Fact(start, end, f"{where}: {shown}" if where else shown, row)


def worded(value: str) -> str:
    """A record's value as a sentence would say it: null is unknown, true is yes, false is no."""
    return _WORDS.get(value, value) or UNKNOWN


def key_words(key: str) -> str:
    """A key as words: ``RestaurantsTakeOut`` and ``restaurants_take_out`` are three."""
    return " ".join(_JOINT.sub(" ", key).split())
