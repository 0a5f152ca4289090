"""Passages go to the model alone: a tracing that the environment asks of LangChain is not done here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from langchain_core.tracers.langchain import wait_for_all_tracers
from langsmith import utils as langsmith_utils

from rag.llm.chat_model import open_chat_model
from rag.llm.spec import LlmSpec
from tests.llm.dialects import KEY, Anthropic, BedrockConverse
from tests.llm.rows import AWS
from tests.llm.wire import NOT_OURS, Dialect, ProviderServer, Received, Sent, as_json, serving
from tests.passages import LEAVE, passage, prompt
from tests.patience import LONG_S

pytestmark = NOT_OURS

TRACED = {"LANGSMITH_TRACING": "true", "LANGCHAIN_TRACING_V2": "true", "LANGSMITH_API_KEY": "ls-1"}


class _LangSmith(Anthropic):
    """Takes whatever it is sent."""

    def read(self, received: Received) -> Sent:
        return as_json({})


@pytest.fixture(scope="module")
def tracing() -> Iterator[ProviderServer]:
    """One for all, because LangSmith's client keeps the first address that it is given."""
    with serving(_LangSmith(), "") as server:
        yield server


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Read afresh: LangSmith remembers what it once read."""
    langsmith_utils.get_env_var.cache_clear()
    yield monkeypatch
    langsmith_utils.get_env_var.cache_clear()


@pytest.mark.parametrize(
    ("model", "dialect"),
    [("anthropic:claude-haiku-4-5", Anthropic()), ("bedrock:amazon.nova-lite-v1:0", BedrockConverse())],
    ids=["asynchronous", "blocking"],
)
def test_nothing_is_traced(
    model: str, dialect: Dialect, tracing: ProviderServer, environment: pytest.MonkeyPatch
) -> None:
    tracing.received.clear()
    with serving(dialect, "Five days.", at_once=True) as server:
        for name, value in {**AWS, **TRACED, "LANGSMITH_ENDPOINT": tracing.origin}.items():
            environment.setenv(name, value)
        key = KEY if model.startswith("anthropic") else None
        llm = LlmSpec(
            name="mine", model=model, base_url=server.origin, api_key=key, timeout_s=LONG_S, max_tokens=9
        )
        assert list(open_chat_model(llm).stream(prompt("How many?", passage(LEAVE))))
        wait_for_all_tracers()
    assert len(server.asked) == 1
    assert tracing.received == []
