"""Language models that run on this machine already are noticed; nothing else is contacted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rag.llm import local_servers
from rag.llm.local_servers import SECONDS, LocalServer, find_local_servers
from tests.openai_server import OpenAIServer, Reply, openai_server
from tests.patience import LONG_S


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with openai_server("unused") as started:
        yield started


@pytest.fixture(autouse=True)
def _nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_servers, "SECONDS", LONG_S)
    monkeypatch.setattr(local_servers, "OPENAI_PORTS", ())
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")  # this machine is asked without it


def port_of(server: OpenAIServer) -> int:
    return int(server.base_url.rsplit(":", 1)[1].split("/")[0])


def listen_as_openai(server: OpenAIServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_servers, "OPENAI_PORTS", (port_of(server),))


@pytest.mark.parametrize("scheme", ["", "http://"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_an_ollama_is_found_where_its_variable_says(
    server: OpenAIServer, monkeypatch: pytest.MonkeyPatch, scheme: str, host: str
) -> None:
    server.models = ["nomic-embed-text:latest", "llama3.2:latest", "qwen2.5:7b"]
    monkeypatch.setenv("OLLAMA_HOST", f"{scheme}{host}:{port_of(server)}")
    (found,) = find_local_servers()
    assert (found.title, found.models) == ("Ollama", ("llama3.2:latest", "qwen2.5:7b"))
    assert found.base_url == f"http://{host}:{port_of(server)}/v1"
    (request,) = server.requests
    assert (request.path, "authorization" in request.headers) == ("/api/tags", False)


def test_an_openai_compatible_server_is_found(server: OpenAIServer, monkeypatch: pytest.MonkeyPatch) -> None:
    listen_as_openai(server, monkeypatch)
    assert find_local_servers() == [
        LocalServer(title="OpenAI-compatible server", base_url=server.base_url, models=("scripted",))
    ]


@pytest.mark.parametrize("host", ["192.0.2.1", "ollama.example", "0.0.0.0", "http://[bad", "127.0.0.1:port"])
def test_an_ollama_of_another_machine_is_not_asked(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("OLLAMA_HOST", host)
    monkeypatch.setattr(local_servers, "OLLAMA_PORT", 9)
    assert local_servers._ollama_address() == "http://127.0.0.1:9"
    assert find_local_servers() == []


def test_we_do_not_find_ourselves(server: OpenAIServer, monkeypatch: pytest.MonkeyPatch) -> None:
    listen_as_openai(server, monkeypatch)
    assert find_local_servers(except_port=port_of(server)) == []
    assert server.requests == []
    server.owned_by = "footnote"
    assert find_local_servers() == []


@pytest.mark.parametrize(
    "models", [[], ["bge-m3", "nomic-embed-text"], ["evil\x1b[31m"], ["x" * 500]], ids=repr
)
def test_a_server_without_a_model_that_can_chat_is_none(
    server: OpenAIServer, monkeypatch: pytest.MonkeyPatch, models: list[str]
) -> None:
    server.models = models
    listen_as_openai(server, monkeypatch)
    assert find_local_servers() == []


@pytest.mark.parametrize(
    "reply", [Reply(status=401), Reply(status=404), Reply(status=500), Reply(silent=True)]
)
def test_a_server_that_refuses_or_hangs_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, reply: Reply
) -> None:
    with openai_server(reply) as server:
        listen_as_openai(server, monkeypatch)
        monkeypatch.setattr(local_servers, "SECONDS", SECONDS)
        assert find_local_servers() == []
