"""Models behind Amazon SageMaker endpoints whose containers speak OpenAI's chat messages: TGI, vLLM, LMI."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any, Protocol

from botocore.config import Config
from langchain_aws.chat_models.sagemaker_endpoint import ChatModelContentHandler, ChatSagemakerEndpoint
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGenerationChunk

_LOG = "langchain_aws.chat_models.sagemaker_endpoint"


class _Readable(Protocol):
    def read(self) -> bytes: ...


class _OpenAiMessages(ChatModelContentHandler):
    """The body of a request and of an answer, as the container reads and writes them."""

    content_type = "application/json"
    accepts = "application/json"

    def transform_input(self, prompt: Any, model_kwargs: dict[str, Any]) -> bytes:
        return json.dumps({"messages": prompt, **model_kwargs}).encode()

    def transform_output(self, output: bytes | _Readable) -> AIMessage:
        """A line of a stream, or a whole answer."""
        if isinstance(output, bytes):
            return _streamed(output.removeprefix(b"data:").strip())
        answer = json.loads(output.read())
        return AIMessage(
            content=answer["choices"][0]["message"]["content"], usage_metadata=_usage(answer.get("usage"))
        )


class SageMakerChatModel(ChatSagemakerEndpoint):
    """Tells the container when its answer is to be streamed."""

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        kwargs |= {"stream": True, "stream_options": {"include_usage": True}}
        return super()._stream(messages, stop, run_manager, **kwargs)


def open_sagemaker(
    *,
    model: str,
    base_url: str | None,
    api_key: str | None,
    timeout_s: float,
    max_tokens: int,
    temperature: float | None = None,
    model_kwargs: dict[str, Any] | None = None,
    **options: Any,
) -> SageMakerChatModel:
    """The endpoint named ``model``; AWS credentials are found as all of its clients find them."""
    logging.getLogger(_LOG).setLevel(logging.CRITICAL)  # or it logs whatever the container says
    body = {"max_tokens": max_tokens, **({} if temperature is None else {"temperature": temperature})}
    return SageMakerChatModel(
        endpoint_name=model,
        base_url=base_url,
        config=Config(connect_timeout=timeout_s, read_timeout=timeout_s, retries={"total_max_attempts": 1}),
        content_handler=_OpenAiMessages(),
        model_kwargs={**body, **(model_kwargs or {})},
        **options,
    )


def _streamed(line: bytes) -> AIMessageChunk:
    if not line or line == b"[DONE]":
        return AIMessageChunk(content="")
    said = json.loads(line)
    choices = said.get("choices") or [{}]
    text = choices[0].get("delta", {}).get("content") or ""
    return AIMessageChunk(content=text, usage_metadata=_usage(said.get("usage")))


def _usage(counts: dict[str, int] | None) -> UsageMetadata | None:
    if not counts:
        return None
    return UsageMetadata(
        input_tokens=counts["prompt_tokens"],
        output_tokens=counts["completion_tokens"],
        total_tokens=counts["total_tokens"],
    )
