"""Named language models, their fallbacks and their health, as callers and operators see them."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import rag.factory
from api.cli import app
from rag.llm import chat_model, local_servers
from tests.api.conftest import QUESTION, Server, problem
from tests.fakes import HashedEmbedder
from tests.openai_server import OpenAIServer, Reply, openai_server
from tests.patience import LONG_S

ANSWER = "Every employee has 27 days of annual leave per year [1]."
NOWHERE = "http://127.0.0.1:9/v1"


@pytest.fixture(autouse=True)
def _quick_and_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_model, "_BACKOFF", lambda _: 0.0)
    monkeypatch.setattr(local_servers, "OPENAI_PORTS", ())
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")


@pytest.fixture
def footnote(monkeypatch: pytest.MonkeyPatch, ingested: Path, tmp_path: Path) -> Callable[..., Result]:
    """Runs a command over the ingested handbook."""
    monkeypatch.setattr(rag.factory.Footnote, "_load_embedder", lambda *_: HashedEmbedder())
    monkeypatch.setattr(logging.getLogger(), "handlers", logging.getLogger().handlers)  # put back afterwards
    shutil.copytree(ingested, tmp_path / "data")
    return lambda *arguments: CliRunner().invoke(app, [*arguments])


def table(server: OpenAIServer | str, **more: Any) -> dict[str, Any]:
    url = server if isinstance(server, str) else server.base_url
    return {"model": "openai:scripted", "base_url": url, "timeout_s": LONG_S, **more}


def ask(server: Server, **body: Any) -> dict[str, Any]:
    answer: dict[str, Any] = server.client.post("/v1/ask", json={"question": QUESTION, **body}).json()
    return answer


# ------------------------------------------------------------------------------------- over REST


def test_a_request_chooses_among_the_names(serve: Callable[..., Server]) -> None:
    with openai_server(ANSWER) as model:
        server = serve(filled=True, llms={"fast": table(model), "spare": table(NOWHERE)})
        assert ask(server)["llm"] == "extractive"
        assert ask(server, llm="fast")["llm"] == "fast"
        for refused in ("openai:scripted", "http://127.0.0.1:1", "slow"):
            response = server.client.post("/v1/ask", json={"question": QUESTION, "llm": refused})
            assert problem(response) == (422, "invalid_request")
            assert "extractive, fast, spare" in response.json()["detail"]


def test_a_dead_model_s_question_is_answered_all_the_same_and_the_answer_says_so(
    serve: Callable[..., Server],
) -> None:
    with openai_server(ANSWER) as spare:
        llms = {"fast": table(NOWHERE, api_key="sk-s3cret"), "spare": table(spare)}
        server = serve(filled=True, llm="fast", llms=llms, llm_fallbacks=["spare"])
        answer = ask(server)
        assert (answer["llm"], answer["failed_llms"]) == ("spare", ["fast"])
        assert "27 days" in answer["text"]
        spare.script[:] = [Reply(status=503)]
        answer = ask(server)
    assert (answer["status"], answer["llm"]) == ("answered", "extractive")
    assert answer["failed_llms"] == ["fast", "spare"]
    assert "27 days" in answer["text"]
    shown = str(answer)
    assert [secret for secret in ("s3cret", "127.0.0.1:9", spare.base_url) if secret in shown] == []


def test_without_the_last_resort_the_failure_is_told(serve: Callable[..., Server]) -> None:
    server = serve(filled=True, llm="fast", llms={"fast": table(NOWHERE)}, extractive_fallback=False)
    response = server.client.post("/v1/ask", json={"question": QUESTION})
    assert problem(response) == (502, "generation_failed")
    assert "127.0.0.1:9" not in response.text


def test_a_model_left_alone_is_shown_but_the_server_stays_ready(serve: Callable[..., Server]) -> None:
    with openai_server(Reply(status=500)) as model:
        server = serve(
            filled=True, llm="fast", llms={"fast": table(model)}, llm_attempts=1, llm_breaker_failures=2
        )
        for _ in range(4):
            assert ask(server)["llm"] == "extractive"
        asked = len(model.requests)
        ready = server.client.get("/readyz").json()
    assert asked == 2
    assert len(model.requests) == asked
    (check,) = [check for check in ready["checks"] if check["name"] == "llm"]
    assert (ready["ready"], check["ok"]) == (True, True)
    assert check["detail"] == "Left alone after failures in a row: 1 of 1 language models."


# -------------------------------------------------------------------------------- on the command line


@pytest.mark.parametrize("command", [("ask", QUESTION), ("serve", "--port", "0")])
def test_a_model_that_cannot_be_set_up_is_said_at_the_start(
    footnote: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("FOOTNOTE_LLM", "fast")
    monkeypatch.setenv("FOOTNOTE_LLMS", '{"fast": {"model": "openai:gpt-5-mini"}}')
    result = footnote(*command)
    assert result.exit_code == 1
    assert "llms.fast" in result.stderr
    assert "OPENAI_API_KEY" in result.stderr


def test_the_command_takes_a_name(footnote: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    with openai_server(ANSWER) as model:
        table_of_fast = f'{{"fast": {{"model": "openai:scripted", "base_url": "{model.base_url}"}}}}'
        monkeypatch.setenv("FOOTNOTE_LLMS", table_of_fast)
        result = footnote("ask", QUESTION, "--llm", "fast", "--json")
    assert '"llm": "fast"' in result.stdout
    unknown = footnote("ask", QUESTION, "--llm", "fats")
    assert unknown.exit_code == 2
    assert "expected extractive, fast or provider:model" in unknown.stderr


# ------------------------------------------------------------------------------------- the doctor


def doctor(footnote: Callable[..., Result]) -> str:
    result = footnote("doctor")
    return " ".join(line for line in result.stdout.splitlines() if "llm " in line[:20])


def test_the_doctor_looks_at_every_model_and_spends_nothing(
    footnote: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        openai_server("unused") as up,
        openai_server("unused") as other,
        openai_server(Reply(status=401)) as locked,
    ):
        other.models = ["llama3.2", "qwen2.5"]
        servers = {"up": up.base_url, "other": other.base_url, "locked": locked.base_url, "down": NOWHERE}
        rows = (f'"{n}": {{"model": "openai:scripted", "base_url": "{u}"}}' for n, u in servers.items())
        monkeypatch.setenv("FOOTNOTE_LLMS", "{" + ", ".join(rows) + ', "keyless": {"model": "openai:gpt"}}')
        monkeypatch.setenv("FOOTNOTE_LLM", "up")
        report = doctor(footnote)
        asked = {request.path for server in (up, other, locked) for request in server.requests}
    assert asked == {"/v1/models"}
    assert f"ok      llm      up (openai:scripted): {up.base_url} answers." in report
    assert "does not list 'scripted'. → name one that it lists: llama3.2, qwen2.5" in report
    assert "lists no models (it answers with status 401); it may still work. → check the key" in report
    assert "problem llm      down (openai:scripted): http://127.0.0.1:9/v1 does not answer" in report
    assert "problem llm      llms.keyless: " in report


def test_the_doctor_says_how_to_use_what_runs_here(
    footnote: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    with openai_server("unused") as ollama:
        ollama.models = ["llama3.2:latest", "my model"]
        monkeypatch.setenv("OLLAMA_HOST", ollama.base_url.removesuffix("/v1"))
        report = doctor(footnote)
        assert f"Ollama at {ollama.base_url} offers llama3.2:latest, my model." in report
        command = (
            f"FOOTNOTE_LLM=openai:llama3.2:latest FOOTNOTE_LLM_BASE_URL={ollama.base_url} footnote serve"
        )
        assert f"use it: {command}" in report
        monkeypatch.setenv("FOOTNOTE_LLM", "openai:llama3.2:latest")  # as it says
        monkeypatch.setenv("FOOTNOTE_LLM_BASE_URL", ollama.base_url)
        assert f"llama3.2:latest: {ollama.base_url} answers." in doctor(footnote)


def test_so_does_the_server_at_its_start(
    footnote: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("uvicorn.Server.run", lambda *_, **__: None)
    with openai_server("unused") as model:
        port = int(model.base_url.split(":")[2].split("/")[0])
        monkeypatch.setattr(local_servers, "OPENAI_PORTS", (port,))
        shown = footnote("serve", "--port", "0").stderr
        assert f"OpenAI-compatible server at {model.base_url} offers scripted." in shown
        assert f"FOOTNOTE_LLM=openai:scripted FOOTNOTE_LLM_BASE_URL={model.base_url} footnote serve" in shown
        monkeypatch.setenv("FOOTNOTE_LLM", "openai:scripted")
        monkeypatch.setenv("FOOTNOTE_LLM_BASE_URL", model.base_url)
        assert "offers" not in footnote("serve", "--port", "0").stderr
