"""A value that a text states, and when two of them are the same or rivals."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from rag.grounding.units import Unit

ValueKind = Literal["number", "date", "identifier"]

Moment = tuple[tuple[str, int], ...]
"""One reading of a date or time by its parts: ``year``, ``month``, ``day``, ``weekday``, ``minute``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Value:
    """A figure, a date, a time or an identifier as a text states it.

    Attributes:
        start, end: offsets into the text it was read from.
        amounts: every number it can stand for: ``1,200`` is 1200, or 1.2 as French writes it.
        unit: as recognised; ``None`` for a count of something, or where none is given.
        nouns: terms beside a count without a unit: what is counted, or what is numbered.
        moments: every date or time it can stand for: ``03/04`` is in March or in April.
        weak: it may be no statement at all (an article, a count of what is listed), so only a rival shows
            that it is wrong.
        rounding: how far a more precise amount may be from one that is said to be about so much.
    """

    kind: ValueKind
    start: int
    end: int
    text: str
    amounts: frozenset[Decimal] = frozenset()
    unit: Unit | None = None
    nouns: frozenset[str] = frozenset()
    moments: frozenset[Moment] = frozenset()
    weak: bool = False
    rounding: Decimal = Decimal(0)


def same(claimed: Value, held: Value) -> bool:
    """Whether ``held`` backs ``claimed``: the same amount in any notation, or a date that says as much."""
    if claimed.kind == "identifier" or held.kind == "identifier":
        return claimed.kind == held.kind and claimed.text == held.text
    if claimed.moments and held.moments:
        return any(_agree(one, other) for one in claimed.moments for other in held.moments)
    if not _units_agree(claimed.unit, held.unit):
        return False
    one, other = _scaled(claimed, held.unit), _scaled(held, claimed.unit)
    if one & other:
        return True
    return claimed.rounding > 0 and any(
        _rounds(true, said, claimed.rounding) for said in claimed.amounts for true in held.amounts
    )


def rivals(claimed: Value, held: Value) -> bool:
    """Whether ``held`` is another value of the same sort, which cannot hold beside ``claimed``."""
    if claimed.kind != held.kind or same(claimed, held):
        return False
    if claimed.kind == "identifier":
        return _prefix(claimed.text) == _prefix(held.text)
    if claimed.moments or held.moments:
        return any(
            {part for part, _ in one} == {part for part, _ in other}
            or {part for part, _ in one} < {part for part, _ in other}
            for one in claimed.moments
            for other in held.moments
        )
    if claimed.unit and held.unit:
        return claimed.unit.dimension == held.unit.dimension
    return claimed.unit is held.unit and bool(claimed.nouns & held.nouns)


def only_unit_differs(claimed: Value, held: Value) -> bool:
    """Whether both are the same amount, of different units: 5 km and 5 miles."""
    return (
        claimed.unit is not None
        and held.unit is not None
        and bool(claimed.amounts & held.amounts)
        and not same(claimed, held)
    )


def _agree(one: Moment, other: Moment) -> bool:
    """Whether no part of one says otherwise than the other, and all that one says the other says too.

    The year may be missing in the other: it often stands elsewhere, and is looked for there.
    """
    said, held = dict(one), dict(other)
    shared = said.keys() & held.keys()
    if not shared or any(said[part] != held[part] for part in shared):
        return False
    return said.keys() - held.keys() <= {"year", "weekday"}


def _units_agree(one: Unit | None, other: Unit | None) -> bool:
    return one is None or other is None or one.dimension == other.dimension


def _scaled(value: Value, towards: Unit | None) -> frozenset[Decimal]:
    if value.unit is None or towards is None:
        return value.amounts
    return frozenset(amount * value.unit.factor for amount in value.amounts)


def _rounds(true: Decimal, said: Decimal, rounding: Decimal) -> bool:
    return abs(said - true) <= rounding and _digits(true) > _digits(said)


def _digits(amount: Decimal) -> int:
    """Significant digits."""
    return len(amount.normalize().as_tuple().digits)


def _prefix(identifier: str) -> str:
    return identifier.rstrip("0123456789")
