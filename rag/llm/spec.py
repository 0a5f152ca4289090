"""What a language model is called with: one entry of the settings, whatever its provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rag.errors import InvalidRequest


@dataclass(frozen=True, kw_only=True)
class LlmSpec:
    """One configured language model.

    Attributes:
        name: what callers ask for; often the same as ``model``.
        model: ``provider:model``, the provider as ``docs/llms.md`` names it.
        base_url: the server's address where it is not the provider's own.
        api_key: the provider's key; without one its own environment variable is read.
        timeout_s: seconds one request may wait for the provider.
        max_tokens: longest answer, in the model's tokens.
        temperature: 0.0 for the likeliest words; higher for more various ones.
        options: more arguments of the provider's LangChain class, such as ``{"api_version": "2024-10-21"}``.
    """

    name: str
    model: str
    base_url: str | None = field(default=None, repr=False)  # may hold a password
    api_key: str | None = field(default=None, repr=False)
    timeout_s: float
    max_tokens: int
    temperature: float = 0.0
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)  # may hold credentials

    @property
    def provider(self) -> str:
        """What stands before the first colon of ``model``. Raises: InvalidRequest."""
        return self._parts()[0]

    @property
    def model_name(self) -> str:
        """What stands behind it, as the provider names the model. Raises: InvalidRequest."""
        return self._parts()[1]

    def _parts(self) -> tuple[str, str]:
        provider, _, model = self.model.partition(":")
        if not provider or not model:
            raise InvalidRequest(
                f"The LLM is {self.model!r}, expected extractive or provider:model, like openai:gpt-5-mini."
            )
        return provider, model
