"""A real HTTP server on loopback that speaks the OpenAI chat-completions protocol from a script."""

from __future__ import annotations

import json
import re
import select
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

USAGE = {"prompt_tokens": 321, "completion_tokens": 12, "total_tokens": 333}


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One scripted answer.

    Attributes:
        status: HTTP status; other than 200 gives an error with the text as its message.
        delay_s: seconds before the first byte, and between pieces with ``drip``; ends with the server.
        silent: not even headers, until the client hangs up.
        drop_after: close the connection after so many pieces, in the middle of the stream.
        hang_after: send nothing more after so many pieces, until the client hangs up or ``may_go_on`` is set.
        reset: close the connection without an answer.
        retry_after: the header of that name.
    """

    text: str = ""
    status: int = 200
    delay_s: float = 0.0
    drip: bool = False
    silent: bool = False
    drop_after: int | None = None
    hang_after: int | None = None
    reset: bool = False
    retry_after: str | None = None

    @property
    def pieces(self) -> list[str]:
        return re.findall(r"\s*\S{1,4}", self.text)


@dataclass(kw_only=True)
class Recorded:
    """A request as it arrived.

    Attributes:
        at: when, on the clock of ``time.monotonic``.
    """

    path: str
    at: float
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class OpenAIServer:
    """Answers from a queue; the last reply is repeated.

    Attributes:
        models: what it lists, in OpenAI's words and in Ollama's.
        hung_up: set when a client closed its connection while a reply hung.
        may_go_on: set by the test, to end replies that hang as if they had not.
    """

    base_url: str
    script: list[Reply]
    requests: list[Recorded] = field(default_factory=list)
    models: list[str] = field(default_factory=lambda: ["scripted"])
    owned_by: str = "someone"
    hung_up: threading.Event = field(default_factory=threading.Event)
    may_go_on: threading.Event = field(default_factory=threading.Event)
    closing: threading.Event = field(default_factory=threading.Event)

    def next_reply(self) -> Reply:
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]


@contextmanager
def openai_server(*script: Reply | str) -> Iterator[OpenAIServer]:
    """Serve ``script`` (texts, or replies in full) until the block ends."""
    replies = [Reply(text=reply) if isinstance(reply, str) else reply for reply in script]
    server = _Server(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    shared = OpenAIServer(f"http://127.0.0.1:{server.server_port}/v1", replies)
    server.shared = shared  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield shared
    finally:
        shared.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):  # clients may leave whenever they like
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        shared: OpenAIServer = self.server.shared  # type: ignore[attr-defined]
        headers = {name.lower(): value for name, value in self.headers.items()}
        shared.requests.append(Recorded(path=self.path, at=time.monotonic(), headers=headers, body={}))
        reply = shared.script[0]
        listed = [{"id": name, "owned_by": shared.owned_by} for name in shared.models]
        tags = [{"name": name} for name in shared.models]
        lists = {"/v1/models": {"data": listed}, "/api/tags": {"models": tags}}
        try:
            if reply.silent:
                self._hang()
                return
            self._send_json(reply.status, lists.get(self.path, {}), reply)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def do_POST(self) -> None:
        shared: OpenAIServer = self.server.shared  # type: ignore[attr-defined]
        data = self.rfile.read(int(self.headers["Content-Length"]))
        if not data:  # the client left before it had asked
            self.close_connection = True
            return
        body = json.loads(data)
        headers = {name.lower(): value for name, value in self.headers.items()}
        shared.requests.append(Recorded(path=self.path, at=time.monotonic(), headers=headers, body=body))
        reply = shared.next_reply()
        try:
            if reply.silent:
                self._hang()
                return
            if shared.closing.wait(reply.delay_s) or reply.reset:
                self.close_connection = True
                return
            if reply.status != 200:
                self._send_json(
                    reply.status,
                    {"error": {"message": reply.text or "secret detail", "type": "server_error"}},
                    reply,
                )
            elif body.get("stream"):
                self._send_stream(reply, body)
            else:
                self._send_json(200, _completion(reply.text), reply)
        except (BrokenPipeError, ConnectionResetError):  # the client gave up: that is what some tests want
            self.close_connection = True

    def _send_json(self, status: int, content: dict[str, Any], reply: Reply) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if reply.retry_after is not None:
            self.send_header("Retry-After", reply.retry_after)
        self.end_headers()
        self.wfile.write(data)

    def _send_stream(self, reply: Reply, body: dict[str, Any]) -> None:
        shared: OpenAIServer = self.server.shared  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self._send_event(_chunk({"role": "assistant", "content": ""}))
        for number, piece in enumerate(reply.pieces):
            if number == reply.drop_after:
                self.close_connection = True
                return
            if number == reply.hang_after and not self._hang():
                return
            if reply.drip:
                shared.closing.wait(reply.delay_s)
            self._send_event(_chunk({"content": piece}))
        self._send_event(_chunk({}, finish="stop"))
        if body.get("stream_options", {}).get("include_usage"):
            self._send_event(_chunk(None, usage=USAGE))
        self._send_event("[DONE]")
        self.wfile.write(b"0\r\n\r\n")

    def _hang(self) -> bool:
        """Whether to go on afterwards."""
        shared: OpenAIServer = self.server.shared  # type: ignore[attr-defined]
        while not shared.closing.is_set():
            if shared.may_go_on.is_set():
                return True
            readable, _, _ = select.select([self.connection], [], [], 0.02)
            if readable and not self.connection.recv(1):
                shared.hung_up.set()
                break
        self.close_connection = True
        return False

    def _send_event(self, content: dict[str, Any] | str) -> None:
        text = content if isinstance(content, str) else json.dumps(content)
        data = f"data: {text}\n\n".encode()
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """Silence: the test looks at ``requests``."""


def _chunk(
    delta: dict[str, str] | None, *, finish: str | None = None, usage: dict[str, int] | None = None
) -> dict[str, Any]:
    choices: Sequence[dict[str, Any]] = (
        [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    )
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": "scripted",
        "choices": choices,
        "usage": usage,
    }


def _completion(text: str) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "scripted",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": USAGE,
    }
