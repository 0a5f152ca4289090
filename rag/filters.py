"""Which documents a search may draw from, as an expression over their facts.

A filter narrows what the asker may read and never widens it. Conditions on a list (groups, a list in the
metadata) hold when one of its items satisfies them; a condition on a fact that is absent never holds, its
``Not`` always does. ``docs/filters.md`` describes the JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from rag.facts import Period

METADATA = "metadata."


class Kind(StrEnum):
    """What a field holds; the metadata hold anything."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    ANY = "any"


FIELDS: Mapping[str, Kind] = {
    "document_id": Kind.TEXT,
    "title": Kind.TEXT,
    "language": Kind.TEXT,
    "media_type": Kind.TEXT,
    "source_uri": Kind.TEXT,
    "root": Kind.TEXT,
    "path": Kind.TEXT,
    "part": Kind.TEXT,
    "groups": Kind.TEXT,
    "version": Kind.NUMBER,
    "size": Kind.NUMBER,
    "created_at": Kind.DATE,
    "updated_at": Kind.DATE,
    "modified_at": Kind.DATE,
}
"""The fields of every document; ``metadata.NAME`` is what its file carried beside the text."""


class Operator(StrEnum):
    """How a field is compared; ``ne`` is the ``Not`` of an ``in``, and so is no operator of its own."""

    IN = "in"
    LT = "lt"
    LTE = "lte"
    GT = "gt"
    GTE = "gte"
    PREFIX = "prefix"
    EXISTS = "exists"


Value = str | float | Period
"""A text (``true`` and ``false`` for a boolean), a finite number, or the time that an ISO 8601 text names."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """One comparison.

    Attributes:
        field: one of ``FIELDS``, or ``metadata.NAME``.
        values: for ``in`` any of them; none for ``exists``; else exactly one.
    """

    field: str
    operator: Operator
    values: tuple[Value, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class And:
    """All of them hold; of none, always."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Or:
    """At least one holds."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Not:
    """It does not hold."""

    part: Filter


Filter = And | Or | Not | Condition
