"""Text that every database can hold: PostgreSQL refuses NUL, and neither encodes half a surrogate pair."""

from __future__ import annotations

from rag.errors import InvalidRequest


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


def _problem(text: str) -> int | None:
    nul = text.find("\0")
    try:
        text.encode()
    except UnicodeEncodeError as exc:
        return exc.start if nul < 0 else min(exc.start, nul)
    return None if nul < 0 else nul
