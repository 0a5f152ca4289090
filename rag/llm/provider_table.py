"""Every provider that Footnote knows by itself, one row each; ``docs/llms.md`` shows them to people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rag.llm.provider import (
    Provider,
    azure,
    bedrock,
    cohere,
    compatible,
    compatible_without_stream_options,
    mistral,
    ollama,
    own,
    plain,
)

_AWS_ADVICE = "Set AWS_REGION and the credentials of AWS, or region_name in its options."


def _openai_compatible(
    prefix: str, title: str, example: str, base_url: str = "", *keys: str, **more: Any
) -> Provider:
    """A row that speaks OpenAI's protocol, so that no package of its own is needed."""
    given = {"arguments": compatible, "needs_key": bool(keys), **more}
    return Provider(
        prefix=prefix,
        title=title,
        kind="rag.llm.openai_dialect:open_compatible",
        example=example,
        base_url=base_url,
        key_variables=keys,
        **given,
    )


PROVIDERS: tuple[Provider, ...] = (
    Provider(
        prefix="openai",
        title="OpenAI",
        kind="rag.llm.openai_dialect:open_openai",
        arguments=compatible,
        example="gpt-5-mini",
        base_url="https://api.openai.com/v1",
        address_variables=("OPENAI_BASE_URL", "OPENAI_API_BASE"),
        key_variables=("OPENAI_API_KEY",),
        needs_key=True,
        key_stays_home=True,
    ),
    Provider(
        prefix="azure_openai",
        title="Azure OpenAI",
        kind="langchain_openai:AzureChatOpenAI",
        arguments=azure,
        also=("azure",),
        example="my-deployment",
        address_variables=("AZURE_OPENAI_ENDPOINT",),
        key_variables=("AZURE_OPENAI_API_KEY",),
        needs_key=True,
        key_options=("azure_ad_token",),
        option_needed=("api_version", ("OPENAI_API_VERSION",)),
    ),
    Provider(
        prefix="anthropic",
        title="Anthropic",
        kind="langchain_anthropic:ChatAnthropic",
        arguments=plain,
        example="claude-haiku-4-5",
        base_url="https://api.anthropic.com",
        address_variables=("ANTHROPIC_BASE_URL", "ANTHROPIC_API_URL"),
        key_variables=("ANTHROPIC_API_KEY",),
        needs_key=True,
        extra="anthropic",
    ),
    Provider(
        prefix="google_genai",
        title="Google Gemini",
        kind="rag.llm.gemini:GeminiChatModel",
        arguments=own,
        also=("gemini",),
        example="gemini-2.5-flash",
        base_url="https://generativelanguage.googleapis.com/v1beta",
        key_variables=("GOOGLE_API_KEY", "GEMINI_API_KEY"),
        needs_key=True,
    ),
    Provider(
        prefix="google_vertexai",
        title="Google Vertex AI",
        kind="rag.llm.vertex:open_vertex",
        arguments=own,
        also=("vertexai",),
        example="gemini-2.5-flash",
        base_url="https://aiplatform.googleapis.com/v1",
        extra="vertex",
    ),
    Provider(
        prefix="mistralai",
        title="Mistral",
        kind="langchain_mistralai:ChatMistralAI",
        arguments=mistral,
        also=("mistral",),
        example="mistral-small-latest",
        base_url="https://api.mistral.ai/v1",
        address_variables=("MISTRAL_BASE_URL",),
        key_variables=("MISTRAL_API_KEY",),
        needs_key=True,
        extra="mistralai",
    ),
    Provider(
        prefix="cohere",
        title="Cohere",
        kind="rag.llm.cohere_chat:CohereChatModel",
        arguments=cohere,
        example="command-a-03-2025",
        base_url="https://api.cohere.com",
        address_variables=("CO_API_URL",),
        key_variables=("COHERE_API_KEY", "CO_API_KEY"),
        needs_key=True,
        extra="cohere",
    ),
    _openai_compatible(
        "ai21",
        "AI21",
        "jamba-mini",
        "https://api.ai21.com/studio/v1",
        "AI21_API_KEY",
        arguments=compatible_without_stream_options,
    ),
    _openai_compatible(
        "deepseek", "DeepSeek", "deepseek-chat", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"
    ),
    Provider(
        prefix="bedrock_converse",
        title="Amazon Bedrock",
        kind="langchain_aws:ChatBedrockConverse",
        arguments=bedrock,
        also=("bedrock",),
        example="amazon.nova-lite-v1:0",
        base_url="https://bedrock-runtime.REGION.amazonaws.com",
        key_variables=("AWS_BEARER_TOKEN_BEDROCK",),
        extra="aws",
        advice=_AWS_ADVICE,
    ),
    Provider(
        prefix="sagemaker",
        title="Amazon SageMaker endpoints",
        kind="rag.llm.sagemaker:open_sagemaker",
        arguments=own,
        example="my-endpoint",
        base_url="https://runtime.sagemaker.REGION.amazonaws.com",
        extra="aws",
        advice=_AWS_ADVICE,
    ),
    _openai_compatible("databricks", "Databricks", "my-serving-endpoint", "", "DATABRICKS_TOKEN"),
    Provider(
        prefix="huggingface_local",
        title="Hugging Face transformers, on this machine",
        kind="rag.llm.local_transformers:open_local_model",
        arguments=own,
        also=("huggingface",),
        example="/models/qwen2.5-1.5b-instruct",
        is_local=True,
    ),
    _openai_compatible(
        "huggingface_endpoint",
        "Hugging Face Inference",
        "meta-llama/Llama-3.1-8B-Instruct",
        "https://router.huggingface.co/v1",
        "HF_TOKEN",
        "HUGGINGFACEHUB_API_TOKEN",
    ),
    _openai_compatible("tgi", "Text Generation Inference (TGI)", "tgi"),
    _openai_compatible("vllm", "vLLM", "Qwen/Qwen2.5-7B-Instruct"),
    _openai_compatible(
        "nvidia",
        "NVIDIA NIM and TensorRT-LLM",
        "meta/llama-3.1-8b-instruct",
        "https://integrate.api.nvidia.com/v1",
        "NVIDIA_API_KEY",
        key_stays_home=True,
    ),
    Provider(
        prefix="ollama",
        title="Ollama",
        kind="langchain_ollama:ChatOllama",
        arguments=ollama,
        example="llama3.2",
        base_url="http://127.0.0.1:11434",
        address_variables=("OLLAMA_HOST",),
        key_variables=("OLLAMA_API_KEY",),
        extra="ollama",
    ),
    _openai_compatible("llamacpp", "llama.cpp server", "default", "http://127.0.0.1:8080/v1"),
    _openai_compatible("lmstudio", "LM Studio", "qwen2.5-7b-instruct", "http://127.0.0.1:1234/v1"),
    Provider(
        prefix="litellm",
        title="LiteLLM, the library",
        kind="rag.llm.litellm_library:open_litellm",
        arguments=own,
        example="groq/llama-3.1-8b-instant",
        extra="litellm",
        is_local=True,
    ),
    _openai_compatible(
        "litellm_proxy",
        "LiteLLM, the proxy",
        "my-model",
        "http://127.0.0.1:4000/v1",
        "LITELLM_PROXY_API_KEY",
        needs_key=False,
    ),
    Provider(
        prefix="replicate",
        title="Replicate",
        kind="rag.llm.replicate:ReplicateChatModel",
        arguments=own,
        example="meta/meta-llama-3-8b-instruct",
        base_url="https://api.replicate.com/v1",
        key_variables=("REPLICATE_API_TOKEN",),
        needs_key=True,
    ),
    _openai_compatible(
        "qwen",
        "Qwen (DashScope)",
        "qwen-plus",
        "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        "DASHSCOPE_API_KEY",
        also=("dashscope",),
    ),
    _openai_compatible(
        "qianfan",
        "Baidu Qianfan",
        "ernie-4.5-turbo-128k",
        "https://qianfan.baidubce.com/v2",
        "QIANFAN_API_KEY",
        also=("baidu",),
    ),
    _openai_compatible(
        "zhipu",
        "Zhipu",
        "glm-4.5-air",
        "https://open.bigmodel.cn/api/paas/v4",
        "ZHIPUAI_API_KEY",
        "ZAI_API_KEY",
        arguments=compatible_without_stream_options,
    ),
    _openai_compatible(
        "reka",
        "Reka",
        "reka-flash-3",
        "https://api.reka.ai/v1",
        "REKA_API_KEY",
        arguments=compatible_without_stream_options,
    ),
)
"""In the order of ``docs/llms.md``."""

BY_PREFIX: Mapping[str, Provider] = {
    prefix: provider for provider in PROVIDERS for prefix in (provider.prefix, *provider.also)
}
