"""Every failure as RFC 9457 ``application/problem+json`` (but for OpenAI's clients), from one table.

A problem has ``type``, ``title``, ``status``, ``detail``, a stable ``code``, ``instance`` and, in server
errors, the ``request_id`` that the log names. Internal causes stay in the log.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from api.openai_errors import OPENAI_PATHS, openai_error, openai_status
from rag import errors

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
INTERNAL_DETAIL = "Footnote failed; the server's log names the cause under this request id."


class UploadTooLarge(errors.UsageError):
    """The request body is larger than the server takes."""

    code = "upload_too_large"


class StreamNotFound(errors.NotFound):
    """No answer of the asker's is being followed, or was a moment ago, under that event id."""

    code = "stream_not_found"


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """How an error class is answered.

    Attributes:
        detail: said instead of the error's own message, which may name paths or hosts of the server.
    """

    status: int
    title: str
    detail: str | None = None


TABLE: dict[type[errors.FootnoteError], Row] = {
    errors.FootnoteError: Row(status=500, title="Internal error", detail=INTERNAL_DETAIL),
    errors.UsageError: Row(status=422, title="The request cannot be used"),
    errors.InvalidQuestion: Row(status=422, title="The question cannot be asked"),
    errors.InvalidRequest: Row(status=422, title="The request is not valid"),
    errors.InvalidFilter: Row(status=422, title="The filter is not valid"),
    errors.SettingsError: Row(
        status=500,
        title="The server is not configured for this",
        detail="A setting of the server is missing or wrong; its operator finds it with `footnote doctor`.",
    ),
    errors.DatasetError: Row(status=422, title="The data set is malformed"),
    errors.SuiteError: Row(status=422, title="The suite cannot be run"),
    errors.NotComparable: Row(status=422, title="The reports cannot be compared"),
    errors.NotFound: Row(status=404, title="Not found"),
    errors.CollectionNotFound: Row(status=404, title="Collection not found"),
    errors.DocumentNotFound: Row(status=404, title="Document not found"),
    errors.ConversationNotFound: Row(status=404, title="Conversation not found"),
    errors.JobNotFound: Row(status=404, title="Job not found"),
    errors.Conflict: Row(status=409, title="Not possible in the present state"),
    errors.CollectionExists: Row(status=409, title="The collection exists already"),
    errors.EmbeddingMismatch: Row(status=409, title="The collection was built with another embedding model"),
    errors.TooFewPairs: Row(status=409, title="The collection is too small to tune a model with"),
    errors.Busy: Row(status=409, title="The collection is being ingested"),
    errors.NotAuthorized: Row(status=401, title="A valid key is needed"),
    errors.Forbidden: Row(status=403, title="Not allowed"),
    errors.SourceError: Row(status=422, title="The source cannot be ingested"),
    errors.ModelError: Row(
        status=502,
        title="A model failed",
        detail="A model failed; try again, the server's log has the cause.",
    ),
    errors.ModelUnavailable: Row(
        status=503,
        title="A model is not available",
        detail="A model is missing or damaged; the server's operator finds it with `footnote doctor`.",
    ),
    errors.GenerationFailed: Row(
        status=502,
        title="The language model did not answer",
        detail="The language model did not answer; try again, or ask with llm `extractive`.",
    ),
    errors.GenerationCancelled: Row(
        status=503,
        title="The answer was given up",
        detail="Nobody seemed to wait for the answer any more, so it was given up; ask again.",
    ),
    errors.StorageError: Row(
        status=503,
        title="The storage failed",
        detail="The server's disk or database failed; its operator finds the cause with `footnote doctor`.",
    ),
    errors.DiskFull: Row(
        status=507,
        title="The server's disk is full",
        detail="The server's disk is full; what was stored before is intact. Free space, then try again.",
    ),
    errors.IndexBehind: Row(
        status=503,
        title="An index is behind",
        detail="An index of the server is being brought up to date; try again in a moment.",
    ),
    errors.IndexDamaged: Row(
        status=503,
        title="An index is damaged",
        detail="An index of the server is damaged; its operator repairs it with `footnote doctor`.",
    ),
    StreamNotFound: Row(status=404, title="The stream cannot be taken up"),
    UploadTooLarge: Row(status=413, title="The upload is too large"),
}


def row_for(error: errors.FootnoteError) -> Row:
    """The table's row of the error's class, or of its nearest listed base."""
    return next(TABLE[kind] for kind in type(error).__mro__ if kind in TABLE)


def problem(*, status: int, code: str, detail: str, title: str | None = None, **more: Any) -> dict[str, Any]:
    """The members of a problem object."""
    return {
        "type": f"urn:footnote:problem:{code}",
        "title": title or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        **more,
    }


