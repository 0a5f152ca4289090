"""A filter as SQL over documents and their facts, the same on every database.

Texts are compared exactly, by code point: no LIKE, whose case rules differ between databases. The metadata
are compared through ``document_facts``, because JSON functions differ too, and fail on a single odd value.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, not_, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute

from rag.domain import Access
from rag.facts import Period
from rag.filters import METADATA, And, Condition, Filter, Not, Operator, Or, Value
from rag.store.schema import DocumentRow, FactRow, GroupRow
from rag.store.storable import is_storable

Predicate = ColumnElement[bool]

_LARGEST = 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COLUMNS: Mapping[str, InstrumentedAttribute[Any]] = {
    "document_id": DocumentRow.id,
    "title": DocumentRow.title,
    "language": DocumentRow.language,
    "media_type": DocumentRow.media_type,
    "source_uri": DocumentRow.source_uri,
    "root": DocumentRow.root,
    "path": DocumentRow.path,
    "part": DocumentRow.part,
    "version": DocumentRow.version,
    "size": DocumentRow.size,
    "created_at": DocumentRow.created_at,
    "updated_at": DocumentRow.updated_at,
    "modified_at": DocumentRow.mtime_ns,
}


def passes(filters: Filter, collection_id: str, access: Access) -> Predicate:
    """True for the rows of ``documents``, of that collection, that pass.

    A document's groups are compared as far as ``access`` shares them: of the others it must learn nothing.
    """
    match filters:
        case And(parts=parts):
            return and_(true(), *(passes(part, collection_id, access) for part in parts))
        case Or(parts=parts):
            return or_(*(passes(part, collection_id, access) for part in parts))
        case Not(part=part):
            return not_(passes(part, collection_id, access))
        case Condition(field="groups"):
            return _of_groups(filters, access)
        case Condition():
            name = filters.field.removeprefix(METADATA)
            if name != filters.field:
                return _of_facts(filters, name, collection_id)
            return _compare(filters, _COLUMNS[name], _nanoseconds if name == "modified_at" else None)


def _of_groups(condition: Condition, access: Access) -> Predicate:
    wanted = [GroupRow.document_id == DocumentRow.id]
    if access.groups is not None:
        wanted.append(GroupRow.group.in_(sorted(group for group in access.groups if is_storable(group))))
    if condition.operator is not Operator.EXISTS:
        wanted.append(_compare(condition, GroupRow.group))
    return exists().where(*wanted).correlate(DocumentRow)


def _of_facts(condition: Condition, name: str, collection_id: str) -> Predicate:
    named = (FactRow.collection_id == collection_id, FactRow.name == name)
    found = select(FactRow.document_id).where(*named)
    if condition.operator is Operator.IN:
        texts = [value for value in condition.values if isinstance(value, str)]
        numbers = [value for value in condition.values if isinstance(value, float)]
        found = found.where(or_(FactRow.text.in_(texts), FactRow.number.in_(numbers)))
    elif condition.operator is not Operator.EXISTS:
        (value,) = condition.values
        column = {float: FactRow.number, Period: FactRow.moment}.get(type(value), FactRow.text)
        found = found.where(_compare(condition, column))
    return DocumentRow.id.in_(found)


def _compare(
    condition: Condition,
    column: InstrumentedAttribute[Any],
    as_stored: Callable[[datetime], Any] | None = None,
) -> Predicate:
    """The condition on one column; ``as_stored`` says how it stores a moment."""
    if condition.operator is Operator.EXISTS:
        return true()
    if condition.operator is Operator.PREFIX:
        (prefix,) = condition.values
        return func.substr(column, 1, len(str(prefix))) == prefix
    stored = as_stored or (lambda moment: moment)
    if condition.operator is Operator.IN:
        periods = [value for value in condition.values if isinstance(value, Period)]
        others = [value for value in condition.values if not isinstance(value, Period)]
        within = [and_(column >= stored(time.start), column < stored(time.end)) for time in periods]
        return or_(column.in_(others), *within)
    (value,) = condition.values
    return _bounded(condition.operator, column, value, stored)


_PLAIN: Mapping[Operator, Callable[[Any, Any], Any]] = {
    Operator.LT: operator.lt,
    Operator.LTE: operator.le,
    Operator.GT: operator.gt,
    Operator.GTE: operator.ge,
}


def _bounded(
    bound: Operator, column: InstrumentedAttribute[Any], value: Value, stored: Callable[[datetime], Any]
) -> Predicate:
    if not isinstance(value, Period):
        predicate: Predicate = _PLAIN[bound](column, value)
        return predicate
    # After a day means after its end; until a day includes it.
    limit = stored(value.start if bound in (Operator.GTE, Operator.LT) else value.end)
    at_least: Predicate = column >= limit
    return at_least if bound in (Operator.GTE, Operator.GT) else not_(at_least)


def _nanoseconds(moment: datetime) -> int:
    since_epoch = (moment - _EPOCH) // timedelta(microseconds=1) * 1000
    return max(-_LARGEST, min(since_epoch, _LARGEST))  # the column ends in the year 2262
