"""POST /v1/ask and /v1/search over a real socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from sse_starlette import ServerSentEvent

from api.schemas.answers import TokenBody
from api.schemas.base import Body
from api.sse import event_stream
from rag.errors import GenerationFailed
from tests.api.conftest import QUESTION, Server, finished_job, problem


def ask(client: httpx.Client, question: str = QUESTION, **more: Any) -> httpx.Response:
    return client.post("/v1/ask", json={"question": question, **more})


def events(client: httpx.Client, **request: Any) -> list[dict[str, Any]]:
    """Read a stream as a browser would."""
    found: list[dict[str, Any]] = []
    headers = request.pop("headers", {})
    with client.stream("POST", "/v1/ask", json=request, headers=headers) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        event: dict[str, Any] = {}
        for line in response.iter_lines():
            if not line and event:
                found.append(event)
                event = {}
            elif line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                event[name] = json.loads(value) if name == "data" else value
    return found


def test_an_answer_has_the_fields_of_the_contract(client: httpx.Client) -> None:
    answer = ask(client).json()

    assert answer["status"] == "answered"
    assert {"answer_id", "question", "text", "sentences", "citations", "passages", "llm"} <= answer.keys()
    assert {"embed", "retrieve", "rerank", "generate", "ground", "total"} <= answer["timings_ms"].keys()
    assert {"score", "supported", "unsupported", "contradicted", "checker"} <= answer["grounding"].keys()
    assert {"text", "start", "end", "verdict", "score", "citations"} <= answer["sentences"][0].keys()
    assert isinstance(answer["passages"][0]["chunk_id"], str)
    assert "page" not in answer["passages"][0]
    assert "27 days" in answer["text"]


def test_every_citation_quotes_the_stored_text(client: httpx.Client) -> None:
    answer = ask(client).json()

    assert answer["citations"]
    for citation in answer["citations"]:
        content = client.get(
            f"/v1/documents/{citation['document_id']}/content", params={"version": citation["version"]}
        ).json()
        assert content["text"][citation["start"] : citation["end"]] == citation["quote"]


def test_a_question_the_documents_do_not_answer_is_refused_with_passages(client: httpx.Client) -> None:
    response = ask(client, "Which spacecraft photographed Neptune's rings?")

    assert response.status_code == 200
    assert response.json()["status"] == "refused"
    assert response.json()["reason"]
    assert {"embed", "retrieve", "rerank", "generate", "ground", "total"} <= response.json()[
        "timings_ms"
    ].keys()


@pytest.mark.parametrize("headers", [{}, {"accept": "text/event-stream"}])
def test_a_streamed_answer_ends_in_the_same_object(client: httpx.Client, headers: dict[str, str]) -> None:
    request = {"question": QUESTION} | ({} if headers else {"stream": True})
    stream = events(client, headers=headers, **request)

    names = [event["event"] for event in stream]
    assert names[0] == "retrieval"
    assert {"token", "citation", "grounding"} <= set(names)
    assert names[-1] == "done"
    assert len({event["id"] for event in stream}) == len(stream)
    done, whole = stream[-1]["data"], ask(client).json()
    assert done["text"] == whole["text"]
    assert done["citations"] == whole["citations"]


@pytest.mark.parametrize("question", ["", "   \n", "x" * 4001])
def test_questions_that_cannot_be_asked(client: httpx.Client, question: str) -> None:
    assert problem(ask(client, question)) == (422, "invalid_question")
    assert problem(ask(client, question, stream=True)) == (422, "invalid_question")
    assert problem(client.post("/v1/search", json={"query": question})) == (422, "invalid_question")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/ask", r'{"question": "caf\ud800?"}'),
        ("/v1/search", r'{"query": "caf\ud800?"}'),
        ("/v1/ground", r'{"answer": "Tea.", "passages": [{"id": "\ud800", "text": "Tea."}]}'),
        ("/v1/ingestions", r'{"path": "x", "groups": ["\ud800"]}'),
    ],
)
def test_half_a_surrogate_pair_is_no_text(client: httpx.Client, path: str, body: str) -> None:
    response = client.post(path, content=body, headers={"content-type": "application/json"})

    assert problem(response) == (422, "invalid_request")


@pytest.mark.parametrize(
    ("content", "content_type", "said"),
    [
        ('{"question": ', "application/json", "not valid JSON"),
        ('{"question": "x"}', "text/plain", "Content-Type: application/json"),
        ("[1]", "application/json", "must be a JSON object"),
        ("", "application/json", "must be a JSON object"),
    ],
)
def test_a_body_that_is_no_json_object_is_told_what_to_send(
    client: httpx.Client, content: str, content_type: str, said: str
) -> None:
    response = client.post("/v1/ask", content=content, headers={"content-type": content_type})

    assert problem(response) == (422, "invalid_request")
    assert said in response.json()["detail"]


@pytest.mark.parametrize("chunked", [False, True])
def test_a_huge_body_is_refused_before_it_is_read(client: httpx.Client, chunked: bool) -> None:
    huge = b'{"question": "' + b"x" * 11_000_000 + b'"}'
    response = client.post(
        "/v1/ask",
        content=iter([huge[:6_000_000], huge[6_000_000:]]) if chunked else huge,
        headers={"content-type": "application/json"},
    )

    assert problem(response) == (413, "upload_too_large")


def test_a_question_of_4000_characters_is_asked(client: httpx.Client) -> None:
    assert ask(client, QUESTION + " " + "x" * (3999 - len(QUESTION))).status_code == 200


@pytest.mark.parametrize(
    "request_body",
    [
        {},
        {"question": 5},
        {"question": "x", "k": 0},
        {"question": "x", "unknown": 1},
        {"question": "x", "conversation_id": "a b"},
        {"question": "x", "llm": "openai:gpt-9"},
    ],
)
def test_malformed_requests(client: httpx.Client, request_body: dict[str, Any]) -> None:
    assert problem(client.post("/v1/ask", json=request_body)) == (422, "invalid_request")


def test_a_validation_problem_names_every_field(client: httpx.Client) -> None:
    body = client.post("/v1/ask", json={"k": "many", "unknown": 1}).json()

    assert {error["field"] for error in body["errors"]} == {"body.question", "body.k", "body.unknown"}


def test_a_refused_llm_is_told_which_are_allowed(serve: Callable[..., Server]) -> None:
    server = serve(filled=True, llm="openai:local", llm_base_url="http://127.0.0.1:9/v1", llm_api_key="k")

    assert "extractive, openai:local" in ask(server.client, llm="http://evil.example").json()["detail"]
    assert ask(server.client, llm="extractive").json()["llm"] == "extractive"


def test_an_unknown_collection_is_a_404_even_when_streamed(client: httpx.Client) -> None:
    assert problem(ask(client, collection="nowhere")) == (404, "collection_not_found")
    assert problem(ask(client, collection="nowhere", stream=True)) == (404, "collection_not_found")


def test_a_dead_language_model_gives_way_to_the_documents_own_sentences(serve: Callable[..., Server]) -> None:
    server = serve(filled=True, llm="openai:local", llm_base_url="http://127.0.0.1:9/v1", llm_api_key="k")

    streamed = events(server.client, question=QUESTION, stream=True)[-1]["data"]
    for answer in (streamed, ask(server.client).json()):
        assert (answer["status"], answer["llm"]) == ("answered", "extractive")
        assert answer["failed_llms"] == ["openai:local"]
        assert "did not answer" in answer["reason"]
        assert "27 days" in answer["text"]
        assert answer["citations"]


def test_a_failure_in_the_middle_of_a_stream_is_an_error_event() -> None:
    async def failing() -> AsyncIterator[tuple[str, Body]]:
        yield "token", TokenBody(text="Annual")
        raise GenerationFailed("The server at http://10.0.0.1 did not answer.")

    async def told() -> list[ServerSentEvent]:
        response = event_stream(failing(), request_id="r1", identify=lambda number, _: str(number))
        return [event async for event in response.body_iterator]  # type: ignore[misc]

    token, error = asyncio.run(told())
    assert (token.id, token.event, error.event) == ("1", "token", "error")
    assert json.loads(str(error.data))["code"] == "generation_failed"
    assert "10.0.0.1" not in str(error.data)


@pytest.mark.parametrize("mode", ["hybrid", "dense", "keyword"])
def test_search_finds_passages_best_first(client: httpx.Client, mode: str) -> None:
    found = client.post("/v1/search", json={"query": "congé parental", "mode": mode, "k": 2}).json()

    assert found["results"][0]["title"] == "Congé parental"
    scores = [passage["score"] for passage in found["results"]]
    assert scores == sorted(scores, reverse=True)
    assert found["timings_ms"]["total"] > 0


def test_a_distinct_search_shows_near_copies_once(client: httpx.Client) -> None:
    text = "Visitors of the Leeds site sign the book at reception and wear a badge until they leave again. "
    files = [("files", (f"visitors-{n}.txt", f"{text * 4}Version {n}.".encode())) for n in (1, 2)]
    uploaded = client.post("/v1/ingestions", files=files, data={"collection": "copies"})
    assert finished_job(client, uploaded)["state"] == "committed"
    asked = {"query": "Where do visitors sign?", "collection": "copies"}

    found = [client.post("/v1/search", json={**asked, "distinct": value}).json() for value in (False, True)]

    assert [len(each["results"]) for each in found] == [2, 1]
    assert found[0]["results"][0] == found[1]["results"][0]


def test_the_grounding_service_checks_any_answer(client: httpx.Client) -> None:
    passages = [{"id": "p1", "text": "Every employee has 27 days of annual leave per year."}]
    answer = "Every employee has 27 days of annual leave per year. The office has a swimming pool."
    report = client.post("/v1/ground", json={"answer": answer, "passages": passages}).json()

    assert [sentence["verdict"] for sentence in report["sentences"]] == ["supported", "unsupported"]
    assert report["supported"] == 1
    assert report["unsupported"] == 1
    span = report["sentences"][0]["evidence"][0]
    assert span["passage_id"] == "p1"
    assert passages[0]["text"][span["start"] : span["end"]] == span["quote"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"answer": ""}, "answer: it is empty; give the text"),
        ({"answer": " \n"}, "answer: it is empty; give the text"),
        ({"answer": "x" * 100_001}, "answer: String should have at most 100000 characters"),
        ({"answer": ["x"]}, "answer: Input should be a valid string"),
        ({"answer": None}, "answer: Input should be a valid string"),
        ({"passages": None}, 'passages: give a list of objects with a text each, such as [{"id": "p1"'),
        ({"passages": "Tea."}, "passages: give a list of objects"),
        ({"passages": ["Tea."]}, "passages: give a list of objects"),
        ({"passages": [{"id": "p1"}]}, "passages.0.text: Field required"),
        ({"passages": [{"id": 1, "text": "Tea."}]}, "passages.0.id: Input should be a valid string"),
        ({"passages": [{"text": "Tea."}] * 1001}, "passages: Value should have at most 1000 items"),
        ({"passages": [{"text": "x" * 100_001}] * 20}, "2,000,020 characters in all, more than 2,000,000"),
        ({"question": 5}, "question: Input should be a valid string"),
        ({"context": "Tea."}, "context: Extra inputs are not permitted"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else None,
)
def test_what_cannot_be_checked_is_said(client: httpx.Client, changed: dict[str, Any], said: str) -> None:
    body = {"answer": "Tea is free.", "passages": [{"text": "Tea is free."}]}
    response = client.post("/v1/ground", json=body | changed)

    assert problem(response) == (422, "invalid_request")
    assert said in response.json()["detail"]


def test_without_passages_nothing_is_supported(client: httpx.Client) -> None:
    for passages in ([], [{"text": ""}], [{"text": "—"}]):
        report = client.post("/v1/ground", json={"answer": "Tea is free.", "passages": passages}).json()
        assert [sentence["verdict"] for sentence in report["sentences"]] == ["unsupported"]


def test_an_unknown_checker_is_told_which_there_are(client: httpx.Client) -> None:
    response = client.post("/v1/ground", json={"answer": "a", "passages": [], "checker": "magic"})

    assert problem(response) == (422, "invalid_request")
    assert "lexical" in response.json()["detail"]
