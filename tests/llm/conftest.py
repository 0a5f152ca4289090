"""No setting or credential of the machine reaches a test."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Iterator

import pytest

from rag.llm.provider_table import PROVIDERS

_OTHERS = ("AWS_", "GOOGLE_", "OPENAI_", "LANGSMITH_", "LANGCHAIN_")


@pytest.fixture(autouse=True)
def _no_provider_variables(monkeypatch: pytest.MonkeyPatch, _clean_environment: None) -> None:
    known = {name for row in PROVIDERS for name in (*row.key_variables, *row.address_variables)}
    for name in list(os.environ):
        if name in known or name.startswith(_OTHERS):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")  # or a machine's role is looked for
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)


@pytest.fixture(scope="module", autouse=True)
def _clients_are_gone_with_their_module() -> Iterator[None]:
    """Most clients cannot be closed: their connections are, here, and not in another module's test."""
    yield
    gc.collect()


@pytest.fixture(scope="module", autouse=True)
def _event_loop_is_closed() -> Iterator[None]:
    """LiteLLM's blocking calls take the thread's event loop, and would make one that nobody closes."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()
