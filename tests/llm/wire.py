"""A real HTTP server on loopback that speaks one provider's protocol, and is as strict as the provider."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

import pytest

from tests.patience import LONG_S

NOT_OURS = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # clients that cannot be closed
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::pydantic.PydanticDeprecatedSince211"),  # LiteLLM
]
"""Warnings of the providers' clients."""

READ, WRITTEN = 321, 12
"""Tokens that every server says it counted."""


@dataclass(frozen=True, kw_only=True)
class Received:
    """A request as it arrived; names of headers in small letters."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a protocol's request says."""

    model: str
    system: str
    user: str
    max_tokens: int
    temperature: float | None
    stream: bool


class Refused(Exception):
    """The provider would not take this request."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Sent:
    """An answer: all of it, or frames that are sent one by one."""

    content_type: str = "application/json"
    whole: bytes = b""
    frames: tuple[bytes, ...] = ()


class Dialect(Protocol):
    """One provider's protocol, seen from the server."""

    def read(self, received: Received) -> Asked | Sent:
        """What is asked; or an answer to what only prepares the question. Raises: Refused."""
        ...

    def answer(self, asked: Asked, pieces: list[str]) -> Sent: ...

    def error(self, status: int, reason: str) -> Sent: ...


@dataclass
class ProviderServer:
    """What the server was asked, and what it found wrong with it."""

    origin: str
    dialect: Dialect
    text: str
    fails_with: int | None = None
    received: list[Received] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    may_end: threading.Event = field(default_factory=threading.Event)
    """Set once a piece was read: the end of a stream waits for it, so that nobody can read all at once."""
    saw_first_piece: bool = True

    @property
    def pieces(self) -> list[str]:
        return re.findall(r"\S+\s*", self.text)


@contextmanager
def serving(
    dialect: Dialect, text: str, *, fails_with: int | None = None, at_once: bool = False
) -> Iterator[ProviderServer]:
    """Serve ``text`` to every question, or the error ``fails_with``, until the block ends.

    A stream waits before its end until ``may_end`` is set, unless it is sent ``at_once``.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    shared = ProviderServer(f"http://127.0.0.1:{server.server_port}", dialect, text, fails_with)
    server.shared = shared  # type: ignore[attr-defined]
    if at_once:
        shared.may_end.set()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield shared
    finally:
        shared.may_end.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        shared: ProviderServer = self.server.shared  # type: ignore[attr-defined]
        received = self._received()
        shared.received.append(received)
        try:
            sent = self._sent(shared, received)
        except Refused as refused:
            shared.complaints.append(f"{received.method} {received.path}: {refused}")
            self._send(refused.status, shared.dialect.error(refused.status, str(refused)))
            return
        if shared.fails_with:
            self._send(shared.fails_with, shared.dialect.error(shared.fails_with, "secret detail"))
        elif sent.frames:
            self._send_frames(sent, shared)
        else:
            self._send(200, sent)

    def _sent(self, shared: ProviderServer, received: Received) -> Sent:
        asked = shared.dialect.read(received)
        if isinstance(asked, Sent):
            return asked
        shared.asked.append(asked)
        return shared.dialect.answer(asked, shared.pieces)

    def _received(self) -> Received:
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        is_json = data[:1] in (b"{", b"[")
        return Received(
            method=self.command,
            path=self.path,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=json.loads(data) if is_json else {"raw": data.decode()},
        )

    def _send(self, status: int, sent: Sent) -> None:
        self.send_response(status)
        self.send_header("Content-Type", sent.content_type)
        self.send_header("Content-Length", str(len(sent.whole)))
        self.end_headers()
        self.wfile.write(sent.whole)

    def _send_frames(self, sent: Sent, shared: ProviderServer) -> None:
        self.send_response(200)
        self.send_header("Content-Type", sent.content_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number, frame in enumerate(sent.frames):
            if number == len(sent.frames) - 2:
                shared.saw_first_piece = shared.may_end.wait(timeout=LONG_S)
            self.wfile.write(f"{len(frame):x}\r\n".encode() + frame + b"\r\n")
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: object) -> None:
        """Silence: the test looks at what was received."""


def require(holds: bool, status: int, reason: str) -> None:
    """Refuse as the provider would."""
    if not holds:
        raise Refused(status, reason)


def as_json(content: Any) -> Sent:
    return Sent(whole=json.dumps(content).encode())


def events(*contents: dict[str, Any] | str, prefix: str = "data: ", names: bool = False) -> Sent:
    """Server-sent events, with their type as the event's name where the protocol has that."""

    def frame(content: dict[str, Any] | str) -> bytes:
        name = f"event: {content['type']}\n" if names and isinstance(content, dict) else ""
        data = content if isinstance(content, str) else json.dumps(content)
        return f"{name}{prefix}{data}\n\n".encode()

    return Sent(content_type="text/event-stream", frames=tuple(frame(content) for content in contents))
