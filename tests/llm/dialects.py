"""The protocols of the providers, as their servers speak them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.llm.aws_frames import event_frame
from tests.llm.wire import READ, WRITTEN, Asked, Received, Sent, as_json, events, require

KEY = "sk-loopback-123"
OPENAI_USAGE = {"prompt_tokens": READ, "completion_tokens": WRITTEN, "total_tokens": READ + WRITTEN}


def _bearer(received: Received, key: str = KEY) -> None:
    require(received.headers.get("authorization") == f"Bearer {key}", 401, "wrong or missing bearer key")


def _turns(messages: list[dict[str, Any]]) -> tuple[str, str]:
    require([turn["role"] for turn in messages] == ["system", "user"], 400, "expected system, then user")
    return messages[0]["content"], messages[1]["content"]


@dataclass(frozen=True, kw_only=True)
class ChatCompletions:
    """OpenAI's protocol, and its variations.

    Attributes:
        limit: how the longest answer is called.
        counts_unasked: gives token counts in every stream, and does not know ``stream_options``.
        prefix: of a line with data; TGI leaves the space out.
    """

    path: str = "/v1/chat/completions"
    key_header: str = "authorization"
    key: str | None = f"Bearer {KEY}"
    limit: str = "max_tokens"
    counts_unasked: bool = False
    known: frozenset[str] | None = None
    prefix: str = "data: "
    model: str | None = None

    def read(self, received: Received) -> Asked | Sent:
        require((received.method, received.path) == ("POST", self.path), 404, f"expected POST {self.path}")
        if self.key is not None:
            require(received.headers.get(self.key_header) == self.key, 401, "wrong or missing key")
        body = received.body
        if self.known is not None:
            require(set(body) <= self.known, 422, f"unknown fields {set(body) - self.known}")
        require(not (self.counts_unasked and "stream_options" in body), 400, "unknown stream_options")
        require(self.limit in body, 400, f"no {self.limit}")
        require("openai-organization" not in received.headers, 400, "an account of somebody else's")
        system, user = _turns(body["messages"])
        return Asked(
            model=self.model or body["model"],
            system=system,
            user=user,
            max_tokens=body[self.limit],
            temperature=body.get("temperature"),
            stream=bool(body.get("stream")),
        )

    def answer(self, asked: Asked, pieces: list[str]) -> Sent:
        if not asked.stream:
            message = {"role": "assistant", "content": "".join(pieces)}
            return as_json(
                self._part("chat.completion", [{"index": 0, "message": message, "finish_reason": "stop"}])
                | {"usage": OPENAI_USAGE}
            )
        deltas = [{"role": "assistant", "content": ""}, *({"content": piece} for piece in pieces)]
        chunks = [self._chunk(delta) for delta in deltas]
        end = self._chunk({}, finish="stop")
        if self.counts_unasked:
            return events(*chunks, end | {"usage": OPENAI_USAGE}, "[DONE]", prefix=self.prefix)
        counted = self._part("chat.completion.chunk", []) | {"usage": OPENAI_USAGE}
        return events(*chunks, end, counted, "[DONE]", prefix=self.prefix)

    def error(self, status: int, reason: str) -> Sent:
        return as_json({"error": {"message": reason, "type": "invalid_request_error", "code": None}})

    def _chunk(self, delta: dict[str, str], *, finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return self._part("chat.completion.chunk", [choice])

    def _part(self, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": "chatcmpl-1",
            "object": kind,
            "created": 1_700_000_000,
            "model": "scripted",
            "choices": choices,
        }


class Responses:
    """OpenAI's ``POST /v1/responses``, the only door of some of its models."""

    def read(self, received: Received) -> Asked | Sent:
        require((received.method, received.path) == ("POST", "/v1/responses"), 404, "not a chat model")
        _bearer(received)
        body = received.body
        system, user = _turns(body["input"])
        return Asked(
            model=body["model"],
            system=system,
            user=user,
            max_tokens=body["max_output_tokens"],
            temperature=body.get("temperature"),
            stream=bool(body.get("stream")),
        )

    def answer(self, asked: Asked, pieces: list[str]) -> Sent:
        place = {"item_id": "msg_1", "output_index": 0}
        part = {"content_index": 0, "part": {"type": "output_text", "text": "", "annotations": []}}
        contents: list[dict[str, Any]] = [
            {"type": "response.created", "response": self._response(asked, "in_progress", [])},
            {"type": "response.output_item.added", "output_index": 0, "item": self._message("in_progress")},
            {"type": "response.content_part.added"} | place | part,
            *(
                {"type": "response.output_text.delta", "content_index": 0, "delta": piece, "logprobs": []}
                | place
                for piece in pieces
            ),
            {
                "type": "response.completed",
                "response": self._response(asked, "completed", [self._message("completed", "".join(pieces))]),
            },
        ]
        numbered = ({"sequence_number": number} | content for number, content in enumerate(contents))
        return events(*numbered, names=True)

    def error(self, status: int, reason: str) -> Sent:
        return as_json({"error": {"message": reason, "type": "invalid_request_error", "code": None}})

    def _message(self, status: str, text: str = "") -> dict[str, Any]:
        content = [{"type": "output_text", "text": text, "annotations": []}] if text else []
        return {"id": "msg_1", "type": "message", "role": "assistant", "status": status, "content": content}

    def _response(self, asked: Asked, status: str, output: list[dict[str, Any]]) -> dict[str, Any]:
        counts = {"input_tokens": READ, "output_tokens": WRITTEN, "total_tokens": READ + WRITTEN}
        details = {"input_tokens_details": {"cached_tokens": 0}}
        return {
            "id": "resp_1",
            "object": "response",
            "created_at": 1_700_000_000,
            "model": asked.model,
            "status": status,
            "output": output,
            "tools": [],
            "tool_choice": "auto",
            "parallel_tool_calls": True,
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "metadata": {},
            "usage": counts | details | {"output_tokens_details": {"reasoning_tokens": 0}},
        }


