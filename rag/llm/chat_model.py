"""Any LangChain chat model, or any OpenAI-compatible server, behind the :class:`Generator` interface."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterator

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage, SystemMessage

from rag.cancellation import Cancellation
from rag.domain import Draft, GeneratorItem, Prompt
from rag.errors import GenerationFailed
from rag.llm.providers import build_chat_model
from rag.llm.spec import LlmSpec
from rag.prompting.building import REFUSAL_MARK

_TELLS_ITS_END = "openai:"
"""In this protocol the last piece says why it ends; without it the connection was cut."""


class ChatModelGenerator:
    """Streams a chat model's answer.

    Args:
        timeout_s: seconds the whole answer may take.
    """

    def __init__(self, name: str, model: BaseChatModel, *, timeout_s: float = math.inf) -> None:
        self._name = name
        self._model = model
        self._timeout_s = timeout_s

    @property
    def name(self) -> str:
        """``provider:model`` as configured."""
        return self._name

    def stream(self, prompt: Prompt, *, cancellation: Cancellation | None = None) -> Iterator[GeneratorItem]:
        """The model's words as they come, then the whole draft; of a refusal its mark is never shown.

        Raises:
            GenerationFailed: the provider did not answer, not in time, or with nothing.
        """
        text, shown = "", 0
        usage: Counter[str] = Counter()
        for piece, counts in self._pieces(prompt):
            text += piece if text else piece.lstrip()
            usage.update(counts)
            end = _showable(text)
            if end > shown:
                yield text[shown:end]
                shown = end
        text = text.rstrip()
        if not text:
            raise GenerationFailed(f"The language model {self._name} gave an empty answer; try again.")
        refused = REFUSAL_MARK in text
        if not refused and len(text) > shown:
            yield text[shown:]
        yield Draft(text=text, llm=self._name, refused=refused, usage=dict(usage) or None)

    def _pieces(self, prompt: Prompt) -> Iterator[tuple[str, dict[str, int]]]:
        """Text and token counts as the provider sends them; its errors become ours."""
        messages = [SystemMessage(prompt.system), HumanMessage(prompt.user)]
        deadline = time.monotonic() + self._timeout_s
        finished = not self._name.startswith(_TELLS_ITS_END)
        try:
            for chunk in self._model.stream(messages):
                counts = getattr(chunk, "usage_metadata", None) or {}
                yield str(chunk.text), {key: count for key, count in counts.items() if isinstance(count, int)}
                finished = finished or bool(chunk.response_metadata.get("finish_reason"))
                if time.monotonic() > deadline:
                    raise TimeoutError
        except Exception as exc:  # every provider's client has its own exceptions
            raise GenerationFailed(
                f"The language model {self._name} did not answer ({type(exc).__name__}). "
                f"Check that it runs and that its key is valid, or use the extractive answerer."
            ) from exc
        if not finished:
            raise GenerationFailed(f"The language model {self._name} broke off in mid-answer; try again.")


def _showable(text: str) -> int:
    """Length of ``text`` without white space at its end, the refusal mark, or what may still become it."""
    place = text.find(REFUSAL_MARK)
    if place < 0:
        longest = min(len(REFUSAL_MARK) - 1, len(text))
        held = next((size for size in range(longest, 0, -1) if text.endswith(REFUSAL_MARK[:size])), 0)
        place = len(text) - held
    return len(text[:place].rstrip())


def open_chat_model(
    name: str, *, base_url: str | None, api_key: str | None, timeout_s: float, max_tokens: int
) -> ChatModelGenerator:
    """The chat model ``provider:model``.

    Args:
        base_url: OpenAI-compatible server that ``openai:…`` calls instead of OpenAI's own; it needs no key
            if the server doesn't. Other providers keep their own addresses.
        timeout_s: seconds an answer may take in all, so nothing is tried twice.

    Raises:
        InvalidRequest: the name has no provider.
        ModelUnavailable: the provider's package is missing, or its key.
    """
    spec = LlmSpec(
        name=name, model=name, base_url=base_url, api_key=api_key, timeout_s=timeout_s, max_tokens=max_tokens
    )
    return ChatModelGenerator(name, build_chat_model(spec), timeout_s=timeout_s)
