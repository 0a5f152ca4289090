"""Streamed answers over a real socket: told as they come about, taken up after a break, given up."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import httpx
import pytest

from tests.api.conftest import QUESTION, Server, leaving, problem
from tests.openai_server import OpenAIServer, Reply, openai_server
from tests.patience import FOREVER_S, LONG_S, wait_for

ANSWER = (
    "Every employee has 27 days of annual leave per year [1]. "
    "Up to five days of annual leave may be carried over until 31 March [1]. "
    "Train tickets in second class are repaid within ten working days [2]."
)


@contextmanager
def stream(
    client: httpx.Client, question: str = QUESTION, *, last: str | None = None, **more: Any
) -> Iterator[Iterator[dict[str, Any]]]:
    """The events of an answer, while the connection is open."""
    headers = {"last-event-id": last} if last else {}
    body = {"question": question, "stream": True} | more
    with client.stream("POST", "/v1/ask", json=body, headers=headers) as response:
        if response.headers.get("content-type", "").startswith("text/event-stream"):
            yield _events(response)
        else:
            response.read()
            assert response.status_code == 204, response.text
            yield iter(())


def _events(response: httpx.Response) -> Iterator[dict[str, Any]]:
    event: dict[str, Any] = {}
    for line in response.iter_lines():
        if not line and "event" in event:
            yield event
            event = {}
        elif line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            event[name] = json.loads(value) if name == "data" else value


def told(client: httpx.Client, **how: Any) -> list[dict[str, Any]]:
    with stream(client, **how) as events:
        return list(events)


@pytest.fixture
def llm() -> Iterator[OpenAIServer]:
    """A language model that takes its time."""
    with openai_server(Reply(text=ANSWER, delay_s=0.05, drip=True)) as server:
        yield server


@pytest.fixture
def server(serve: Callable[..., Server], llm: OpenAIServer) -> Server:
    return serve(filled=True, llm="openai:scripted", llm_base_url=llm.base_url, llm_timeout_s=FOREVER_S)


def test_sentences_are_cited_and_checked_between_the_words(server: Server) -> None:
    events = told(server.client)
    names = [event["event"] for event in events]
    assert (names[0], names[-1]) == ("retrieval", "done")
    assert names.index("citation") < names.index("grounding")
    assert "token" in names[names.index("grounding") :]
    assert names.count("grounding") == 3
    answer = events[-1]["data"]
    assert [event["data"] for event in events if event["event"] == "grounding"] == answer["sentences"]
    assert [event["data"] for event in events if event["event"] == "citation"] == answer["citations"]
    words = "".join(event["data"]["text"] for event in events if event["event"] == "token")
    assert words == answer["text"]


def test_a_stream_that_broke_is_taken_up_where_it_ended(server: Server, llm: OpenAIServer) -> None:
    with stream(server.client) as events:
        before = list(islice(events, 4))
    after = told(server.client, last=before[-1]["id"])
    ids = [event["id"] for event in before + after]
    assert len(set(ids)) == len(ids)
    assert after[-1]["event"] == "done"
    words = "".join(event["data"]["text"] for event in before + after if event["event"] == "token")
    assert words == after[-1]["data"]["text"]
    assert len(llm.requests) == 1


def test_what_has_ended_can_be_asked_for_again(server: Server) -> None:
    whole = told(server.client)
    again = told(server.client, last=whole[0]["id"])
    assert [(event["id"], event["data"]) for event in again] == [
        (event["id"], event["data"]) for event in whole[1:]
    ]
    assert told(server.client, last=whole[-1]["id"]) == []


def test_an_answer_that_nobody_follows_is_given_up(server: Server, llm: OpenAIServer) -> None:
    llm.script[:] = [Reply(text=ANSWER, hang_after=9)]
    with stream(server.client) as events:
        list(islice(events, 3))
    assert llm.hung_up.wait(timeout=LONG_S)
    assert len(llm.requests) == 1


def test_an_answer_that_is_not_streamed_is_given_up_with_its_connection(
    server: Server, llm: OpenAIServer
) -> None:
    llm.script[:] = [Reply(text=ANSWER, hang_after=9)]
    with leaving(f"{server.url}/v1/ask", {"question": QUESTION}):
        wait_for(lambda: llm.requests)
    assert llm.hung_up.wait(timeout=LONG_S)


@pytest.mark.parametrize("last", ["1", "nothing", "0123456789abcdef-3", "-", "é-²"])
def test_an_unknown_event_id_is_said(client: httpx.Client, last: str) -> None:
    headers = {"last-event-id": last.encode()}
    response = client.post("/v1/ask", json={"question": QUESTION, "stream": True}, headers=headers)
    assert problem(response) == (404, "stream_not_found")


def test_an_event_id_goes_with_its_question(server: Server) -> None:
    first, *_ = told(server.client, llm="extractive")
    response = server.client.post(
        "/v1/ask", json={"question": "Another one?"}, headers={"last-event-id": first["id"]}
    )
    assert problem(response) == (422, "invalid_request")