MISTRAL = ChatCompletions(
    counts_unasked=True,
    known=frozenset({"model", "messages", "stream", "max_tokens", "temperature", "safe_prompt", "top_p"}),
)
"""Refuses every field that it does not know, and counts the tokens of every stream."""


class Anthropic:
    """``POST /v1/messages``."""

    def read(self, received: Received) -> Asked | Sent:
        require((received.method, received.path) == ("POST", "/v1/messages"), 404, "not /v1/messages")
        if "x-api-key" in received.headers:
            require(received.headers["x-api-key"] == KEY, 401, "invalid x-api-key")
        else:
            _bearer(received)
        require("anthropic-version" in received.headers, 400, "no anthropic-version")
        body = received.body
        require([turn["role"] for turn in body["messages"]] == ["user"], 400, "system is no role here")
        return Asked(
            model=body["model"],
            system=_text(body["system"]),
            user=_text(body["messages"][0]["content"]),
            max_tokens=body["max_tokens"],
            temperature=body.get("temperature"),
            stream=bool(body.get("stream")),
        )

    def answer(self, asked: Asked, pieces: list[str]) -> Sent:
        message = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": asked.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": READ, "output_tokens": 1},
        }
        if not asked.stream:
            whole = {"content": [{"type": "text", "text": "".join(pieces)}], "stop_reason": "end_turn"}
            counts = {"usage": {"input_tokens": READ, "output_tokens": WRITTEN}}
            return as_json(message | whole | counts)
        return events(
            {"type": "message_start", "message": message},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            {"type": "ping"},
            *(
                {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}
                for piece in pieces
            ),
            {"type": "content_block_stop", "index": 0},
            {
                "type": "message_delta",
                "delta": {"stop_reason": "end_turn", "stop_sequence": None},
                "usage": {"input_tokens": READ, "output_tokens": WRITTEN},
            },
            {"type": "message_stop"},
            names=True,
        )

    def error(self, status: int, reason: str) -> Sent:
        return as_json({"type": "error", "error": {"type": "api_error", "message": reason}})


