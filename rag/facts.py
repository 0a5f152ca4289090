"""What a file says of itself, as flat facts that can be compared: texts, numbers, moments.

A file's ``metadata`` is whatever its front matter or header holds: nested, of any type. Filters compare its
facts: one per scalar, under the dotted name of its place.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any

MAX_TEXT = 500
"""Longest text, in characters, that a filter compares; of a longer fact the beginning is known."""

MAX_NAME = 100
MAX_FACTS = 256
"""Facts of one document; what a file says beyond them cannot be filtered by."""

_MAX_DEPTH = 8
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?", re.ASCII)
_TICK = timedelta(microseconds=1)
_LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Period:
    """A time from ``start`` (inclusive) to ``end`` (exclusive), in UTC: a day, or a moment of one tick."""

    start: datetime
    end: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """One scalar of a document's metadata.

    Attributes:
        name: dotted place: ``author.name``; the items of a list share their list's.
        text: as written, at most ``MAX_TEXT + 1`` characters of it; ``true`` and ``false`` for a boolean.
        number: where it is a number, or a text that is one.
        moment: where it is an ISO 8601 date or time; a day counts from its beginning, no zone means UTC.
    """

    name: str
    text: str
    number: float | None
    moment: datetime | None


def facts_of(metadata: Mapping[str, Any]) -> list[Fact]:
    """The facts of a document's metadata, the first ``MAX_FACTS`` of them."""
    return list(islice(_facts("", metadata, 0), MAX_FACTS))


def period_of(text: str) -> Period | None:
    """The day or moment that an ISO 8601 text names; ``None`` for any other text."""
    try:
        if _DAY.fullmatch(text):
            start = datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
            return Period(start=start, end=_LAST if start.date() == date.max else start + timedelta(days=1))
        if _MOMENT.fullmatch(text):
            moment = datetime.fromisoformat(text)
            start = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
            return Period(start=start, end=start + _TICK)
    except (ValueError, OverflowError):  # no such day, or one outside the calendar
        return None
    return None


def as_number(value: float) -> float | None:
    """The value as filters compare numbers; ``None`` where it is not finite."""
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _facts(name: str, value: Any, depth: int) -> Iterator[Fact]:
    if value is None or depth > _MAX_DEPTH or len(name) > MAX_NAME:
        return
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _facts(f"{name}.{key}" if name else str(key), item, depth + 1)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _facts(name, item, depth + 1)
    elif _storable(name) == name:
        yield _fact(name, value)


def _fact(name: str, value: Any) -> Fact:
    if isinstance(value, bool):
        return Fact(name=name, text=str(value).lower(), number=None, moment=None)
    if isinstance(value, int | float):
        number = as_number(value)
        return Fact(name=name, text=_digits(value), number=number, moment=None)
    text = _storable(str(value)[: MAX_TEXT + 1])
    period = period_of(text)
    return Fact(
        name=name,
        text=text,
        number=as_number(float(text)) if _NUMBER.fullmatch(text) else None,
        moment=period.start if period else None,
    )


def _digits(value: float) -> str:
    try:
        return str(value)[: MAX_TEXT + 1]
    except ValueError:  # Python writes no number of thousands of digits
        return ""


def _storable(text: str) -> str:
    """The text without what no database holds: NUL, half a surrogate pair."""
    return text.replace("\0", "�").encode("utf-8", "replace").decode()
