"""Google's two rows, and the protocol that Footnote reads itself, beyond what every row is tried with."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from rag.domain import Draft
from rag.errors import GenerationFailed
from rag.llm.chat_model import open_chat_model
from rag.llm.providers import build_chat_model
from rag.llm.spec import LlmSpec
from tests.llm.dialects import KEY, GenerateContent, Replicate
from tests.llm.wire import NOT_OURS, Asked, Sent, events, serving
from tests.passages import LEAVE, passage, prompt
from tests.patience import LONG_S

pytestmark = NOT_OURS

ANSWER = "Five days [1]. Déjà vu."
ASKED = prompt("How many days?", passage(LEAVE))
GEMINI, REPLICATE = "google_genai:gemini-2.5-flash", "replicate:meta/meta-llama-3-8b-instruct"


def spec(model: str, base_url: str, **fields: Any) -> LlmSpec:
    given = {"api_key": KEY, "timeout_s": LONG_S, "max_tokens": 50} | fields
    return LlmSpec(name="mine", model=model, base_url=base_url, **given)


def answer(llm: LlmSpec) -> Draft:
    *_, draft = open_chat_model(llm).stream(ASKED)
    assert isinstance(draft, Draft)
    return draft


# -------------------------------------------------------------------------------------- Vertex AI


def service_account(folder: Path, origin: str) -> Path:
    """Credentials as Google hands them out, with a key of the test's own."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    content = {
        "type": "service_account",
        "project_id": "my-project",
        "private_key_id": "1",
        "private_key": pem,
        "client_email": "footnote@my-project.iam.gserviceaccount.com",
        "token_uri": f"{origin}/token",
    }
    file = folder / "account.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    return file


def test_vertex_is_asked_in_a_project_with_a_token_that_is_fetched_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialect = GenerateContent(
        parent="/v1/projects/my-project/locations/europe-west1/publishers/google/models/",
        auth=("authorization", "Bearer token-of-google"),
        token="token-of-google",
    )
    with serving(dialect, ANSWER, at_once=True) as server:
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(service_account(tmp_path, server.origin)))
        options = {"project": "my-project", "location": "europe-west1"}
        llm = spec("google_vertexai:gemini-2.5-flash", f"{server.origin}/v1", api_key=None, options=options)
        generator = open_chat_model(llm)
        for _ in range(2):
            *_, draft = generator.stream(ASKED)
            assert isinstance(draft, Draft)
            assert draft.text == ANSWER
    assert server.complaints == []
    assert [received.path for received in server.received].count("/token") == 1


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("global", "https://aiplatform.googleapis.com/"),
        ("europe-west1", "https://europe-west1-aiplatform.googleapis.com/"),
    ],
)
def test_a_location_of_vertex_has_its_own_address(location: str, host: str) -> None:
    options = {"project": "my-project", "location": location}
    llm = spec("google_vertexai:gemini-2.5-flash", "", api_key=None, options=options)
    model: Any = build_chat_model(llm)
    assert model.base_url.startswith(host)


# ----------------------------------------------------------------------------------------- Gemini


def test_more_of_the_protocol_is_an_option() -> None:
    with serving(GenerateContent(), ANSWER, at_once=True) as server:
        harassment = {"HARM_CATEGORY_HARASSMENT": "BLOCK_ONLY_HIGH"}
        options = {"thinking_budget": 0, "temperature": 1.0, "safety_settings": harassment}
        assert answer(spec(GEMINI, f"{server.origin}/v1beta", options=options)).text == ANSWER
    (received,) = server.received
    config = received.body["generationConfig"]
    assert config["thinkingConfig"] == {"thinking_budget": 0}
    assert (config["maxOutputTokens"], config["temperature"]) == (50, 1.0)
    assert received.body["safetySettings"] == [
        {"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_ONLY_HIGH"}
    ]