@dataclass(frozen=True, kw_only=True)
class GenerateContent:
    """Google's ``generateContent`` and ``streamGenerateContent``, of Gemini and of Vertex AI.

    Attributes:
        parent: the path up to the model.
        auth: header and value that open it.
        token: what the token endpoint gives for a signed assertion.
    """

    parent: str = "/v1beta/models/"
    auth: tuple[str, str] = ("x-goog-api-key", KEY)
    token: str | None = None

    def read(self, received: Received) -> Asked | Sent:
        if self.token and received.path == "/token":
            require("assertion=" in received.body["raw"], 400, "no assertion")
            return as_json({"access_token": self.token, "expires_in": 3600, "token_type": "Bearer"})
        path, query = urlsplit(received.path).path, urlsplit(received.path).query
        found = re.fullmatch(re.escape(self.parent) + r"([^:/]+):(g|streamG)enerateContent", path)
        require(found is not None, 404, "no such method")
        assert found is not None
        streams = found[2] == "streamG"
        require(query == ("alt=sse" if streams else ""), 400, "no such parameter")
        header, value = self.auth
        require(received.headers.get(header) == value, 401, "API key not valid")
        body = received.body
        require([turn["role"] for turn in body["contents"]] == ["user"], 400, "expected one user turn")
        return Asked(
            model=unquote(found[1]),
            system=_text(body["systemInstruction"]["parts"]),
            user=_text(body["contents"][0]["parts"]),
            max_tokens=body["generationConfig"]["maxOutputTokens"],
            temperature=body["generationConfig"].get("temperature"),
            stream=streams,
        )

    def answer(self, asked: Asked, pieces: list[str]) -> Sent:
        counts = {"promptTokenCount": READ, "candidatesTokenCount": 1, "totalTokenCount": READ + 1}
        thought = self._response([{"text": "Let me see.", "thought": True}], counts)
        parts = [self._response([{"text": piece}], counts) for piece in pieces]
        all_counts = counts | {"candidatesTokenCount": WRITTEN, "totalTokenCount": READ + WRITTEN}
        if not asked.stream:
            return as_json(self._response([{"text": "".join(pieces)}], all_counts, finish="STOP"))
        return events(thought, *parts, self._response([{"text": ""}], all_counts, finish="STOP"))

    def error(self, status: int, reason: str) -> Sent:
        return as_json({"error": {"code": status, "message": reason, "status": "INVALID_ARGUMENT"}})

    def _response(
        self, parts: list[dict[str, Any]], counts: Mapping[str, int], finish: str | None = None
    ) -> dict[str, Any]:
        candidate: dict[str, Any] = {"index": 0, "content": {"role": "model", "parts": parts}}
        if finish:
            candidate["finishReason"] = finish
        return {"candidates": [candidate], "usageMetadata": counts, "modelVersion": "scripted"}


