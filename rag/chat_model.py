"""Any LangChain chat model, or any OpenAI-compatible server, behind the :class:`Generator` interface."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from langchain.chat_models import init_chat_model
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage, SystemMessage

from rag.domain import Draft, Prompt
from rag.errors import GenerationFailed, InvalidRequest, ModelUnavailable
from rag.prompting import REFUSAL_MARK


class ChatModelGenerator:
    """Streams a chat model's answer."""

    def __init__(self, name: str, model: BaseChatModel) -> None:
        self._name = name
        self._model = model

    @property
    def name(self) -> str:
        """``provider:model`` as configured."""
        return self._name

    def stream(self, prompt: Prompt) -> Iterator[str | Draft]:
        """The model's words as they come, then the whole draft.

        Raises:
            GenerationFailed: the provider did not answer, or with nothing.
        """
        text = pending = ""
        usage: dict[str, int] = {}
        messages = [SystemMessage(prompt.system), HumanMessage(prompt.user)]
        try:
            for chunk in self._model.stream(messages):
                for key, count in (getattr(chunk, "usage_metadata", None) or {}).items():
                    if isinstance(count, int):
                        usage[key] = usage.get(key, 0) + count
                piece = str(chunk.text) if text else str(chunk.text).lstrip()
                text += piece
                pending += piece
                if pending and not _may_be_refusal(text):
                    yield pending
                    pending = ""
        except Exception as exc:
            raise GenerationFailed(
                f"The language model {self._name} did not answer ({type(exc).__name__}). "
                f"Check that it runs and that its key is valid, or use the extractive answerer."
            ) from exc
        if not text.strip():
            raise GenerationFailed(f"The language model {self._name} gave an empty answer; try again.")
        yield Draft(text=text.strip(), llm=self._name, refused=REFUSAL_MARK in text, usage=usage or None)


def _may_be_refusal(text: str) -> bool:
    """Whether the answer so far is the refusal mark or could still become it; it is not shown then."""
    return text.startswith(REFUSAL_MARK) or REFUSAL_MARK.startswith(text.rstrip())


def open_chat_model(
    name: str, *, base_url: str | None, api_key: str | None, timeout_s: float, max_tokens: int
) -> ChatModelGenerator:
    """The chat model ``provider:model``.

    Args:
        base_url: server to call instead of the provider's own; ``openai:…`` then speaks to any
            OpenAI-compatible server, and needs no key if the server doesn't.

    Raises:
        InvalidRequest: the name has no provider.
        ModelUnavailable: the provider's package is missing, or its key.
    """
    provider, _, model = name.partition(":")
    if not provider or not model:
        raise InvalidRequest(
            f"The LLM is {name!r}, expected extractive or provider:model, like openai:gpt-5-mini."
        )
    options: dict[str, Any] = {"timeout": timeout_s, "max_tokens": max_tokens, "temperature": 0.0}
    if base_url:
        options["base_url"] = base_url
    if api_key or base_url:
        options["api_key"] = api_key or "not-needed"
    try:
        return ChatModelGenerator(name, init_chat_model(model, model_provider=provider, **options))
    except ImportError as exc:
        raise ModelUnavailable(
            f"The provider {provider!r} needs a package that is not installed: {exc}."
        ) from exc
    except Exception as exc:
        raise ModelUnavailable(
            f"The language model {name!r} could not be set up ({type(exc).__name__}). "
            f"Check the name and set FOOTNOTE_LLM_API_KEY or the provider's own key variable."
        ) from exc
