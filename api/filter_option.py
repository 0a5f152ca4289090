"""The option ``--filter`` of ``footnote ask`` and ``footnote search``: ``FIELD OPERATOR VALUE``, or JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from rag.errors import InvalidFilter
from rag.filter_parsing import kind_of, parse_filter
from rag.filters import Filter, Kind

_COMPARISON = re.compile(r"([^=<>!^]+)(!=|<=|>=|\^=|=|<|>)(.*)", re.DOTALL)
_OPERATORS = {"=": "eq", "!=": "ne", "<": "lt", "<=": "lte", ">": "gt", ">=": "gte", "^=": "prefix"}
_BOUNDS = frozenset({"lt", "lte", "gt", "gte"})
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)

FilterTexts = Annotated[
    list[str] | None,
    typer.Option(
        "--filter",
        metavar="CONDITION",
        help="Only documents for which this holds; may be given several times. "
        "FIELD=VALUE, also with != < <= > >= and ^= (begins with); or a JSON object. See docs/filters.md.",
    ),
]


def filter_of(texts: Sequence[str] | None) -> Filter | None:
    """The filter that all the options make together; ``None`` without any.

    Raises:
        InvalidFilter: one of them cannot be read, or compares what cannot be compared.
    """
    return parse_filter({"and": [_as_json(text) for text in texts]}) if texts else None


def _as_json(text: str) -> Any:
    if text.lstrip().startswith("{"):
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as exc:
            raise InvalidFilter(f"--filter {text[:100]!r} begins like JSON, but is none: {exc}.") from exc
    match = _COMPARISON.fullmatch(text)
    if match is None:
        raise InvalidFilter(
            f"--filter {text[:100]!r} compares nothing: expected FIELD OPERATOR VALUE, for instance "
            f"language=fr, with one of {' '.join(_OPERATORS)}; or a JSON object."
        )
    field, sign, value = (part.strip() for part in match.groups())
    return {field: {_OPERATORS[sign]: _typed(field, _OPERATORS[sign], value)}}


def _typed(field: str, name: str, value: str) -> str | float:
    """The value as a number where one is compared; an equal text in the metadata counts as equal anyway."""
    kind = kind_of(field)
    numeric = kind is Kind.NUMBER or (kind is Kind.ANY and name in _BOUNDS)
    return float(value) if numeric and _NUMBER.fullmatch(value) else value