class Cohere:
    """``POST /v2/chat``."""

    def read(self, received: Received) -> Asked | Sent:
        require((received.method, received.path) == ("POST", "/v2/chat"), 404, "not /v2/chat")
        _bearer(received)
        body = received.body
        system, user = _turns(body["messages"])
        return Asked(
            model=body["model"],
            system=system,
            user=user,
            max_tokens=body["max_tokens"],
            temperature=body.get("temperature"),
            stream=bool(body.get("stream")),
        )

    def answer(self, asked: Asked, pieces: list[str]) -> Sent:
        counts = {"input_tokens": READ, "output_tokens": WRITTEN}
        usage = {"billed_units": counts, "tokens": counts}
        if not asked.stream:
            content = [{"type": "text", "text": "".join(pieces)}]
            message = {"role": "assistant", "content": content}
            return as_json({"id": "c1", "message": message, "finish_reason": "COMPLETE", "usage": usage})
        start = {"type": "text", "text": ""}
        return events(
            {"type": "message-start", "id": "c1", "delta": {"message": {"role": "assistant", "content": []}}},
            {"type": "content-start", "index": 0, "delta": {"message": {"content": start}}},
            *(
                {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": piece}}}}
                for piece in pieces
            ),
            {"type": "content-end", "index": 0},
            {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": usage}},
            names=True,
        )

    def error(self, status: int, reason: str) -> Sent:
        return as_json({"message": reason})


class Ollama:
    """``POST /api/chat``: one JSON object a line."""

    def read(self, received: Received) -> Asked | Sent:
        require((received.method, received.path) == ("POST", "/api/chat"), 404, "not /api/chat")
        body = received.body
        system, user = _turns(body["messages"])
        return Asked(
            model=body["model"],
            system=system,
            user=user,
            max_tokens=body["options"]["num_predict"],
            temperature=body["options"].get("temperature"),
            stream=bool(body.get("stream")),
        )

    def answer(self, asked: Asked, pieces: list[str]) -> Sent:
        done = {
            "done": True,
            "done_reason": "stop",
            "prompt_eval_count": READ,
            "eval_count": WRITTEN,
            "total_duration": 5,
        }
        if not asked.stream:
            return as_json(self._line(asked, "".join(pieces)) | done)
        lines = [self._line(asked, piece) for piece in pieces]
        lines.append(self._line(asked, "") | done)
        frames = tuple(json.dumps(line).encode() + b"\n" for line in lines)
        return Sent(content_type="application/x-ndjson", frames=frames)

    def error(self, status: int, reason: str) -> Sent:
        return as_json({"error": reason})

    def _line(self, asked: Asked, text: str) -> dict[str, Any]:
        return {
            "model": asked.model,
            "created_at": "2026-01-01T00:00:00Z",
            "message": {"role": "assistant", "content": text},
            "done": False,
        }


class BedrockConverse:
    """``POST /model/…/converse-stream``: signed requests, binary event frames."""

    def read(self, received: Received) -> Asked | Sent:
        found = re.fullmatch(r"/model/([^/]+)/converse(-stream)?", received.path)
        require(received.method == "POST" and found is not None, 404, "UnknownOperation")
        assert found is not None
        _signed(received, "bedrock")
        body = received.body
        require([turn["role"] for turn in body["messages"]] == ["user"], 400, "system is no role here")
        return Asked(
            model=unquote(found[1]),
            system=_text(body["system"]),
            user=_text(body["messages"][0]["content"]),
            max_tokens=body["inferenceConfig"]["maxTokens"],
            temperature=body["inferenceConfig"].get("temperature"),
            stream=bool(found[2]),
        )

    def answer(self, asked: Asked, pieces: list[str]) -> Sent:
        usage = {"inputTokens": READ, "outputTokens": WRITTEN, "totalTokens": READ + WRITTEN}
        metrics = {"metrics": {"latencyMs": 5}}
        if not asked.stream:
            message = {"role": "assistant", "content": [{"text": "".join(pieces)}]}
            output = {"output": {"message": message}, "stopReason": "end_turn", "usage": usage}
            return as_json(output | metrics)
        deltas = ({"contentBlockIndex": 0, "delta": {"text": piece}} for piece in pieces)
        frames = (
            event_frame("messageStart", {"role": "assistant"}),
            *(event_frame("contentBlockDelta", delta) for delta in deltas),
            event_frame("contentBlockStop", {"contentBlockIndex": 0}),
            event_frame("messageStop", {"stopReason": "end_turn"}),
            event_frame("metadata", {"usage": usage} | metrics),
        )
        return Sent(content_type="application/vnd.amazon.eventstream", frames=frames)

    def error(self, status: int, reason: str) -> Sent:
        return as_json({"message": reason})


class SageMaker:
    """``InvokeEndpoint`` with a container that speaks OpenAI's messages; events are cut anywhere."""

    def read(self, received: Received) -> Asked | Sent:
        found = re.fullmatch(r"/endpoints/([^/]+)/invocations(-response-stream)?", received.path)
        require(received.method == "POST" and found is not None, 404, "UnknownOperation")
        assert found is not None
        _signed(received, "sagemaker")
        body = received.body
        require(bool(body.get("stream")) == bool(found[2]), 400, "stream and operation disagree")
        system, user = _turns(body["messages"])
        return Asked(
            model=found[1],
            system=system,
            user=user,
            max_tokens=body["max_tokens"],
            temperature=body.get("temperature"),
            stream=bool(found[2]),
        )

    def answer(self, asked: Asked, pieces: list[str]) -> Sent:
        sent = ChatCompletions().answer(asked, pieces)
        if not asked.stream:
            return sent
        halves = [part for frame in sent.frames for part in (frame[:25], frame[25:]) if part]
        frames = tuple(event_frame("PayloadPart", half) for half in halves)
        return Sent(content_type="application/vnd.amazon.eventstream", frames=frames)

    def error(self, status: int, reason: str) -> Sent:
        return as_json({"Code": "ModelError", "Message": reason})


class Replicate:
    """A prediction, then the events of its stream."""

    def __init__(self) -> None:
        self._asked: Asked | None = None

    def read(self, received: Received) -> Asked | Sent:
        _bearer(received)
        if received.method == "GET":
            require(received.path == "/stream/p1" and self._asked is not None, 404, "no such stream")
            assert self._asked is not None
            return self._asked
        found = re.fullmatch(r"/v1/models/([^/]+/[^/]+)/predictions", received.path)
        require(found is not None and received.body.get("stream") is True, 404, "no such prediction")
        assert found is not None
        given = received.body["input"]
        self._asked = Asked(
            model=found[1],
            system=given["system_prompt"],
            user=given["prompt"],
            max_tokens=given["max_tokens"],
            temperature=given.get("temperature"),
            stream=True,
        )
        stream = f"http://{received.headers['host']}/stream/p1"
        return as_json({"id": "p1", "status": "starting", "urls": {"stream": stream}})

    def answer(self, asked: Asked, pieces: list[str]) -> Sent:
        frames = [f"event: output\nid: {n}\ndata: {piece}\n\n" for n, piece in enumerate(pieces)]
        frames.append("event: done\nid: 99\ndata: {}\n\n")
        return Sent(content_type="text/event-stream", frames=tuple(frame.encode() for frame in frames))

    def error(self, status: int, reason: str) -> Sent:
        return as_json({"title": "Error", "detail": reason, "status": status})


def _signed(received: Received, service: str) -> None:
    signature = received.headers.get("authorization", "")
    is_signed = re.match(
        rf"AWS4-HMAC-SHA256 Credential={KEY}/\d+/eu-west-1/{service}/aws4_request", signature
    )
    require(is_signed is not None, 403, "The request signature is missing")


def _text(content: str | list[dict[str, str]]) -> str:
    return content if isinstance(content, str) else "".join(part["text"] for part in content)
