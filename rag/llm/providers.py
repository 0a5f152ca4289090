"""From a spec to the chat model of its provider."""

from __future__ import annotations

from typing import Any

from langchain.chat_models import init_chat_model
from langchain_core.language_models import BaseChatModel

from rag.errors import ModelUnavailable
from rag.llm.spec import LlmSpec


def build_chat_model(spec: LlmSpec) -> BaseChatModel:
    """The chat model of ``spec``, set up; nothing is contacted yet and nothing will be tried twice.

    Raises:
        InvalidRequest: the model's name has no provider.
        ModelUnavailable: the provider's package is missing, or its key.
    """
    provider, model = spec.provider, spec.model_name
    options: dict[str, Any] = {
        "timeout": spec.timeout_s,
        "max_tokens": spec.max_tokens,
        "temperature": spec.temperature,
    }
    if provider == "openai":
        options |= {"max_retries": 0, "stream_usage": True}
        if spec.base_url:
            options |= {"base_url": spec.base_url, "api_key": "not-needed"}
    if spec.api_key:
        options["api_key"] = spec.api_key
    try:
        built: BaseChatModel = init_chat_model(model, model_provider=provider, **options, **spec.options)
        return built
    except ImportError as exc:
        raise ModelUnavailable(
            f"The provider {provider!r} needs a package that is not installed: {exc}."
        ) from exc
    except Exception as exc:
        raise ModelUnavailable(
            f"The language model {spec.model!r} could not be set up ({type(exc).__name__}). "
            f"Check the name and set FOOTNOTE_LLM_API_KEY or the provider's own key variable."
        ) from exc
