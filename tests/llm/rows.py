"""What each provider's row is tried with: settings as a user writes them, and the server that it meets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.llm.dialects import (
    KEY,
    MISTRAL,
    Anthropic,
    BedrockConverse,
    ChatCompletions,
    Cohere,
    GenerateContent,
    Ollama,
    Replicate,
    SageMaker,
)
from tests.llm.wire import Dialect

AWS = {
    "AWS_ACCESS_KEY_ID": KEY,
    "AWS_SECRET_ACCESS_KEY": "very-secret",
    "AWS_REGION": "eu-west-1",
}


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One row's settings and server.

    Attributes:
        model: behind the colon.
        path: of the base URL.
        key: whether ``api_key`` is set.
        environment: variables of the provider's own.
        counts: the protocol tells how many tokens were read and written.
        served_model: as the server should see it, where that is not ``model``.
    """

    dialect: Callable[[], Dialect]
    model: str
    path: str = "/v1"
    key: bool = True
    environment: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    counts: bool = True
    served_model: str | None = None

    def llm(self, prefix: str, origin: str) -> dict[str, Any]:
        """The table of ``llms`` for it."""
        table: dict[str, Any] = {"model": f"{prefix}:{self.model}", "base_url": origin + self.path}
        if self.key:
            table["api_key"] = KEY
        return table | ({"options": dict(self.options)} if self.options else {})


def _compatible(model: str = "scripted", path: str = "/v1", **server: Any) -> Trial:
    return Trial(
        dialect=lambda: ChatCompletions(path=f"{path}/chat/completions", **server), model=model, path=path
    )


def _keyless(model: str = "scripted", **server: Any) -> Trial:
    server = {"key": "Bearer not-needed"} | server
    return Trial(dialect=lambda: ChatCompletions(**server), model=model, key=False)


TRIALS: Mapping[str, Trial] = {
    "openai": _compatible("gpt-5-mini", limit="max_completion_tokens"),
    "azure_openai": Trial(
        dialect=lambda: ChatCompletions(
            path="/openai/deployments/my-deployment/chat/completions?api-version=2024-10-21",
            key_header="api-key",
            key=KEY,
            limit="max_completion_tokens",
            model="my-deployment",
        ),
        model="my-deployment",
        path="",
        options={"api_version": "2024-10-21"},
    ),
    "anthropic": Trial(dialect=Anthropic, model="claude-haiku-4-5", path=""),
    "google_genai": Trial(dialect=GenerateContent, model="gemini-2.5-flash", path="/v1beta"),
    "google_vertexai": Trial(
        dialect=lambda: GenerateContent(parent="/v1/publishers/google/models/"), model="gemini-2.5-flash"
    ),
    "mistralai": Trial(dialect=lambda: MISTRAL, model="mistral-small-latest"),
    "cohere": Trial(dialect=Cohere, model="command-a-03-2025", path=""),
    "ai21": _compatible("jamba-mini", "/studio/v1", counts_unasked=True),
    "deepseek": _compatible("deepseek-chat"),
    "bedrock_converse": Trial(
        dialect=BedrockConverse, model="amazon.nova-lite-v1:0", path="", key=False, environment=AWS
    ),
    "sagemaker": Trial(dialect=SageMaker, model="my-endpoint", path="", key=False, environment=AWS),
    "databricks": _compatible("my-serving-endpoint", "/serving-endpoints"),
    "huggingface_endpoint": _compatible("meta-llama/Llama-3.1-8B-Instruct"),
    "tgi": _keyless("tgi", prefix="data:"),
    "vllm": _keyless("Qwen/Qwen2.5-7B-Instruct"),
    "nvidia": _compatible("meta/llama-3.1-8b-instruct"),
    "ollama": Trial(dialect=Ollama, model="llama3.2", path="", key=False),
    "llamacpp": _keyless("default"),
    "lmstudio": _keyless("qwen2.5-7b-instruct"),
    "litellm": Trial(dialect=lambda: ChatCompletions(), model="openai/scripted", served_model="scripted"),
    "litellm_proxy": _compatible("my-model"),
    "replicate": Trial(dialect=Replicate, model="meta/meta-llama-3-8b-instruct", counts=False),
    "qwen": _compatible("qwen-plus", "/compatible-mode/v1"),
    "qianfan": _compatible("ernie-4.5-turbo-128k", "/v2"),
    "zhipu": _compatible("glm-4.5-air", "/api/paas/v4", counts_unasked=True),
    "reka": _compatible("reka-flash-3", counts_unasked=True),
}
"""By prefix; only the model that runs on this machine is missing, which is tried in a test of its own."""
