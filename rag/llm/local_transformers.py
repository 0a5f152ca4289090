"""A causal language model that runs in this process, with the transformers library."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, SystemMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from pydantic import ConfigDict, PrivateAttr
from transformers import AutoModelForCausalLM, AutoTokenizer, StoppingCriteria, TextIteratorStreamer
from transformers.utils import logging as transformers_logging

from rag.errors import ModelUnavailable


def open_local_model(
    *,
    model: str,
    timeout_s: float,
    max_tokens: int,
    temperature: float = 0.0,
    base_url: str | None = None,
    api_key: str | None = None,
    device: str = "auto",
    dtype: str = "auto",
) -> LocalChatModel:
    """The model in a folder, or of that name on the Hugging Face hub, loaded; weights are never unpickled.

    Args:
        api_key: token for a model of the hub that is not public.
        device: auto, cpu, cuda or cuda:N.
        dtype: auto (as the weights are stored), float32, bfloat16 or float16.

    Raises:
        ModelUnavailable: it cannot be loaded, or its tokenizer has no chat template.
    """
    if base_url:
        raise ModelUnavailable(f"The language model {model!r} runs in this process: unset its base_url.")
    place = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    source: dict[str, Any] = {"token": api_key, "local_files_only": Path(model).is_dir()}
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        tokenizer = AutoTokenizer.from_pretrained(model, **source)
        weights: Any = AutoModelForCausalLM.from_pretrained(
            model, dtype=dtype, use_safetensors=True, **source
        )
        weights.to(place).eval()
    except Exception as exc:  # missing files, other formats, not enough memory
        raise ModelUnavailable(
            f"The language model {model!r} could not be loaded ({type(exc).__name__}): expected a folder "
            f"with config.json, safetensors weights and a tokenizer, or a name on the Hugging Face hub."
        ) from exc
    if not tokenizer.chat_template:
        raise ModelUnavailable(
            f"The tokenizer of {model!r} has no chat template: take a model that is made for instructions."
        )
    return LocalChatModel(
        timeout_s=timeout_s,
        max_tokens=max_tokens,
        temperature=temperature,
        tokenizer=tokenizer,
        weights=weights,
    )


class PromptTooLong(Exception):
    """The prompt does not fit into the model's context."""

    status_code = 413  # what a server would have said


class LocalChatModel(BaseChatModel):
    """Answers one question at a time, token by token."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)

    timeout_s: float
    max_tokens: int
    temperature: float
    tokenizer: Any
    weights: Any
    _turn: threading.Lock = PrivateAttr(default_factory=threading.Lock)

    @property
    def _llm_type(self) -> str:
        return "transformers"

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        if not self._turn.acquire(timeout=self.timeout_s):
            raise TimeoutError("The model was busy with other questions.")
        try:
            prompt = self._tokens(messages)
            written = _Written()
            for piece in self._pieces(prompt, written):
                yield ChatGenerationChunk(message=AIMessageChunk(content=piece))
            usage = _usage(int(prompt["input_ids"].shape[1]), written.tokens)
            last = AIMessageChunk(content="", usage_metadata=usage, chunk_position="last")
            yield ChatGenerationChunk(message=last)
        finally:
            self._turn.release()

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return generate_from_stream(self._stream(messages))

    def _tokens(self, messages: Sequence[BaseMessage]) -> Any:
        turns = [{"role": _role(message), "content": str(message.text)} for message in messages]
        prompt = self.tokenizer.apply_chat_template(
            turns, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        context = getattr(self.weights.config, "max_position_embeddings", None)
        length = prompt["input_ids"].shape[1]
        if context and length + 1 > context:
            raise PromptTooLong(f"The prompt has {length} tokens, the model reads {context}.")
        return prompt.to(self.weights.device)

    def _pieces(self, prompt: Any, written: _Written) -> Iterator[str]:
        """Text as it is generated beside this thread; closing the iterator ends the generation."""
        streamer = TextIteratorStreamer(self.tokenizer, skip_prompt=True, skip_special_tokens=True)
        warmth = {"temperature": self.temperature} if self.temperature else {}
        failed: list[Exception] = []

        def generate() -> None:
            try:
                self.weights.generate(
                    **prompt,
                    streamer=streamer,
                    stopping_criteria=[written],
                    max_new_tokens=self.max_tokens,
                    max_time=self.timeout_s,
                    pad_token_id=self.tokenizer.pad_token_id or self.tokenizer.eos_token_id,
                    do_sample=bool(warmth),
                    **warmth,
                )
            except Exception as exc:  # noqa: BLE001  # raised again where somebody waits for it
                failed.append(exc)
                streamer.end()  # type: ignore[no-untyped-call]

        with _beside(generate, written.stop):
            yield from (piece for piece in streamer if piece)
        if failed:
            raise failed[0]


class _Written(StoppingCriteria):
    """Counts the tokens of an answer, and ends it when it is told to."""

    def __init__(self) -> None:
        self.tokens = 0
        self._is_stopped = threading.Event()

    def stop(self) -> None:
        self._is_stopped.set()

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor, **kwargs: Any) -> torch.Tensor:
        self.tokens += 1
        return torch.full((input_ids.shape[0],), self._is_stopped.is_set(), device=input_ids.device)


@contextmanager
def _beside(work: Callable[[], None], stop: Callable[[], None]) -> Iterator[None]:
    """Runs ``work`` in a thread, which is told to stop at the end of the block."""
    thread = threading.Thread(target=work, name="footnote-local-llm", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop()
        thread.join()


def _role(message: BaseMessage) -> str:
    if isinstance(message, SystemMessage):
        return "system"
    return "assistant" if isinstance(message, AIMessage) else "user"


def _usage(read: int, written: int) -> UsageMetadata:
    return UsageMetadata(input_tokens=read, output_tokens=written, total_tokens=read + written)
