"""What a filter means, said a second time: in plain Python, over documents."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from rag.domain import Access, Document
from rag.facts import Period, period_of
from rag.filters import And, Condition, Filter, Not, Operator, Or, Value

_COMPARE = {Operator.LT: operator.lt, Operator.LTE: operator.le, Operator.GT: operator.gt}


def passes(filters: Filter, document: Document, access: Access) -> bool:
    match filters:
        case And(parts=parts):
            return all(passes(part, document, access) for part in parts)
        case Or(parts=parts):
            return any(passes(part, document, access) for part in parts)
        case Not(part=part):
            return not passes(part, document, access)
        case Condition():
            found = list(_values(document, filters.field, access))
            if filters.operator is Operator.EXISTS:
                return bool(found)
            return any(_holds(filters.operator, value, given) for value in found for given in filters.values)


def _values(document: Document, field: str, access: Access) -> Iterator[Any]:
    if field == "groups":
        yield from document.groups if access.groups is None else document.groups & access.groups
    elif field == "document_id":
        yield document.id
    elif field == "modified_at":
        yield datetime.fromtimestamp(document.mtime_ns / 1e9, UTC)
    elif field.startswith("metadata."):
        yield from _named(document.metadata, field.removeprefix("metadata."), "")
    else:
        yield getattr(document, field)


def _named(value: Any, wanted: str, name: str) -> Iterator[Any]:
    """The scalars at the dotted place ``wanted``."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _named(item, wanted, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        for item in value:
            yield from _named(item, wanted, name)
    elif name == wanted and value is not None:
        yield value


def _holds(how: Operator, value: Any, given: Value) -> bool:
    if how is Operator.PREFIX:
        return _text(value).startswith(str(given))
    if isinstance(value, datetime):  # of the document itself, compared with a time only
        assert isinstance(given, Period)
        return _timed(how, value, given)
    if how is Operator.IN:
        return _text(value) == given if isinstance(given, str) else _number(value) == given
    if isinstance(given, Period):
        time = period_of(value) if isinstance(value, str) else None
        return time is not None and _timed(how, time.start, given)
    found = _text(value) if isinstance(given, str) else _number(value)
    return found is not None and _COMPARE.get(how, operator.ge)(found, given)


def _timed(how: Operator, moment: datetime, given: Period) -> bool:
    return {
        Operator.IN: given.start <= moment < given.end,
        Operator.LT: moment < given.start,
        Operator.LTE: moment < given.end,
        Operator.GT: moment >= given.end,
        Operator.GTE: moment >= given.start,
    }[how]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and not value.lstrip("+-").replace(".", "", 1).isdecimal():
        return None
    return float(value)
