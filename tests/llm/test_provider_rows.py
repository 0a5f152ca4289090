"""Every row of the table of providers, from its settings to the text, over a real socket."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from rag.domain import Draft, Prompt
from rag.llm.chat_model import open_chat_model
from rag.llm.named import spec_of
from rag.llm.provider_table import BY_PREFIX, PROVIDERS
from rag.llm.providers import build_chat_model
from rag.llm.spec import LlmSpec
from rag.settings import load_settings
from tests.llm.dialects import Responses
from tests.llm.rows import TRIALS, Trial
from tests.llm.wire import NOT_OURS, READ, WRITTEN, ProviderServer, serving
from tests.passages import LEAVE, passage, prompt
from tests.patience import LONG_S

pytestmark = NOT_OURS

ANSWER = "Twenty-five days a year [1]. Déjà vu: five carry over [1]."
ASKED = prompt("How many days of annual leave do I have?", passage(LEAVE))
LOCAL = "huggingface_local"


def spec(prefix: str, trial: Trial, origin: str, monkeypatch: pytest.MonkeyPatch) -> LlmSpec:
    """As the settings of a user give it."""
    for name, value in trial.environment.items():
        monkeypatch.setenv(name, value)
    llms = {"mine": trial.llm(prefix, origin) | {"timeout_s": LONG_S, "max_tokens": 77}}
    monkeypatch.setenv("FOOTNOTE_LLMS", json.dumps(llms))
    return spec_of("mine", load_settings())


def streamed(llm: LlmSpec, server: ProviderServer, asked: Prompt = ASKED) -> tuple[list[str], Draft]:
    """The pieces as they came, and the draft; the server ends its answer only after the first piece."""
    pieces: list[str] = []
    for item in open_chat_model(llm).stream(asked):
        if isinstance(item, Draft):
            return pieces, item
        assert isinstance(item, str)
        pieces.append(item)
        server.may_end.set()
    raise AssertionError("no draft came")


def test_every_row_is_tried() -> None:
    assert {provider.prefix for provider in PROVIDERS} == {*TRIALS, LOCAL}


@pytest.mark.parametrize("prefix", TRIALS)
def test_a_row_streams_its_providers_answer(prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    trial = TRIALS[prefix]
    with serving(trial.dialect(), ANSWER) as server:
        pieces, draft = streamed(spec(prefix, trial, server.origin, monkeypatch), server)
    assert server.complaints == []
    assert (draft.text, "".join(pieces)) == (ANSWER, ANSWER)
    assert server.saw_first_piece
    assert len(pieces) > 1
    (asked,) = server.asked[-1:]
    assert asked.stream
    assert asked.model == (trial.served_model or trial.model)
    assert (asked.system, asked.user) == (ASKED.system, ASKED.user)
    assert asked.max_tokens == 77
    assert asked.temperature == (None if asked.model == "gpt-5-mini" else 0)
    counted = {"input_tokens": READ, "output_tokens": WRITTEN, "total_tokens": READ + WRITTEN}
    assert draft.usage == (counted if trial.counts else None)


@pytest.mark.parametrize("prefix", TRIALS)
def test_a_row_answers_in_one_piece_too(prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    trial = TRIALS[prefix]
    with serving(trial.dialect(), ANSWER, at_once=True) as server:
        model = build_chat_model(spec(prefix, trial, server.origin, monkeypatch))
        message = model.invoke([("system", ASKED.system), ("user", ASKED.user)])
    assert server.complaints == []
    assert message.text == ANSWER


@pytest.mark.parametrize("prefix", TRIALS)
def test_a_row_asks_once_and_nobody_else(prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is tried twice by a client: when to try again is decided in one place."""
    trial = TRIALS[prefix]
    with serving(trial.dialect(), ANSWER, fails_with=500) as server:
        model = build_chat_model(spec(prefix, trial, server.origin, monkeypatch))
        with pytest.raises(Exception):  # noqa: B017, PT011  # every client has its own
            list(model.stream([("system", ASKED.system), ("user", ASKED.user)]))
    assert len(server.received) == 1


def test_models_that_openai_answers_for_elsewhere_are_asked_there(monkeypatch: pytest.MonkeyPatch) -> None:
    trial = Trial(dialect=Responses, model="gpt-5-pro")
    with serving(trial.dialect(), ANSWER) as server:
        pieces, draft = streamed(spec("openai", trial, server.origin, monkeypatch), server)
    assert (server.complaints, draft.text) == ([], ANSWER)
    assert (len(pieces) > 1, draft.usage and draft.usage["output_tokens"]) == (True, WRITTEN)


def with_variable(prefix: str) -> bool:
    return bool(BY_PREFIX[prefix].key_variables and BY_PREFIX[prefix].needs_key)


@pytest.mark.parametrize("prefix", [prefix for prefix in TRIALS if with_variable(prefix)])
def test_the_providers_own_variable_holds_the_key_too(prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    provider, trial = BY_PREFIX[prefix], TRIALS[prefix]
    sent: Mapping[str, Any] = {
        "base_url": None if provider.key_stays_home else f"http://127.0.0.1:9{trial.path}",
        "options": trial.options,
    }
    fields: dict[str, Any] = {"timeout_s": 1, "max_tokens": 1, **sent}
    for variable in provider.key_variables:
        with monkeypatch.context() as patched:
            patched.setenv(variable, "sk-of-the-variable")
            llm = LlmSpec(name="mine", model=f"{prefix}:{trial.model}", **fields)
            assert build_chat_model(llm)


@pytest.mark.parametrize("alias", sorted(set(BY_PREFIX) - {provider.prefix for provider in PROVIDERS}))
def test_another_prefix_means_the_same_row(alias: str) -> None:
    assert alias in BY_PREFIX[alias].also
