"""Who is served: one bearer key, or loopback only; and the headers of every response.

:class:`Guard` is the outermost layer: it gives the request its id, refuses whom it must, sets the security
headers, and turns a crash into a problem that names the request id and nothing else.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit
from uuid import uuid4

from pydantic import SecretStr
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import problem_of, problem_response
from rag.errors import FootnoteError, Forbidden, NotAuthorized

SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
OPEN_PATHS = frozenset({"/", "/healthz", "/readyz", "/docs", "/openapi.json"})
OPEN_PREFIX = "/page/"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
LOOPBACK_NAMES = frozenset({"localhost"})


def is_loopback(host: str) -> bool:
    """Whether ``host`` (an address or a name, without port) only reaches this machine."""
    name = host.strip("[]").lower()
    if name in LOOPBACK_NAMES:
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _host_name(netloc: str) -> str:
    """The host of a ``Host`` header, without its port; empty when malformed."""
    try:
        return urlsplit(f"//{netloc}").hostname or ""
    except ValueError:
        return ""


class Doorkeeper:
    """Decides whether a request is served."""

    def __init__(self, api_key: SecretStr | None) -> None:
        self._digest = _digest(api_key.get_secret_value().encode()) if api_key else None

    def check(self, scope: Scope) -> None:
        """Let the request pass.

        Raises:
            NotAuthorized: a key is configured, and the request carries none or another.
            Forbidden: no key is configured and the request does not come from this machine, or a page of
                another site sent it.
        """
        headers = Headers(scope=scope)
        self._refuse_other_sites(scope, headers)
        if self._digest is None:
            self._refuse_other_machines(scope, headers)
        elif scope["path"] not in OPEN_PATHS and not scope["path"].startswith(OPEN_PREFIX):
            self._require_key(headers)

    @staticmethod
    def _refuse_other_sites(scope: Scope, headers: Headers) -> None:
        if scope["method"] in SAFE_METHODS:
            return
        origin = headers.get("origin")
        foreign = origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").lower()
        if foreign or headers.get("sec-fetch-site") in {"cross-site", "same-site"}:
            raise Forbidden(
                f"A page of another site ({origin or 'unnamed'}) may not send requests to Footnote."
            )

    @staticmethod
    def _refuse_other_machines(scope: Scope, headers: Headers) -> None:
        client = scope.get("client")
        if client is None or not is_loopback(client[0]):
            raise Forbidden("Without FOOTNOTE_API_KEY only this machine is served; set a key on the server.")
        host = headers.get("host", "")
        if not is_loopback(_host_name(host)):  # a page that re-binds its own name to 127.0.0.1
            raise Forbidden(
                f"Host {host!r} is not a loopback name; use localhost or 127.0.0.1, or set FOOTNOTE_API_KEY."
            )

    def _require_key(self, headers: Headers) -> None:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        assert self._digest is not None
        matches = hmac.compare_digest(_digest(given.strip().encode("latin-1")), self._digest)
        if scheme.lower() != "bearer" or not matches:
            raise NotAuthorized("Send the server's key in the header `Authorization: Bearer …`.")


def _digest(key: bytes) -> bytes:
    """Equal lengths, so that the comparison's time tells nothing about the key's."""
    return hashlib.sha256(key).digest()


class Guard:
    """The outermost ASGI layer."""

    def __init__(self, app: ASGIApp, doorkeeper: Doorkeeper) -> None:
        self._app = app
        self._doorkeeper = doorkeeper

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, refuse, or report a crash; the response always carries the security headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = scope["request_id"] = uuid4().hex
        started = False

        async def send_guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            self._doorkeeper.check(scope)
            await self._app(scope, receive, send_guarded)
        except FootnoteError as refusal:
            response = problem_response(problem_of(refusal, request_id=request_id), scope)
            await response(scope, receive, send_guarded)
        except Exception as crash:
            if started:  # too late to answer: let the server cut the connection
                raise
            response = problem_response(problem_of(crash, request_id=request_id), scope)
            await response(scope, receive, send_guarded)
