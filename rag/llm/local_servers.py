"""Language models that already run on this machine, found by asking loopback: nothing else is contacted."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from rag.llm.model_lists import OLLAMA_PATH, OPENAI_PATH, NoModelList, offered_models

SECONDS = 0.3
"""How long all servers together are waited for."""

OLLAMA_PORT = 11434
OPENAI_PORTS = (8000, 8001, 8080, 1234, 4000)
"""Where vLLM, llama.cpp and TGI, LM Studio and LiteLLM listen unless told otherwise."""

_OURSELVES = "footnote"
_NO_CHAT = re.compile(r"embed|rerank|\b(?:bge|e5|gte|minilm|clip|whisper)\b", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalServer:
    """A server on this machine.

    Attributes:
        base_url: of its OpenAI-compatible API.
        models: those that can chat, as it lists them.
    """

    title: str
    base_url: str
    models: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Candidate:
    title: str
    address: str
    path: str


def find_local_servers(*, except_port: int | None = None) -> list[LocalServer]:
    """Servers on loopback that offer a model, within a third of a second; other Footnotes are left out.

    Args:
        except_port: our own, where one is listened on.
    """
    candidates = [each for each in _candidates() if urlsplit(each.address).port != except_port]
    found: dict[int, LocalServer] = {}

    def ask(place: int, candidate: _Candidate) -> None:
        server = _asked(candidate)
        if server is not None:
            found[place] = server

    deadline = time.monotonic() + SECONDS
    threads = [threading.Thread(target=ask, args=each, daemon=True) for each in enumerate(candidates)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return [found[place] for place in sorted(found.copy())]


def _candidates() -> Iterator[_Candidate]:
    yield _Candidate(title="Ollama", address=_ollama_address(), path=OLLAMA_PATH)
    for port in OPENAI_PORTS:
        yield _Candidate(
            title="OpenAI-compatible server", address=f"http://127.0.0.1:{port}", path=f"/v1{OPENAI_PATH}"
        )


def _ollama_address() -> str:
    """Where Ollama's own variable says, if that is this machine; else where it listens by default."""
    usual = f"http://127.0.0.1:{OLLAMA_PORT}"
    given = os.environ.get("OLLAMA_HOST", "")
    try:
        parts = urlsplit(given if "://" in given else f"http://{given}")
        host, port = parts.hostname or "", parts.port or OLLAMA_PORT
    except ValueError:
        return usual
    if parts.scheme != "http" or not _is_loopback(host):
        return usual
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _asked(candidate: _Candidate) -> LocalServer | None:
    try:
        offered = offered_models(candidate.address + candidate.path, timeout_s=SECONDS, through_proxy=False)
    except NoModelList:
        return None
    if any(model.get("owned_by") == _OURSELVES for model in offered):
        return None
    models = _chat_models([model["name"] for model in offered])
    if not models:
        return None
    return LocalServer(title=candidate.title, base_url=f"{candidate.address}/v1", models=models)


def _chat_models(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in names if not _NO_CHAT.search(name))
