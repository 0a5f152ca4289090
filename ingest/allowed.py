"""Which files a request may name: those below the folders that the operator allows, links followed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rag.errors import Forbidden, InvalidRequest

_SHOWN = 200


def allowed_path(given: str, roots: Sequence[Path]) -> Path:
    """The real path, links followed, if it lies in an allowed root.

    Raises:
        Forbidden: it lies elsewhere, whether it exists or not.
        InvalidRequest: it is not there.
    """
    try:
        path = Path(given).resolve()
    except (OSError, ValueError) as exc:
        raise InvalidRequest(f"Path {given[:_SHOWN]!r} cannot be read as a path.") from exc
    if not any(path.is_relative_to(root.resolve()) for root in roots):
        raise Forbidden(
            f"Path {given[:_SHOWN]!r} is not below an allowed root; the operator sets FOOTNOTE_ALLOWED_ROOTS."
        )
    if not path.exists():
        raise InvalidRequest(f"Path {given[:_SHOWN]!r} does not exist on the server.")
    return path
