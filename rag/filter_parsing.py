"""Reading a filter from JSON: strictly, with an error that names the place and what was expected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import partial

from rag.errors import InvalidFilter
from rag.facts import MAX_NAME, MAX_TEXT, as_number, period_of
from rag.filters import FIELDS, METADATA, And, Condition, Filter, Kind, Not, Operator, Or, Value

MAX_DEPTH = 8
MAX_CONDITIONS = 100
MAX_VALUES = 1000
"""Values of all ``in`` lists of one filter together."""

_PATTERNS = frozenset({"regex", "regexp", "re", "match", "matches", "like", "ilike", "glob", "wildcard"})
_EXPECTED = {
    Kind.TEXT: "a text",
    Kind.NUMBER: "a number",
    Kind.DATE: 'an ISO 8601 date or time such as "2026-05-01" or "2026-05-01T14:30:00Z"',
    Kind.ANY: "a text, a number, true or false",
}


def parse_filter(value: object) -> Filter:
    """The filter that a JSON value describes; an empty object is one that always holds.

    Raises:
        InvalidFilter: an unknown field or comparison, a value of the wrong type, or more than the limits.
    """
    if value == {}:
        return And(parts=())
    return _Parser().filter(value, depth=1)


class _Parser:
    """Counts the conditions and values of one filter."""

    def __init__(self) -> None:
        self._conditions = 0
        self._values = 0

    def filter(self, value: object, *, depth: int) -> Filter:
        """An object's entries, all of which must hold."""
        if not isinstance(value, Mapping) or not value:
            raise InvalidFilter(f'A filter is an object such as {{"language": "fr"}}, got {_shown(value)}.')
        if depth > MAX_DEPTH:
            raise InvalidFilter(f"The filter is nested more than {MAX_DEPTH} levels deep; make it flatter.")
        return _joined([self._entry(str(key), part, depth) for key, part in value.items()])

    def _entry(self, key: str, value: object, depth: int) -> Filter:
        match key:
            case "and":
                return And(parts=self._list(key, value, depth))
            case "or":
                return Or(parts=self._list(key, value, depth))
            case "not":
                return Not(part=self.filter(value, depth=depth + 1))
        kind = kind_of(key)
        compared = value if isinstance(value, Mapping) else {"eq": value}
        if not compared:
            raise InvalidFilter(f"Nothing is compared with {key!r}: {_usage()}.")
        return _joined([self._condition(key, kind, str(name), given) for name, given in compared.items()])

    def _list(self, key: str, value: object, depth: int) -> tuple[Filter, ...]:
        if not isinstance(value, list) or not value:
            raise InvalidFilter(f"{key!r} takes a list of filters, at least one, got {_shown(value)}.")
        return tuple(self.filter(part, depth=depth + 1) for part in value)

    def _condition(self, field: str, kind: Kind, name: str, given: object) -> Filter:
        compare = _COMPARISONS.get(name)
        if compare is None:
            why = "patterns are not supported, only prefixes" if name in _PATTERNS else "no such comparison"
            raise InvalidFilter(f"{_shown(name)} of {field!r}: {why}; {_usage()}.")
        self._conditions += 1
        self._values += len(given) if name == "in" and isinstance(given, list) else 1
        if self._conditions > MAX_CONDITIONS or self._values > MAX_VALUES:
            raise InvalidFilter(
                f"The filter is too large: at most {MAX_CONDITIONS} conditions and {MAX_VALUES} values."
            )
        return compare(field, kind, given)