class HalfAnswer(threading.Thread):
    """A server that sends one piece, and then nothing until it is left."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1beta"
        self.left = threading.Event()
        self.start()

    def run(self) -> None:
        with self._listener, self._listener.accept()[0] as connection:
            connection.recv(65536)
            piece = GenerateContent()._response([{"text": "Five days "}], {})
            (frame,) = events(piece).frames
            head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            connection.sendall(head.encode() + f"{len(frame):x}\r\n".encode() + frame + b"\r\n")
            while connection.recv(65536):
                pass
        self.left.set()


class _CutShort(GenerateContent):
    def answer(self, asked: Asked, pieces: list[str]) -> Sent:
        return Sent(content_type="text/event-stream", frames=super().answer(asked, pieces).frames[:-1])


class _Failing(GenerateContent):
    def answer(self, asked: Asked, pieces: list[str]) -> Sent:
        part = self._response([{"text": "Five "}], {})
        return events(part, {"error": {"code": 503, "message": "secret detail"}})


@pytest.mark.parametrize(
    ("dialect", "reason"),
    [(_CutShort(), "broke off in mid-answer"), (_Failing(), "server failed")],
    ids=["cut", "failed"],
)
def test_a_gemini_answer_that_is_not_whole_is_none(dialect: GenerateContent, reason: str) -> None:
    with (
        serving(dialect, ANSWER, at_once=True) as server,
        pytest.raises(GenerationFailed, match=reason) as failed,
    ):
        answer(spec(GEMINI, f"{server.origin}/v1beta"))
    assert "secret detail" not in str(failed.value)


@pytest.mark.parametrize(
    ("model", "path", "parent"),
    [
        (GEMINI, "/v1beta", "/v1beta/models/"),
        ("google_vertexai:gemini-2.5-flash", "/v1", "/v1/publishers/google/models/"),
    ],
)
def test_googles_variables_change_neither_the_key_nor_the_service(
    model: str, path: str, parent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = {
        "GOOGLE_API_KEY": "key-of-something-else",
        "GOOGLE_GENAI_USE_VERTEXAI": "true",
        "GOOGLE_CLOUD_PROJECT": "another-project",
        "GOOGLE_CLOUD_LOCATION": "europe-west1",
        "GOOGLE_GEMINI_BASE_URL": "http://127.0.0.1:9",
        "GOOGLE_VERTEX_BASE_URL": "http://127.0.0.1:9",
    }
    for name, value in others.items():
        monkeypatch.setenv(name, value)
    with serving(GenerateContent(parent=parent), ANSWER, at_once=True) as server:
        assert answer(spec(model, server.origin + path)).text == ANSWER
    assert server.complaints == []
    assert "key-of-something-else" not in str(server.received)


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_gemini_is_asked_once_when_its_client_would_try_again(status: int) -> None:
    with serving(GenerateContent(), ANSWER, fails_with=status) as server, pytest.raises(GenerationFailed):
        answer(spec(GEMINI, f"{server.origin}/v1beta"))
    assert len(server.received) == 1


def test_a_gemini_answer_that_is_given_up_ends_its_connection() -> None:
    silent = HalfAnswer()
    pieces = open_chat_model(spec(GEMINI, silent.url)).stream(ASKED)
    assert next(pieces) == "Five days"
    assert isinstance(pieces, Generator)
    pieces.close()
    assert silent.left.wait(LONG_S)


def test_a_blocked_question_gives_an_empty_answer() -> None:
    class Blocking(GenerateContent):
        def answer(self, asked: Asked, pieces: list[str]) -> Sent:
            return events({"promptFeedback": {"blockReason": "SAFETY"}}, {"usageMetadata": {}})

    with (
        serving(Blocking(), ANSWER, at_once=True) as server,
        pytest.raises(GenerationFailed, match="answer was empty"),
    ):
        answer(spec(GEMINI, f"{server.origin}/v1beta"))


# -------------------------------------------------------------------------------------- Replicate


class _Streaming(Replicate):
    """Gives ``frames`` of a stream; announces it at ``host``, if not at its own."""

    def __init__(self, *frames: str, url: str | None = None) -> None:
        super().__init__()
        self._frames, self._url = frames, url

    def read(self, received: Any) -> Asked | Sent:
        read = super().read(received)
        if isinstance(read, Sent) and self._url:
            return Sent(whole=json.dumps({"urls": {"stream": self._url}}).encode())
        return read

    def answer(self, asked: Asked, pieces: list[str]) -> Sent:
        return Sent(content_type="text/event-stream", frames=tuple(frame.encode() for frame in self._frames))


def test_lines_and_spaces_of_replicates_output_are_kept() -> None:
    output = "event: output\ndata: Five\ndata:  days\n\n", "event: output\ndata:  [1].\n\n"
    with serving(_Streaming(*output, "event: done\ndata: {}\n\n"), "", at_once=True) as server:
        assert answer(spec(REPLICATE, f"{server.origin}/v1")).text == "Five\n days [1]."


def test_a_prediction_is_given_up_by_replicate_when_nobody_waits_any_more() -> None:
    with serving(Replicate(), ANSWER, at_once=True) as server:
        answer(spec(REPLICATE, f"{server.origin}/v1", timeout_s=120))
    assert server.received[0].headers["cancel-after"] == "120s"


@pytest.mark.parametrize(
    "end",
    [
        'event: error\ndata: {"detail": "secret detail"}\n\n',
        'event: done\ndata: {"reason": "canceled"}\n\n',
        "",
    ],
    ids=["error", "canceled", "cut"],
)
def test_a_prediction_that_is_not_whole_is_no_answer(end: str) -> None:
    dialect = _Streaming("event: output\ndata: Five \n\n", *([end] if end else []))
    with (
        serving(dialect, "", at_once=True) as server,
        pytest.raises(GenerationFailed, match="broke off") as failed,
    ):
        answer(spec(REPLICATE, f"{server.origin}/v1"))
    assert "secret detail" not in str(failed.value)


@pytest.mark.parametrize("url", ["https://127.0.0.1:1/stream", "http://elsewhere.example/stream", ""])
def test_the_key_follows_no_prediction_to_another_host(url: str) -> None:
    with serving(_Streaming(url=url or "none"), "") as server, pytest.raises(GenerationFailed):
        answer(spec(REPLICATE, f"{server.origin}/v1"))
    assert len(server.received) == 1
