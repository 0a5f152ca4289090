"""What is said when a provider's package, key, address or option is missing, and what no row lets happen."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from langchain_openai import ChatOpenAI

from rag.errors import GenerationFailed, ModelUnavailable
from rag.llm.chat_model import open_chat_model
from rag.llm.provider_table import BY_PREFIX, PROVIDERS
from rag.llm.providers import build_chat_model
from rag.llm.spec import LlmSpec
from tests.llm.dialects import KEY, ChatCompletions
from tests.llm.rows import TRIALS
from tests.llm.wire import NOT_OURS, serving
from tests.passages import LEAVE, passage, prompt
from tests.patience import LONG_S

pytestmark = NOT_OURS

PACKAGES = (
    "langchain_anthropic",
    "langchain_aws",
    "langchain_cohere",
    "langchain_google_genai",
    "langchain_litellm",
    "langchain_mistralai",
    "langchain_ollama",
)
"""What the extras bring."""

EXTRAS = [provider.prefix for provider in PROVIDERS if provider.extra]


def spec(model: str, **fields: Any) -> LlmSpec:
    return LlmSpec(**{"name": model, "model": model, "timeout_s": LONG_S, "max_tokens": 50, **fields})


@pytest.mark.parametrize("prefix", EXTRAS)
def test_a_missing_package_names_its_extra(prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = BY_PREFIX[prefix]
    for package in PACKAGES:
        for module in [package, *(name for name in sys.modules if name.startswith(f"{package}."))]:
            monkeypatch.setitem(sys.modules, module, None)
    adapter = provider.kind.partition(":")[0]
    if adapter.startswith("rag."):
        monkeypatch.delitem(sys.modules, adapter, raising=False)
    with pytest.raises(ModelUnavailable) as missing:
        build_chat_model(spec(f"{prefix}:{provider.example}", api_key=KEY))
    assert f"pip install 'footnote[{provider.extra}]'" in str(missing.value)
    assert KEY not in str(missing.value)


@pytest.mark.parametrize("prefix", [provider.prefix for provider in PROVIDERS if not provider.extra])
def test_a_row_without_an_extra_needs_no_package(prefix: str) -> None:
    kind = BY_PREFIX[prefix].kind
    assert kind.startswith(("rag.llm.", "langchain_openai:"))


@pytest.mark.parametrize("prefix", [provider.prefix for provider in PROVIDERS if provider.needs_key])
def test_a_missing_key_names_the_setting_and_the_providers_own_variable(prefix: str) -> None:
    provider = BY_PREFIX[prefix]
    address = {} if provider.base_url else {"base_url": "http://127.0.0.1:9"}
    with pytest.raises(ModelUnavailable, match="FOOTNOTE_LLM_API_KEY") as missing:
        build_chat_model(spec(f"{prefix}:{provider.example}", **address))
    assert provider.key_variables[0] in str(missing.value)
    with pytest.raises(ModelUnavailable, match=r"llms\.mine\.api_key"):
        build_chat_model(spec(f"{prefix}:{provider.example}", name="mine", **address))


@pytest.mark.parametrize("prefix", ["azure_openai", "databricks", "tgi", "vllm"])
def test_a_provider_without_an_address_of_its_own_asks_for_one(prefix: str) -> None:
    with pytest.raises(ModelUnavailable, match=r"no address\. Set FOOTNOTE_LLM_BASE_URL"):
        build_chat_model(spec(f"{prefix}:model", api_key=KEY))


def test_azure_asks_for_its_version_and_vertex_for_its_project() -> None:
    with pytest.raises(ModelUnavailable, match=r"no api_version.*OPENAI_API_VERSION"):
        build_chat_model(spec("azure_openai:d", api_key=KEY, base_url="https://x.openai.azure.com"))
    with pytest.raises(ModelUnavailable, match="GOOGLE_CLOUD_PROJECT"):
        build_chat_model(spec("google_vertexai:gemini-2.5-flash"))


@pytest.mark.parametrize("model", ["bedrock_converse:amazon.nova-lite-v1:0", "sagemaker:my-endpoint"])
def test_amazon_asks_for_its_region(model: str) -> None:
    with pytest.raises(ModelUnavailable, match="Set AWS_REGION and the credentials"):
        build_chat_model(spec(model))


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("google_vertexai:gemini-2.5-flash", {"project": "my-project"}),
        ("bedrock_converse:amazon.nova-lite-v1:0", {"region_name": "eu-west-1"}),
        ("sagemaker:my-endpoint", {"region_name": "eu-west-1"}),
    ],
)
def test_credentials_that_are_nowhere_are_said_so(
    model: str, options: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/account.json")
    with pytest.raises(GenerationFailed, match="found no credentials"):
        list(open_chat_model(spec(model, options=options)).stream(prompt("How many?", passage(LEAVE))))


def test_an_unknown_option_is_said_without_its_value() -> None:
    with pytest.raises(ModelUnavailable, match="could not be set up") as wrong:
        build_chat_model(spec("gemini:gemini-2.5-flash", api_key=KEY, options={"nonsense": "secret"}))
    assert "secret" not in str(wrong.value)


def test_other_providers_of_langchain_fall_through_to_it() -> None:
    with pytest.raises(ModelUnavailable, match="langchain-groq"):
        build_chat_model(spec("groq:llama-3.1-8b-instant", api_key=KEY))
    with pytest.raises(ModelUnavailable, match=r"'nonsense:model' could not be set up.*openai, azure_openai"):
        build_chat_model(spec("nonsense:model"))


def test_a_provider_that_has_no_row_is_reached_at_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    package = ModuleType("langchain_xai")  # LangChain's name for it; the class is like all that it could hold
    package.ChatXAI = ChatOpenAI  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "langchain_xai", package)
    with serving(ChatCompletions(limit="max_completion_tokens"), "Yes, five days.", at_once=True) as server:
        llm = spec("xai:scripted", base_url=f"{server.origin}/v1", api_key=KEY)
        *_, draft = open_chat_model(llm).stream(prompt("How many?", passage(LEAVE)))
    assert (server.complaints, draft.text) == ([], "Yes, five days.")  # type: ignore[union-attr]


def test_a_key_of_openai_is_not_sent_to_somebody_elses_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-openai")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-mine")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-of-mine")
    with serving(ChatCompletions(key="Bearer not-needed"), "Yes.", at_once=True) as server:
        model = build_chat_model(spec("openai:llama3.2", base_url=f"{server.origin}/v1"))
        assert model.invoke([("system", "Be brief."), ("user", "Hello")]).text == "Yes."
    (received,) = server.received
    assert "sk-of-openai" not in str(received.headers)
    assert "of-mine" not in str(received.headers)


@pytest.mark.parametrize(
    ("prefix", "variable", "path"),
    [
        ("openai", "OPENAI_BASE_URL", "/v1"),
        ("anthropic", "ANTHROPIC_BASE_URL", ""),
        ("mistralai", "MISTRAL_BASE_URL", "/v1"),
        ("cohere", "CO_API_URL", ""),
        ("ollama", "OLLAMA_HOST", ""),
    ],
)
def test_the_providers_own_variable_names_the_address_too(
    prefix: str, variable: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = TRIALS[prefix]
    with serving(trial.dialect(), "Five days.", at_once=True) as server:
        monkeypatch.setenv(variable, server.origin + path)
        model = build_chat_model(spec(f"{prefix}:{trial.model}", api_key=KEY if trial.key else None))
        assert model.invoke([("system", "Be brief."), ("user", "How many?")]).text == "Five days."
    assert server.complaints == []


@pytest.mark.parametrize(
    ("model", "is_sent"),
    [
        ("openai:gpt-4.1-mini", True),
        ("openai:gpt-5-chat-latest", True),
        ("openai:gpt-5-mini", False),
        ("openai:o4-mini", False),
        ("anthropic:claude-haiku-4-5", True),
        ("anthropic:claude-opus-4-20250514", True),
        ("anthropic:claude-opus-4-7", False),
        ("anthropic:claude-sonnet-5-5", False),
        ("bedrock:eu.anthropic.claude-opus-4-7-v1:0", False),
        ("bedrock:amazon.nova-lite-v1:0", True),
        ("litellm:openai/gpt-5", False),
        ("ollama:gpt-oss:20b", True),
    ],
)
def test_a_temperature_of_zero_is_not_sent_to_models_that_refuse_it(model: str, is_sent: bool) -> None:
    row = BY_PREFIX[model.partition(":")[0]]
    assert ("temperature" in row.arguments(spec(model, temperature=0.0))) is is_sent
    assert row.arguments(spec(model, temperature=0.7))["temperature"] == 0.7


def test_litellm_fetches_nothing_when_it_is_imported() -> None:
    """In a process of its own, whose every attempt to reach anybody fails loudly."""
    program = (
        "import socket\n"
        "def forbidden(*_): raise SystemExit('the network was used')\n"
        "socket.socket.connect = socket.getaddrinfo = forbidden\n"
        "import rag.llm.litellm_library"
    )
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, cwd=root
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert "Failed to fetch" not in done.stderr