def kind_of(field: str) -> Kind:
    """What the field holds. Raises: InvalidFilter for an unknown one."""
    if field in FIELDS:
        return FIELDS[field]
    name = field.removeprefix(METADATA)
    if name != field and 0 < len(name) <= MAX_NAME and is_text(name):
        return Kind.ANY
    near = get_close_matches(field[:MAX_NAME], FIELDS, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise InvalidFilter(
        f"There is no field {_shown(field)} to filter by.{hint} Known are {', '.join(FIELDS)}, "
        f"{METADATA}NAME for what the file itself carries, and the branches and, or, not."
    )


def is_text(text: str) -> bool:
    """Whether a document could hold it: no NUL, no half of a surrogate pair."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _equal(field: str, kind: Kind, given: object) -> Filter:
    return Condition(field=field, operator=Operator.IN, values=(_value(field, kind, given),))


def _unequal(field: str, kind: Kind, given: object) -> Filter:
    return Not(part=_equal(field, kind, given))


def _one_of(field: str, kind: Kind, given: object) -> Filter:
    if not isinstance(given, list) or not given:
        raise InvalidFilter(f"'in' of {field!r} takes a list of values, at least one, got {_shown(given)}.")
    values = tuple(_value(field, kind, item) for item in given)
    return Condition(field=field, operator=Operator.IN, values=values)


def _bound(operator: Operator, field: str, kind: Kind, given: object) -> Filter:
    if kind is Kind.TEXT:
        raise InvalidFilter(f"{field!r} is a text, which has no {operator.value!r}; {_usage()}.")
    value = _value(field, kind, given)
    if isinstance(given, bool):
        raise InvalidFilter(
            f"{operator.value!r} of {field!r} takes a number, a date or a text, not a boolean."
        )
    period = period_of(value) if isinstance(value, str) else None
    return Condition(field=field, operator=operator, values=(period or value,))


def _prefix(field: str, kind: Kind, given: object) -> Filter:
    if kind not in (Kind.TEXT, Kind.ANY) or not isinstance(given, str):
        raise InvalidFilter(
            f"'prefix' compares the beginning of a text: {field!r} is a {kind}, {_shown(given)} was given."
        )
    value = _value(field, kind, given)
    return Condition(field=field, operator=Operator.PREFIX, values=(value,))


def _exists(field: str, kind: Kind, given: object) -> Filter:
    if not isinstance(given, bool):
        raise InvalidFilter(f"'exists' of {field!r} takes true or false, got {_shown(given)}.")
    found = Condition(field=field, operator=Operator.EXISTS)
    return found if given else Not(part=found)


_Comparison = Callable[[str, Kind, object], Filter]
_COMPARISONS: Mapping[str, _Comparison] = {
    "eq": _equal,
    "ne": _unequal,
    "in": _one_of,
    **{
        bound.value: partial(_bound, bound)
        for bound in (Operator.LT, Operator.LTE, Operator.GT, Operator.GTE)
    },
    "prefix": _prefix,
    "exists": _exists,
}


def _value(field: str, kind: Kind, given: object) -> Value:
    value = _typed(kind, given)
    if value is None:
        raise InvalidFilter(f"{field!r} is compared with {_EXPECTED[kind]}, got {_shown(given)}.")
    if isinstance(value, str):
        if len(value) > MAX_TEXT:
            raise InvalidFilter(
                f"The text for {field!r} has {len(value):,} characters, at most {MAX_TEXT} are compared; "
                "use a shorter prefix."
            )
        if not is_text(value):
            raise InvalidFilter(f"The text for {field!r} holds characters that no document can hold.")
    return value


def _typed(kind: Kind, given: object) -> Value | None:
    """The value as the kind is compared; ``None`` if it is of another type."""
    if isinstance(given, bool):
        return str(given).lower() if kind is Kind.ANY else None
    if isinstance(given, int | float):
        return as_number(given) if kind in (Kind.NUMBER, Kind.ANY) else None
    if isinstance(given, str):
        return period_of(given) if kind is Kind.DATE else given if kind is not Kind.NUMBER else None
    return None


def _joined(parts: list[Filter]) -> Filter:
    return parts[0] if len(parts) == 1 else And(parts=tuple(parts))


def _usage() -> str:
    return f"comparisons are {', '.join(_COMPARISONS)}"


def _shown(value: object) -> str:
    """A value in a message, cut short."""
    kinds = {dict: "an object", list: "a list", type(None): "null"}
    if type(value) in kinds:
        return kinds[type(value)] if value or value is None else "an empty one"
    try:
        text = repr(value)
    except ValueError:
        return "a number of thousands of digits"
    return text if len(text) <= MAX_NAME else f"{text[:MAX_NAME]}…"
