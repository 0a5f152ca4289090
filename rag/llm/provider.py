"""What a row of the table of providers says, and how the classes behind the rows are called."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rag.llm.spec import LlmSpec

NO_KEY = "not-needed"
"""Sent to servers that ask for no key, by clients that insist on one."""

_FIXED_TEMPERATURE = re.compile(
    r"(?:^|[/.])(?:o\d|gpt-(?:[5-9]|\d\d)(?!.*chat))"  # OpenAI's reasoning models
    r"|claude-(?!instant|v?[123]|(?:opus|sonnet|haiku)-4(?!-[7-9](?:\D|$)))"  # Claude since Opus 4.7
)
"""Models that refuse a temperature of 0."""


@dataclass(frozen=True, kw_only=True)
class Provider:
    """How one provider is reached.

    Attributes:
        prefix: what stands before the colon of ``provider:model``.
        title: its name, for people.
        kind: ``module:name`` of the chat model's class, or of a function that makes one.
        arguments: what it is called with; the spec's address and key are the final ones.
        also: other prefixes for it.
        example: a model, as the provider names it.
        base_url: its own address; empty if every customer has another one, or there is none.
        address_variables: environment variables that name another address.
        key_variables: environment variables that may hold the key; the first is the one to name.
        needs_key: it answers nobody without a key.
        key_options: options that may stand in for the key.
        option_needed: an option that must be given, and the environment variables that give it too.
        extra: the extra of Footnote that brings its packages; empty if every installation has them.
        key_stays_home: another ``base_url`` is somebody else's server: it is not sent the provider's key.
        advice: what to look at when it cannot be set up.
        is_local: nothing needs an address: it runs in this process, or chooses the address by itself.
    """

    prefix: str
    title: str
    kind: str
    arguments: Callable[[LlmSpec], dict[str, Any]]
    also: tuple[str, ...] = ()
    example: str
    base_url: str = ""
    address_variables: tuple[str, ...] = ()
    key_variables: tuple[str, ...] = ()
    needs_key: bool = False
    key_options: tuple[str, ...] = ()
    option_needed: tuple[str, tuple[str, ...]] | None = None
    extra: str = ""
    key_stays_home: bool = False
    advice: str = "Check its name and options; docs/llms.md has its row."
    is_local: bool = False


def _temperature(spec: LlmSpec) -> dict[str, float]:
    """Left out of a request where the model would refuse 0, Footnote's default; another one is meant."""
    if spec.temperature == 0 and _FIXED_TEMPERATURE.search(spec.model_name.lower()):
        return {}
    return {"temperature": spec.temperature}


def plain(spec: LlmSpec) -> dict[str, Any]:
    """The arguments as most classes of LangChain call them; no class tries again by itself."""
    return {
        "model": spec.model_name,
        "base_url": spec.base_url,
        "api_key": spec.api_key,
        "timeout": spec.timeout_s,
        "max_tokens": spec.max_tokens,
        "max_retries": 0,
        **_temperature(spec),
    }


def own(spec: LlmSpec) -> dict[str, Any]:
    """For the adapters of this folder."""
    return {
        "model": spec.model_name,
        "base_url": spec.base_url,
        "api_key": spec.api_key,
        "timeout_s": spec.timeout_s,
        "max_tokens": spec.max_tokens,
        **_temperature(spec),
    }


def compatible(spec: LlmSpec) -> dict[str, Any]:
    """For servers that speak OpenAI's protocol and count tokens when asked to."""
    return plain(spec) | {"stream_usage": True, "api_key": spec.api_key or NO_KEY}


def compatible_without_stream_options(spec: LlmSpec) -> dict[str, Any]:
    """For those that count them unasked, or do not know the question."""
    return compatible(spec) | {"stream_usage": False}


def azure(spec: LlmSpec) -> dict[str, Any]:
    """Azure names its address and deployments in words of its own."""
    arguments = plain(spec) | {"azure_endpoint": spec.base_url, "azure_deployment": spec.model_name}
    del arguments["base_url"]
    return arguments | {"stream_usage": True}


def google(spec: LlmSpec) -> dict[str, Any]:
    """Google's class counts attempts instead of repetitions; the version stands in the address already."""
    return plain(spec) | {"max_retries": 1, "api_version": ""}


def mistral(spec: LlmSpec) -> dict[str, Any]:
    """Mistral's class counts whole seconds, and attempts instead of repetitions."""
    return bedrock(spec) | {"max_retries": 1}


def bedrock(spec: LlmSpec) -> dict[str, Any]:
    """Amazon's class counts whole seconds."""
    return plain(spec) | {"timeout": math.ceil(spec.timeout_s)}


def cohere(spec: LlmSpec) -> dict[str, Any]:
    """Cohere's class has its own words for the key and the time."""
    return {
        "model": spec.model_name,
        "base_url": spec.base_url,
        "cohere_api_key": spec.api_key,
        "timeout_seconds": spec.timeout_s,
        "max_tokens": spec.max_tokens,
        **_temperature(spec),
    }


def ollama(spec: LlmSpec) -> dict[str, Any]:
    """Ollama takes key and time for its HTTP client."""
    headers = {"headers": {"Authorization": f"Bearer {spec.api_key}"}} if spec.api_key else {}
    return {
        "model": spec.model_name,
        "base_url": spec.base_url,
        "num_predict": spec.max_tokens,
        "client_kwargs": {"timeout": spec.timeout_s, **headers},
        **_temperature(spec),
    }
