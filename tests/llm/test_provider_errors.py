"""What a provider's error becomes: one sentence of ours, without its key and without what the server said."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from rag.errors import GenerationFailed
from rag.llm.chat_model import open_chat_model
from rag.llm.spec import LlmSpec
from tests.llm.dialects import KEY
from tests.llm.rows import TRIALS
from tests.llm.wire import NOT_OURS, Asked, Dialect, Received, Sent, serving
from tests.passages import LEAVE, passage, prompt
from tests.patience import LONG_S

pytestmark = NOT_OURS

ASKED = prompt("How many days?", passage(LEAVE))
CUT = ["openai", "anthropic", "google_genai", "mistralai", "cohere", "tgi", "ollama"]
"""Protocols whose end cannot be mistaken."""

PROTOCOLS = [
    "openai",
    "azure_openai",
    "anthropic",
    "google_genai",
    "google_vertexai",
    "mistralai",
    "cohere",
    "bedrock_converse",
    "sagemaker",
    "tgi",
    "ollama",
    "litellm",
    "replicate",
]
"""A row of each."""

REASONS = {401: "refused the key", 429: "overloaded", 500: "server failed"}


@pytest.mark.parametrize("status", REASONS)
@pytest.mark.parametrize("prefix", PROTOCOLS)
def test_an_error_is_told_apart_and_nothing_of_it_leaks(
    prefix: str, status: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    trial = TRIALS[prefix]
    for name, value in trial.environment.items():
        monkeypatch.setenv(name, value)
    with serving(trial.dialect(), "never", fails_with=status) as server:
        fields: dict[str, Any] = trial.llm(prefix, server.origin)
        llm = LlmSpec(name="mine", timeout_s=LONG_S, max_tokens=50, **fields)
        with pytest.raises(GenerationFailed) as failed:
            list(open_chat_model(llm).stream(ASKED))
    assert server.complaints == []
    said = str(failed.value)
    assert REASONS[status] in said
    for secret in (KEY, "secret detail", server.origin):
        assert secret not in said
    assert KEY not in caplog.text


@dataclass
class _Cut:
    """Ends every answer after three frames, as a proxy may do, which ends the connection properly."""

    dialect: Dialect

    def read(self, received: Received) -> Asked | Sent:
        return self.dialect.read(received)

    def answer(self, asked: Asked, pieces: list[str]) -> Sent:
        sent = self.dialect.answer(asked, pieces)
        return replace(sent, frames=sent.frames[:3])

    def error(self, status: int, reason: str) -> Sent:
        return self.dialect.error(status, reason)


@pytest.mark.parametrize("prefix", CUT)
def test_half_an_answer_is_none(prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    trial = TRIALS[prefix]
    for name, value in trial.environment.items():
        monkeypatch.setenv(name, value)
    with serving(_Cut(trial.dialect()), "Twenty-five days a year [1].", at_once=True) as server:
        llm = LlmSpec(name="mine", timeout_s=LONG_S, max_tokens=50, **trial.llm(prefix, server.origin))
        with pytest.raises(GenerationFailed, match="broke off"):
            list(open_chat_model(llm).stream(ASKED))
    assert server.complaints == []
