"""The settings' named language models: callers choose among these, and never name an address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from rag.errors import InvalidRequest
from rag.llm.spec import LlmSpec

if TYPE_CHECKING:
    from rag.settings import Settings

EXTRACTIVE = "extractive"
"""The answerer that needs no language model; every other answerer ends in it."""

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}")


def _checked_name(name: str) -> str:
    if name == EXTRACTIVE:
        raise ValueError("this name is taken by the answerer without a language model")
    if not _NAME.fullmatch(name):
        raise ValueError("a name is 1 to 63 letters, digits, dots, dashes or underscores, without a colon")
    return name


def _checked_model(model: str) -> str:
    provider, _, rest = model.partition(":")
    if not provider or not rest:
        raise ValueError("expected provider:model, like openai:gpt-5-mini")
    return model


class NamedLlm(BaseModel):
    """One language model of the setting ``llms``; what it leaves out is as for ``llm``."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    model: Annotated[str, AfterValidator(_checked_model)]
    base_url: str | None = Field(default=None, repr=False)  # may hold a password
    api_key: SecretStr | None = None
    timeout_s: float | None = Field(default=None, gt=0)
    max_tokens: int | None = Field(default=None, gt=0)
    temperature: float = Field(default=0.0, ge=0, le=2)
    options: Mapping[str, Any] = Field(default_factory=dict, repr=False)  # may hold credentials


LlmName = Annotated[str, AfterValidator(_checked_name)]


def spec_of(name: str, settings: Settings) -> LlmSpec:
    """What the language model ``name`` is called with: one of ``llms``, or ``provider:model`` itself.

    ``llm_base_url`` and ``llm_api_key`` belong to the provider of the setting ``llm``; another provider is
    never sent them.

    Raises:
        InvalidRequest: neither; the message lists the names.
    """
    named = settings.llms.get(name)
    if named is not None:
        return LlmSpec(
            name=name,
            model=named.model,
            base_url=named.base_url,
            api_key=named.api_key.get_secret_value() if named.api_key else None,
            timeout_s=named.timeout_s or settings.llm_timeout_s,
            max_tokens=named.max_tokens or settings.llm_max_tokens,
            temperature=named.temperature,
            options=named.options,
        )
    if not is_known(name, settings):
        offered = "".join(f", {other}" for other in settings.llms)
        raise InvalidRequest(
            f"The LLM is {name!r}, expected {EXTRACTIVE}{offered} or provider:model, like openai:gpt-5-mini."
        )
    owns = _owns_address(name, settings)
    return LlmSpec(
        name=name,
        model=name,
        base_url=settings.llm_base_url if owns else None,
        api_key=settings.llm_api_key.get_secret_value() if owns and settings.llm_api_key else None,
        timeout_s=settings.llm_timeout_s,
        max_tokens=settings.llm_max_tokens,
    )


def is_known(name: str, settings: Settings) -> bool:
    """Whether ``name`` is extractive, one of ``llms``, or has the form ``provider:model``."""
    provider, _, model = name.partition(":")
    return name == EXTRACTIVE or name in settings.llms or bool(provider and model)


def _owns_address(name: str, settings: Settings) -> bool:
    """Whether the model is of the provider that ``llm_base_url`` and ``llm_api_key`` were given for."""
    provider, has_provider, _ = settings.llm.partition(":")
    return not has_provider or provider == name.partition(":")[0]
