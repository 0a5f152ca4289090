"""Where a language model's provider is called."""

from __future__ import annotations

import os

from rag.llm.provider_table import BY_PREFIX
from rag.llm.spec import LlmSpec


def address_of(spec: LlmSpec) -> str | None:
    """From its settings, the environment or the provider's row; ``None`` if only its package knows."""
    provider = BY_PREFIX.get(spec.provider)
    if spec.base_url or provider is None:
        return spec.base_url
    given = next((value for name in provider.address_variables if (value := os.environ.get(name))), None)
    if given or "REGION" not in provider.base_url:
        return given or provider.base_url or None
    return None


def speaks_openai(spec: LlmSpec) -> bool:
    """Whether the provider's servers speak OpenAI's protocol, and so list their models in its words."""
    provider = BY_PREFIX.get(spec.provider)
    return provider is not None and provider.kind.startswith("rag.llm.openai_dialect:")
