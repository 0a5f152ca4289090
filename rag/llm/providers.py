"""From a spec to the chat model of its provider, by the rows of :mod:`rag.llm.provider_table`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from importlib import import_module
from typing import Any

from langchain.chat_models import init_chat_model
from langchain_core.language_models import BaseChatModel
from pydantic import ValidationError

from rag.errors import ModelUnavailable
from rag.llm.provider import Provider
from rag.llm.provider_table import BY_PREFIX, PROVIDERS
from rag.llm.spec import LlmSpec


def build_chat_model(spec: LlmSpec) -> BaseChatModel:
    """The chat model of ``spec``, set up; nothing is contacted yet and nothing will be tried twice.

    Raises:
        InvalidRequest: the model's name has no provider.
        ModelUnavailable: the provider's package is missing, or its key, address or an option.
    """
    provider = BY_PREFIX.get(spec.provider)
    if provider is None:
        return _other_model(spec)
    try:
        make = _kind(provider)
    except ImportError as exc:
        raise ModelUnavailable(
            f"The provider {spec.provider!r} needs packages that are not installed: "
            f"pip install 'footnote[{provider.extra}]' ({exc})."
        ) from exc
    final = replace(spec, base_url=_address(provider, spec), api_key=_key(provider, spec))
    _require_option(provider, spec)
    try:
        built: BaseChatModel = make(**{**provider.arguments(final), **spec.options})
        return built
    except ModelUnavailable:
        raise
    except Exception as exc:  # noqa: BLE001  # what a wrong option raises is up to the class
        raise _not_set_up(
            spec, f"{_told(exc)}. {provider.advice}"
        ) from None  # the class's own words may hold the key


def _kind(provider: Provider) -> Any:
    module, _, name = provider.kind.partition(":")
    return getattr(import_module(module), name)


def _address(provider: Provider, spec: LlmSpec) -> str | None:
    """The setting, the provider's environment variable, or its own address."""
    given = spec.base_url or _first_set(provider.address_variables)
    if given or provider.is_local:
        return given
    if not provider.base_url:
        raise _not_set_up(spec, f"no address. Set {_settings(spec, 'base_url')} to that of your server.")
    return None if "REGION" in provider.base_url else provider.base_url  # its own client knows the regions


def _key(provider: Provider, spec: LlmSpec) -> str | None:
    is_elsewhere = provider.key_stays_home and bool(spec.base_url)
    key = spec.api_key or (None if is_elsewhere else _first_set(provider.key_variables))
    is_needed = provider.needs_key and not is_elsewhere
    if is_needed and not key and not set(provider.key_options) & spec.options.keys():
        raise _not_set_up(spec, f"no key. Set {_settings(spec, 'api_key')}, or {provider.key_variables[0]}.")
    return key


def _require_option(provider: Provider, spec: LlmSpec) -> None:
    if provider.option_needed is None:
        return
    option, variables = provider.option_needed
    if option not in spec.options and not _first_set(variables):
        raise _not_set_up(
            spec, f"no {option}. Set it in the options of its table in llms, or {variables[0]}."
        )


def _settings(spec: LlmSpec, field: str) -> str:
    """Where the field is set: in the table of a named model, or beside the setting ``llm``."""
    return f"FOOTNOTE_LLM_{field.upper()}" if spec.name == spec.model else f"llms.{spec.name}.{field}"


def _first_set(variables: Iterable[str]) -> str | None:
    return next((value for name in variables if (value := os.environ.get(name))), None)


def _not_set_up(spec: LlmSpec, reason: str) -> ModelUnavailable:
    return ModelUnavailable(f"The language model {spec.model!r} could not be set up: {reason}")


def _told(error: Exception) -> str:
    """The arguments that a class refuses, without their values; else the error's class."""
    if not isinstance(error, ValidationError):
        return type(error).__name__
    names = dict.fromkeys(str(problem["loc"][0]) for problem in error.errors() if problem["loc"])
    return f"it does not take the given {', '.join(names)}" if names else type(error).__name__


def _other_model(spec: LlmSpec) -> BaseChatModel:
    """What LangChain knows beside our rows, such as ``groq``, as it calls its arguments there."""
    given = {"base_url": spec.base_url, "api_key": spec.api_key}
    arguments: dict[str, Any] = {
        "timeout": spec.timeout_s,
        "max_tokens": spec.max_tokens,
        "max_retries": 0,
        "temperature": spec.temperature,
        **{name: value for name, value in given.items() if value},
        **spec.options,
    }
    try:
        built: BaseChatModel = init_chat_model(spec.model_name, model_provider=spec.provider, **arguments)
        return built
    except ImportError as exc:
        raise ModelUnavailable(
            f"The provider {spec.provider!r} needs a package that is not installed: {exc}."
        ) from exc
    except Exception as exc:  # noqa: BLE001  # as above
        known = ", ".join(provider.prefix for provider in PROVIDERS)
        raise _not_set_up(
            spec,
            f"{_told(exc)}. Set its key and address if it is one of LangChain's providers; "
            f"those of docs/llms.md are {known}.",
        ) from None
