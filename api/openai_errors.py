"""Problem objects in the shape that OpenAI's clients read: ``{error: {message, type, param, code}}``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

OPENAI_PATHS = ("/v1/chat/", "/v1/models")
"""What these paths begin with is answered in that shape."""

_STATUSES = {422: 400}
"""Our statuses that are another one there."""

_TYPES = {401: "authentication_error", 403: "permission_error", 409: "conflict_error"}
_PARAMETERS = {
    "collection_not_found": "model",
    "invalid_filter": "footnote.filters",
    "invalid_question": "messages",
}
"""Code to the parameter that was wrong."""


def openai_status(problem: Mapping[str, Any]) -> int:
    """The status with which a problem is answered there."""
    status = int(problem["status"])
    return _STATUSES.get(status, status)


def openai_error(problem: Mapping[str, Any]) -> dict[str, Any]:
    """The body with which a problem is answered there; ``code`` is the problem's own."""
    status = openai_status(problem)
    fields = [found["field"].removeprefix("body.") for found in problem.get("errors", ())]
    return {
        "error": {
            "message": problem["detail"],
            "type": _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error"),
            "param": fields[0] if fields else _PARAMETERS.get(problem["code"]),
            "code": problem["code"],
        }
    }
