"""What is compared: every language model under every combination of the settings given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from pydantic import TypeAdapter, ValidationError

from rag.errors import InvalidRequest
from rag.llm.named import EXTRACTIVE, is_known, spec_of
from rag.settings import Settings

SETTINGS = (
    "k",
    "passages_per_document",
    "dense_weight",
    "query_expansion",
    "expansion_timeout_s",
    "reranker",
    "rerank_candidates",
    "grounding_policy",
    "prompt_tokens",
    "prompt_templates",
    "datamarking",
    "llm_timeout_s",
    "llm_max_tokens",
    "llm_starts_early",
)
"""What may differ: the settings that an answer depends on. All variants share documents and checker."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """One contestant.

    Attributes:
        name: the language model, and behind it the settings that differ: ``openai:gpt-5-mini, k=4``.
        llm: as ``footnote ask --llm`` takes it.
        model: ``provider:model``, or ``extractive``.
        changes: settings as given, by name.
        values: the same as the settings hold them.
    """

    name: str
    llm: str
    model: str
    changes: Mapping[str, str]
    values: Mapping[str, Any]


def variants(llms: Sequence[str], given: Sequence[str], *, settings: Settings) -> list[Variant]:
    """Every model with every combination: values of one setting are alternatives, several settings multiply.

    Args:
        llms: at least one of the form that ``--llm`` takes; none: the configured one.
        given: ``key=value`` each.
        settings: what the variants change.

    Raises:
        InvalidRequest: fewer than two variants, one of them twice, an unknown model or setting, or a value
            that the setting cannot take.
    """
    alternatives: dict[str, list[str]] = {}
    for each in given:
        key, value = _key_and_value(each)
        alternatives.setdefault(key, []).append(value)
    found = [
        _variant(llm, dict(zip(alternatives, values, strict=True)), settings)
        for llm in (llms or [settings.llm])
        for values in product(*alternatives.values())
    ]
    names = [variant.name for variant in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InvalidRequest(f"{twice!r} is given twice; name every variant once.")
    if len(found) < 2:
        raise InvalidRequest(
            f"There is only {names[0]!r} to compare; give --llm twice, or --setting twice with two values of "
            "one setting, such as --setting k=4 --setting k=12."
        )
    return found


def _key_and_value(given: str) -> tuple[str, str]:
    key, equals, value = (part.strip() for part in given.partition("="))
    if not equals or not key:
        raise InvalidRequest(f"--setting is {given!r}, expected key=value, such as k=12.")
    if key not in SETTINGS:
        advice = "give models with --llm" if key == "llm" else f"those that may differ: {', '.join(SETTINGS)}"
        raise InvalidRequest(f"The setting {key!r} cannot differ between variants; {advice}.")
    return key, value


def _variant(llm: str, changes: Mapping[str, str], settings: Settings) -> Variant:
    if not is_known(llm, settings):
        spec_of(llm, settings)  # says what was expected
    values = {key: _read(key, value) for key, value in changes.items()}
    shown = [f"{key}={value}" for key, value in changes.items()]
    return Variant(
        name=", ".join([llm, *shown]),
        llm=llm,
        model=llm if llm == EXTRACTIVE else spec_of(llm, settings).model,
        changes=changes,
        values=values,
    )


def _read(key: str, value: str) -> Any:
    field = Settings.model_fields[key]
    try:
        return TypeAdapter(field.rebuild_annotation()).validate_python(value)
    except ValidationError as exc:
        reason = exc.errors(include_url=False)[0]["msg"]
        raise InvalidRequest(f"--setting {key}={value}: {reason}; {field.description}") from exc
