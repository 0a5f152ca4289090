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
    """

    start: int
    end: int
    text: str


class CellFact(Fact):
    """The fact that a table has in a cell; its path begins with the name of the row."""

    __slots__ = ()

    @property
    def row(self) -> str:
        """The name of its row; empty in the cell that holds it."""
        name, separator, _ = self.text.partition(PATH_SEPARATOR)
        return name if separator else ""


def fact(start: int, end: int, path: tuple[str, ...], value: str) -> Fact:
    """The fact that ``value``, which stands at ``start:end``, is what ``path`` leads to."""
    shown = " ".join(value.split())
    where = PATH_SEPARATOR.join(part for part in path if part)
    return Fact(start, end, f"{where}: {shown}" if where else shown)


def worded(value: str) -> str:
    """A record's value as a sentence would say it: null is unknown, true is yes, false is no."""
    return _WORDS.get(value, value) or UNKNOWN


def key_words(key: str) -> str:
    """A key as words: ``RestaurantsTakeOut`` and ``restaurants_take_out`` are three."""
    return " ".join(_JOINT.sub(" ", key).split())
