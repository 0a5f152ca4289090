"""What a provider's error means: whether to try again, when, and what to say of it.

Every provider's client has its own exceptions; they are told apart by the HTTP status they carry, and by what
they come from where there was no answer at all. What they say is for the log only, and cleaned of secrets
even there: some clients put the key into the address that they name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

_LONGEST_DETAIL = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One kind of failure.

    Attributes:
        reason: what happened, for people; nothing the provider said.
        advice: what to do about it.
        passes: the same call may succeed a moment later.
        is_outage: it says something about the model, not about this one question.
    """

    reason: str
    advice: str = "Try again, or use the extractive answerer."
    passes: bool = False
    is_outage: bool = True


_KEY = "Check its key and what the key may be used for."
_BUSY = "Try again in a moment."
_BY_STATUS: Mapping[int, Fault] = {
    400: Fault(
        reason="it refused the request",
        advice="Check its options, and that the prompt fits into its context.",
        is_outage=False,
    ),
    401: Fault(reason="it refused the key", advice=_KEY),
    402: Fault(reason="its account has no credit left", advice="Top the account up."),
    403: Fault(reason="it refused access", advice=_KEY),
    404: Fault(
        reason="the model or the address is unknown there", advice="Check the model's name and the URL."
    ),
    408: Fault(reason="it timed out", advice=_BUSY, passes=True),
    409: Fault(reason="it is not ready", advice=_BUSY, passes=True),
    413: Fault(reason="the request is too long for it", advice="Lower prompt_tokens.", is_outage=False),
    422: Fault(reason="it refused the request", advice="Check its options.", is_outage=False),
    429: Fault(reason="it is overloaded or its quota is used up", advice=_BUSY, passes=True),
}
_OTHER_REFUSAL = Fault(reason="it refused the request", is_outage=False)
_SERVER_ERROR = Fault(reason="its server failed", advice=_BUSY, passes=True)
UNREACHABLE = Fault(reason="it cannot be reached", advice="Check that it runs and its address.", passes=True)
BROKEN_OFF = Fault(reason="it broke off in mid-answer", advice=_BUSY, passes=True)
TOO_SLOW = Fault(reason="its time was up", advice="Try again, or allow it more seconds.")
EMPTY = Fault(reason="its answer was empty", is_outage=False)
NO_CREDENTIALS = Fault(
    reason="its provider's client found no credentials that hold", advice="docs/llms.md says where it looks."
)
UNKNOWN = Fault(reason="its client failed", advice="The log names the cause.")

_BROKEN_OFF = re.compile(
    r"^(RemoteProtocolError|ReadError|IncompleteRead|ClientPayloadError|ChunkedEncoding)"
)
_NO_CREDENTIALS = re.compile(r"Credential(s|Retrieval)|^RefreshError")
_UNREACHABLE = re.compile(r"^TransportError|Connect|Timeout|Unavailable")
"""Names, not classes: the clients bring half a dozen transports, each with its own tree of exceptions."""


def fault_of(error: BaseException) -> Fault:
    """What the error, or the one it comes from, means."""
    causes = list(_causes(error))
    for cause in causes:
        status = _status(cause)
        if status is not None:
            return _by_status(status)
    if any(_is_called(cause, _BROKEN_OFF) for cause in causes):
        return BROKEN_OFF
    if any(_is_called(cause, _NO_CREDENTIALS) for cause in causes):
        return NO_CREDENTIALS
    if any(isinstance(cause, OSError) or _is_called(cause, _UNREACHABLE) for cause in causes):
        return UNREACHABLE
    return UNKNOWN


def _by_status(status: int) -> Fault:
    if status >= 500:
        return _SERVER_ERROR
    return _BY_STATUS.get(status, _OTHER_REFUSAL)


def retry_after_s(error: BaseException) -> float | None:
    """Seconds after which the provider asks to be called again, if it says so."""
    for cause in _causes(error):
        headers = _headers(cause)
        given = headers.get("retry-after") if headers is not None else None
        if given:
            return _seconds(str(given))
    return None


def described(error: BaseException, secrets: Sequence[str]) -> str:
    """The error's class, status and beginning for the log, without ``secrets`` or what looks like one."""
    status = next((found for cause in _causes(error) if (found := _status(cause)) is not None), None)
    text = " ".join(str(error).split())
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "…")
    text = _SECRET.sub("…", text)[:_LONGEST_DETAIL]
    return f"{type(error).__name__}{f' {status}' if status else ''}: {text}"


_SECRET = re.compile(
    r"(?<=://)[^/\s@]+@"  # user and password of an address
    r"|\?\S+"  # its parameters
    r"|(?i:bearer|basic)\s+\S+"
    r"|(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{20,}"  # long, of letters and digits: a key or an id
)


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__


def _status(error: BaseException) -> int | None:
    """The HTTP status under one of the names that clients give it; success is no error's status."""
    response = getattr(error, "response", None)
    places: list[Any] = [
        getattr(error, name, None) for name in ("status_code", "status", "code", "http_status")
    ]
    if isinstance(response, Mapping):  # botocore
        metadata = response.get("ResponseMetadata")
        places.append(metadata.get("HTTPStatusCode") if isinstance(metadata, Mapping) else None)
    else:
        places.append(getattr(response, "status_code", None))
    found = (int(place) for place in places if isinstance(place, int))
    return next((status for status in found if 400 <= status < 600), None)


def _headers(error: BaseException) -> Mapping[str, Any] | None:
    response = getattr(error, "response", None)
    headers = getattr(response, "headers", None)
    if headers is None and isinstance(response, Mapping):
        headers = response.get("ResponseMetadata", {}).get("HTTPHeaders")
    if headers is None:
        headers = getattr(error, "headers", None)
    if not isinstance(headers, Mapping):
        return None
    return {str(name).lower(): value for name, value in headers.items()}


def _seconds(retry_after: str) -> float | None:
    """``Retry-After`` as RFC 9110 has it: seconds, or a date."""
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        at = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())


def _is_called(error: BaseException, names: re.Pattern[str]) -> bool:
    return any(names.search(kind.__name__) for kind in type(error).__mro__)
