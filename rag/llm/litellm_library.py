"""Providers as the LiteLLM library knows them, kept from calling anybody else."""

from __future__ import annotations

import os
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # or its import fetches a price list

import litellm
from langchain_litellm import ChatLiteLLM

litellm.telemetry = False
litellm.suppress_debug_info = True  # or it prints adverts where a command prints its answer


def open_litellm(
    *,
    model: str,
    base_url: str | None,
    api_key: str | None,
    timeout_s: float,
    max_tokens: int,
    temperature: float | None = None,
    model_kwargs: dict[str, Any] | None = None,
    **options: Any,
) -> ChatLiteLLM:
    """``litellm:provider/model``; without a key LiteLLM reads the provider's own variable.

    The key goes with each call: the class would put it where every other LiteLLM model finds it too.
    """
    call = {"max_retries": 0, **({"api_key": api_key} if api_key else {}), **(model_kwargs or {})}
    return ChatLiteLLM(
        model=model,
        api_base=base_url,
        request_timeout=timeout_s,
        max_tokens=max_tokens,
        max_retries=1,  # attempts, there
        model_kwargs=call,
        streaming=True,
        stream_options={"include_usage": True},
        **({} if temperature is None else {"temperature": temperature}),
        **options,
    )
