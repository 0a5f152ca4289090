"""Google's ``generateContent`` protocol, for Gemini models with a key.

The protocol is read here and not by ``langchain-google-genai``, whose client excludes the version of
tenacity that LangChain itself brings.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import httpx
from httpx_sse import ServerSentEvent
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, SystemMessage
from langchain_core.messages.ai import UsageMetadata

from rag.llm.event_stream import Call, EventReader, EventStreamChatModel


class GeminiChatModel(EventStreamChatModel):
    """A Gemini model.

    Attributes:
        generation_config: more of it, such as ``{"thinkingConfig": {"thinkingBudget": 0}}``.
        safety_settings: as in the protocol.
    """

    generation_config: Mapping[str, Any] = {}
    safety_settings: Sequence[Mapping[str, str]] = ()

    @property
    def _llm_type(self) -> str:
        return "google-generate-content"

    def reader(self) -> EventReader:
        """Of ``GenerateContentResponse`` events."""
        return _Reader()

    def begin(self, messages: Sequence[BaseMessage]) -> Call:
        """``streamGenerateContent``."""
        return Call(
            url=f"{self.base_url.rstrip('/')}/{self.path()}:streamGenerateContent?alt=sse",
            headers=self.authorization(),
            body=self._body(messages),
        )

    def path(self) -> str:
        """Where the model is below the base URL."""
        return self.model if "/" in self.model else f"models/{self.model}"

    def authorization(self) -> dict[str, str]:
        """The header that says who asks."""
        return {"x-goog-api-key": self.api_key.get_secret_value()} if self.api_key else {}

    def _body(self, messages: Sequence[BaseMessage]) -> dict[str, Any]:
        config: dict[str, Any] = {"maxOutputTokens": self.max_tokens}
        if self.temperature is not None:
            config["temperature"] = self.temperature
        system = [_part(message) for message in messages if isinstance(message, SystemMessage)]
        return {
            **({"systemInstruction": {"parts": system}} if system else {}),
            "contents": [
                {"role": "model" if isinstance(message, AIMessage) else "user", "parts": [_part(message)]}
                for message in messages
                if not isinstance(message, SystemMessage)
            ],
            "generationConfig": {**config, **self.generation_config},
            **({"safetySettings": list(self.safety_settings)} if self.safety_settings else {}),
        }


class _Reader:
    def __init__(self) -> None:
        self._is_whole = False
        self._usage: UsageMetadata | None = None

    def feed(self, event: ServerSentEvent) -> Iterator[AIMessageChunk]:
        said = json.loads(event.data)
        if "error" in said:
            raise httpx.RemoteProtocolError("The server failed in mid-answer.")
        counts = said.get("usageMetadata")
        if counts:  # counted up from event to event: the last one counts
            self._usage = _usage(counts)
        if "blockReason" in said.get("promptFeedback", {}):
            self._is_whole = True
        for candidate in said.get("candidates", [])[:1]:
            parts = candidate.get("content", {}).get("parts", [])
            text = "".join(part.get("text", "") for part in parts if not part.get("thought"))
            if text:
                yield AIMessageChunk(content=text)
            self._is_whole = self._is_whole or "finishReason" in candidate

    def finish(self) -> Iterator[AIMessageChunk]:
        if not self._is_whole:
            raise httpx.RemoteProtocolError("The connection ended before the answer.")
        yield AIMessageChunk(content="", usage_metadata=self._usage, chunk_position="last")


def _part(message: BaseMessage) -> dict[str, str]:
    return {"text": str(message.text)}


def _usage(counts: Mapping[str, Any]) -> UsageMetadata:
    read = int(counts.get("promptTokenCount", 0))
    written = int(counts.get("candidatesTokenCount", 0)) + int(counts.get("thoughtsTokenCount", 0))
    return UsageMetadata(
        input_tokens=read,
        output_tokens=written,
        total_tokens=int(counts.get("totalTokenCount", read + written)),
    )