def problem_of(error: Exception, *, request_id: str) -> dict[str, Any]:
    """The problem object of any exception; whatever is not meant for the client goes to the log."""
    if not isinstance(error, errors.FootnoteError):
        log.error("request %s failed", request_id, exc_info=error)
        return problem(status=500, code="internal_error", detail=INTERNAL_DETAIL, request_id=request_id)
    row = row_for(error)
    members = {"status": row.status, "code": error.code, "title": row.title}
    if row.detail is None:
        return problem(detail=str(error), **members)  # type: ignore[arg-type]  # the row's own types
    log.error("request %s: %s", request_id, error, exc_info=error)
    return problem(detail=row.detail, request_id=request_id, **members)  # type: ignore[arg-type]


def problem_response(
    members: dict[str, Any], scope: Scope, headers: dict[str, str] | None = None
) -> Response:
    """A problem object as a response to the request of ``scope``, in the shape that its clients read."""
    if members["status"] == HTTPStatus.UNAUTHORIZED:
        headers = {**(headers or {}), "WWW-Authenticate": "Bearer"}
    if scope["path"].startswith(OPENAI_PATHS):
        return JSONResponse(openai_error(members), status_code=openai_status(members), headers=headers)
    body = {**members, "instance": scope["path"]}
    return JSONResponse(body, status_code=members["status"], media_type=MEDIA_TYPE, headers=headers)


def request_id_of(request: Request) -> str:
    """The id that the log and the response's ``X-Request-Id`` share."""
    return str(request.scope["request_id"])


_NO_OBJECT = "The body must be a JSON object, sent with the header `Content-Type: application/json`."
_BODY_DETAILS = {
    ("body", "json_invalid"): "The body is not valid JSON.",
    ("body", "missing"): _NO_OBJECT,
    ("body", "model_type"): _NO_OBJECT,
    ("body", "model_attributes_type"): _NO_OBJECT,
}


def _validation_problem(error: RequestValidationError) -> dict[str, Any]:
    found = [
        {
            "field": "body" if problem["type"] == "json_invalid" else ".".join(map(str, problem["loc"])),
            "message": problem["msg"],
            "kind": problem["type"],
        }
        for problem in error.errors()
    ]
    first = found[0]
    detail = _BODY_DETAILS.get((first["field"], first["kind"])) or f"{first['field']}: {first['message']}."
    if len(found) > 1:
        detail += f" {len(found) - 1} more under errors."
    return problem(
        status=422, code="invalid_request", title="The request is not valid", detail=detail, errors=found
    )


_HTTP_DETAILS = {
    400: "The body could not be read; send JSON in UTF-8.",
    413: "The body is too large; send less at a time.",
    404: "There is nothing at {path}; /docs lists what there is.",
    405: "{path} does not answer {method}; /docs lists what it answers.",
}
_HTTP_CODES = {413: UploadTooLarge.code}


def _http_problem(request: Request, error: HTTPException) -> dict[str, Any]:
    phrase = HTTPStatus(error.status_code).phrase
    code = _HTTP_CODES.get(error.status_code) or phrase.lower().replace(" ", "_")
    detail = _HTTP_DETAILS.get(error.status_code, "The request could not be read: {phrase}.").format(
        path=request.url.path, method=request.method, phrase=phrase
    )
    return problem(status=error.status_code, code=code, detail=detail)


def problem_for(request: Request, error: Exception) -> dict[str, Any]:
    """The problem object of whatever serving ``request`` has raised."""
    if isinstance(error, RequestValidationError):
        return _validation_problem(error)
    if isinstance(error, HTTPException):
        return _http_problem(request, error)
    return problem_of(error, request_id=request_id_of(request))


async def _answer_problem(request: Request, error: Exception) -> Response:
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else None
    return problem_response(problem_for(request, error), request.scope, headers)


def install_error_handlers(app: FastAPI) -> None:
    """Answer every expected failure with a problem object (crashes: :class:`api.security.Guard`)."""
    for kind in (errors.FootnoteError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, _answer_problem)


_PROBLEM_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "instance"],
    "properties": {
        "type": {"type": "string", "description": "urn:footnote:problem: followed by the code."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What was wrong and what to do."},
        "code": {"type": "string", "description": "Stable; act on this."},
        "instance": {"type": "string", "description": "Path of the request."},
        "request_id": {"type": "string", "description": "In server errors: what the log calls this request."},
        "errors": {
            "type": "array",
            "items": {"type": "object"},
            "description": "Every field that is not valid.",
        },
    },
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI rows for the problems a route answers; 401, 403, 422 and 500 are always among them."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": _PROBLEM_SCHEMA}},
        }
        for status in sorted({401, 403, 422, 500, *statuses})
    }
