"""What every database can hold: PostgreSQL refuses NUL and NaN, and neither encodes half a surrogate pair."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from rag.errors import InvalidRequest

_MOST_BITS = 10_000  # of a number that Python still writes in digits


def is_storable(text: str) -> bool:
    """Whether ``text`` can be stored, or looked up, in every supported database."""
    return _problem(text) is None


def require_storable(what: str, text: str) -> None:
    """Raises: InvalidRequest, naming ``what`` and the first offending character."""
    problem = _problem(text)
    if problem is not None:
        raise InvalidRequest(
            f"{what} holds {text[problem]!r} at character {problem}, which cannot be stored; remove it."
        )


def storable_metadata(value: Any) -> Any:
    """The value with what JSON has no number for as text: not finite, or of thousands of digits."""
    if isinstance(value, Mapping):
        return {str(key): storable_metadata(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable_metadata(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        return hex(value)
    return value


def _problem(text: str) -> int | None:
    nul = text.find("\0")
    try:
        text.encode()
    except UnicodeEncodeError as exc:
        return exc.start if nul < 0 else min(exc.start, nul)
    return None if nul < 0 else nul
