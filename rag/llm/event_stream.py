"""Chat models of providers whose answers are server-sent events, read with httpx and no package of theirs."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import httpx
from httpx_sse import ServerSentEvent, aconnect_sse, connect_sse
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from pydantic import ConfigDict, PrivateAttr, SecretStr


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One HTTP request."""

    method: str = "POST"
    url: str
    headers: dict[str, str]
    body: dict[str, Any] | None = None

    @property
    def arguments(self) -> dict[str, Any]:
        """As httpx calls them."""
        return {"method": self.method, "url": self.url, "headers": self.headers, "json": self.body}


class EventReader(Protocol):
    """Reads one answer's events."""

    def feed(self, event: ServerSentEvent) -> Iterator[AIMessageChunk]:
        """What the event says. Raises: httpx.HTTPError for one that tells of a failure."""
        ...

    def finish(self) -> Iterator[AIMessageChunk]:
        """What is left to say. Raises: httpx.RemoteProtocolError when the answer is not whole."""
        ...


class EventStreamChatModel(BaseChatModel, ABC):
    """What those providers share.

    Attributes:
        timeout_s: seconds to connect, and between two pieces of an answer.
    """

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)

    model: str
    base_url: str
    api_key: SecretStr | None = None
    timeout_s: float
    max_tokens: int
    temperature: float | None = None
    _client: httpx.Client = PrivateAttr()
    _async_client: httpx.AsyncClient = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        """Connections are kept for the next question."""
        self._client = httpx.Client(timeout=self.timeout_s)
        self._async_client = httpx.AsyncClient(timeout=self.timeout_s)

    @abstractmethod
    def reader(self) -> EventReader:
        """For one answer."""

    @abstractmethod
    def begin(self, messages: Sequence[BaseMessage]) -> Call:
        """The request whose answer is the events; what has to be asked before it is asked here."""

    async def abegin(self, messages: Sequence[BaseMessage]) -> Call:
        """The same without blocking."""
        return await asyncio.to_thread(self.begin, messages)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        reader = self.reader()
        with connect_sse(self._client, **self.begin(messages).arguments) as source:
            if source.response.is_error:
                source.response.read()
            source.response.raise_for_status()
            for event in source.iter_sse():
                yield from map(_generation, reader.feed(event))
        yield from map(_generation, reader.finish())

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        reader = self.reader()
        call = await self.abegin(messages)
        async with aconnect_sse(self._async_client, **call.arguments) as source:
            if source.response.is_error:
                await source.response.aread()
            source.response.raise_for_status()
            async for event in source.aiter_sse():
                for chunk in reader.feed(event):
                    yield _generation(chunk)
        for chunk in reader.finish():
            yield _generation(chunk)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return generate_from_stream(self._stream(messages))


def _generation(chunk: AIMessageChunk) -> ChatGenerationChunk:
    return ChatGenerationChunk(message=chunk)
