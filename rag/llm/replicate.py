"""Replicate: a prediction is made, then its output is read from the address that it names.

Read with httpx: LangChain's adapter is no longer kept, and Replicate's client tries again by itself.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx
from httpx_sse import ServerSentEvent
from langchain_core.messages import AIMessageChunk, BaseMessage, SystemMessage

from rag.llm.event_stream import Call, EventReader, EventStreamChatModel

_SHORTEST_RUN_S = 5


class ReplicateChatModel(EventStreamChatModel):
    """A language model ``owner/name``, or one version of it, ``owner/name:version``.

    Attributes:
        input: more of the model's input, or other names for it: every model has a schema of its own.
    """

    input: Mapping[str, Any] = {}

    @property
    def _llm_type(self) -> str:
        return "replicate"

    def reader(self) -> EventReader:
        """Of ``output``, ``error`` and ``done`` events."""
        return _Reader()

    def begin(self, messages: Sequence[BaseMessage]) -> Call:
        """Makes the prediction; the events are at the address that it names."""
        response = self._client.request(**self._prediction(messages).arguments)
        return self._output_of(response)

    async def abegin(self, messages: Sequence[BaseMessage]) -> Call:
        """The same without blocking."""
        response = await self._async_client.request(**self._prediction(messages).arguments)
        return self._output_of(response)

    def _prediction(self, messages: Sequence[BaseMessage]) -> Call:
        base = self.base_url.rstrip("/")
        name, _, version = self.model.partition(":")
        body: dict[str, Any] = {"input": self._input(messages), "stream": True}
        if version:
            body["version"] = version
        longest = max(_SHORTEST_RUN_S, math.ceil(self.timeout_s))  # or it would run on, and cost, unread
        return Call(
            url=f"{base}/predictions" if version else f"{base}/models/{name}/predictions",
            headers={**self._authorization(), "cancel-after": f"{longest}s"},
            body=body,
        )

    def _input(self, messages: Sequence[BaseMessage]) -> dict[str, Any]:
        system = [str(message.text) for message in messages if isinstance(message, SystemMessage)]
        others = [str(message.text) for message in messages if not isinstance(message, SystemMessage)]
        temperature = {} if self.temperature is None else {"temperature": self.temperature}
        return {
            "system_prompt": "\n\n".join(system),
            "prompt": "\n\n".join(others),
            "max_tokens": self.max_tokens,
            **temperature,
            **self.input,
        }

    def _authorization(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.api_key.get_secret_value()}"} if self.api_key else {}

    def _output_of(self, response: httpx.Response) -> Call:
        response.raise_for_status()
        url = str(response.json().get("urls", {}).get("stream") or "")
        if not _is_of(url, self.base_url):  # the key is for Replicate alone
            raise httpx.UnsupportedProtocol("The prediction names no stream at the provider's address.")
        return Call(
            method="GET",
            url=url,
            headers={**self._authorization(), "accept": "text/event-stream", "cache-control": "no-store"},
        )


class _Reader:
    def __init__(self) -> None:
        self._is_whole = False

    def feed(self, event: ServerSentEvent) -> Iterator[AIMessageChunk]:
        if event.event == "output":
            yield AIMessageChunk(content=event.data)
        elif event.event == "error":
            raise httpx.RemoteProtocolError("The prediction failed.")
        elif event.event == "done":
            reason = json.loads(event.data or "{}").get("reason")
            if reason:
                raise httpx.RemoteProtocolError("The prediction was given up.")
            self._is_whole = True

    def finish(self) -> Iterator[AIMessageChunk]:
        if not self._is_whole:
            raise httpx.RemoteProtocolError("The connection ended before the answer.")
        yield AIMessageChunk(content="", chunk_position="last")


def _is_of(url: str, base_url: str) -> bool:
    """Whether ``url`` is at the same host, or a sister of it (``stream.`` beside ``api.``), and as safe."""
    given, base = urlsplit(url), urlsplit(base_url)
    if given.scheme != base.scheme or not given.hostname or not base.hostname:
        return False
    _, _, domain = base.hostname.partition(".")
    is_sister = "." in domain and given.hostname.endswith(f".{domain}") and not base.hostname[-1].isdigit()
    return given.hostname == base.hostname or is_sister
