"""Questions asked one after the other: /v1/ask with a conversation_id, /v1/conversations, /v1/llms."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from rag.domain import Access, ConversationKey
from tests.api.conftest import QUESTION, Server, problem
from tests.api.test_asking import ask, events
from tests.patience import wait_for

FOLLOW_UP = "And who has it?"
UNANSWERABLE = "Which spacecraft photographed Neptune's rings?"
ANYTHING = Access.everything()
MONTH = timedelta(days=30)


@pytest.fixture
def client(shared_server: Server) -> httpx.Client:
    return shared_server.client


def conversation(client: httpx.Client, name: str, **query: Any) -> dict[str, Any]:
    response = client.get(f"/v1/conversations/{name}", params=query)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def test_a_follow_up_is_read_with_the_question_before_it(client: httpx.Client) -> None:
    first = ask(client, conversation_id="leave-1").json()
    second = ask(client, FOLLOW_UP, conversation_id="leave-1").json()

    assert (first["conversation_id"], second["conversation_id"]) == ("leave-1", "leave-1")
    assert "standalone_question" not in first
    assert second["question"] == FOLLOW_UP
    assert "annual leave" in second["standalone_question"]
    assert second["passages"][0]["title"] == "Annual leave"


def test_a_conversation_shows_its_turns_in_order(client: httpx.Client) -> None:
    first = ask(client, conversation_id="leave-2").json()
    ask(client, FOLLOW_UP, conversation_id="leave-2")
    shown = conversation(client, "leave-2")

    assert (shown["id"], shown["collection"], shown["turn_count"]) == ("leave-2", "default", 2)
    assert shown["first_question"] == QUESTION
    assert shown["created_at"] <= shown["updated_at"] < shown["expires_at"]
    assert [(turn["ordinal"], turn["question"]) for turn in shown["turns"]] == [(1, QUESTION), (2, FOLLOW_UP)]
    turn = shown["turns"][0]
    assert (turn["text"], turn["answer_id"], turn["llm"]) == (first["text"], first["answer_id"], "extractive")
    assert turn["citations"] == first["citations"]


def test_turns_come_page_by_page(client: httpx.Client) -> None:
    for question in (QUESTION, FOLLOW_UP, UNANSWERABLE):
        ask(client, question, conversation_id="paged")
    page = conversation(client, "paged", limit=2)
    rest = conversation(client, "paged", limit=2, cursor=page["next_cursor"])

    assert [turn["question"] for turn in page["turns"]] == [QUESTION, FOLLOW_UP]
    assert [turn["question"] for turn in rest["turns"]] == [UNANSWERABLE]
    assert rest["next_cursor"] is None


@pytest.mark.parametrize("stream", [False, True])
def test_a_conversation_can_begin_under_an_id_of_ours(client: httpx.Client, stream: bool) -> None:
    def asked(**request: Any) -> dict[str, Any]:
        if stream:
            return dict(events(client, stream=True, **request)[-1]["data"])
        return dict(ask(client, **request).json())

    begun = asked(question=QUESTION, conversation_id="new")["conversation_id"]
    assert begun != "new"
    assert asked(question=FOLLOW_UP, conversation_id=begun)["conversation_id"] == begun
    assert conversation(client, begun)["turn_count"] == 2


def test_a_question_outside_of_conversations_is_kept_nowhere(client: httpx.Client) -> None:
    before = client.get("/v1/conversations").json()["items"]
    assert "conversation_id" not in ask(client).json()
    assert client.get("/v1/conversations").json()["items"] == before


def test_a_refusal_is_a_turn_too(client: httpx.Client) -> None:
    refusal = ask(client, UNANSWERABLE, conversation_id="refused").json()
    (turn,) = conversation(client, "refused")["turns"]
    assert (turn["status"], turn["text"]) == ("refused", refusal["reason"])


def test_a_conversation_that_is_begun_empty_is_about_a_collection(client: httpx.Client) -> None:
    client.post("/v1/collections", json={"name": "empty"})
    begun = client.post("/v1/conversations", json={"collection": "empty"})
    name = begun.json()["id"]

    assert begun.status_code == 201
    assert begun.headers["location"] == f"/v1/conversations/{name}"
    assert client.get(begun.headers["location"]).json()["turns"] == []
    assert ask(client, conversation_id=name).json()["status"] == "refused"
    assert problem(ask(client, conversation_id=name, collection="default")) == (409, "conflict")
    assert ask(client, conversation_id=name, collection="empty").status_code == 200
    assert client.post("/v1/conversations").json()["collection"] == "default"
    assert problem(client.post("/v1/conversations", json={"collection": "nowhere"})) == (
        404,
        "collection_not_found",
    )


def test_conversations_are_listed_and_deleted(client: httpx.Client) -> None:
    for name in ("first", "second", "third"):
        ask(client, conversation_id=name)
    page = client.get("/v1/conversations", params={"limit": 2}).json()
    rest = client.get("/v1/conversations", params={"cursor": page["next_cursor"]}).json()

    assert [item["id"] for item in page["items"]] == ["third", "second"]
    assert rest["items"][0]["id"] == "first"
    assert client.delete("/v1/conversations/second").status_code == 204
    for gone in (client.get, client.delete):
        assert problem(gone("/v1/conversations/second")) == (404, "conversation_not_found")
    assert conversation(client, "first")["turn_count"] == 1


def test_another_owner_s_conversation_is_unknown(shared_server: Server) -> None:
    footnote, client = shared_server.footnote, shared_server.client
    collection = footnote.catalog.collection("default")
    theirs = ConversationKey(owner="key:7", id="secret")
    answer = footnote.answerer().answer(QUESTION, collection="default", access=ANYTHING)
    footnote.catalog.add_turn(theirs, "Secret?", answer, collection_id=collection.id, begins=True, kept=MONTH)

    foreign, unknown = (client.get(f"/v1/conversations/{name}").json() for name in ("secret", "nobody"))
    assert foreign["detail"].replace("secret", "nobody") == unknown["detail"]
    assert problem(client.delete("/v1/conversations/secret")) == (404, "conversation_not_found")
    assert all(item["id"] != "secret" for item in client.get("/v1/conversations").json()["items"])
    assert "standalone_question" not in ask(client, FOLLOW_UP, conversation_id="secret").json()
    assert [turn.question for turn in footnote.catalog.turns(theirs)] == ["Secret?"]


@pytest.mark.parametrize("name", ["", " ", "a b", "a/b", "é", "x" * 101, ".", "..", "a\n", "a\0"])
def test_ids_that_cannot_name_a_conversation(client: httpx.Client, name: str) -> None:
    response = ask(client, conversation_id=name)
    assert problem(response) == (422, "invalid_request")
    assert "conversation" in response.json()["detail"]


@pytest.mark.parametrize("cursor", ["%", "YWJj", "LTE", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5"])
def test_cursors_that_are_not_ours(client: httpx.Client, cursor: str) -> None:
    response = client.get("/v1/conversations", params={"cursor": cursor})
    assert problem(response) == (422, "invalid_request")


def test_an_answer_that_failed_is_no_turn(serve: Callable[..., Server]) -> None:
    server = serve(
        filled=True,
        llm="openai:local",
        llm_base_url="http://127.0.0.1:9/v1",
        llm_api_key="k",
        llm_attempts=1,
        extractive_fallback=False,
    )
    assert problem(ask(server.client, conversation_id="c1")) == (502, "generation_failed")
    assert events(server.client, question=QUESTION, conversation_id="c1", stream=True)[-1]["event"] == "error"
    assert problem(server.client.get("/v1/conversations/c1")) == (404, "conversation_not_found")


def test_a_server_can_keep_none(serve: Callable[..., Server]) -> None:
    client = serve(filled=True, conversation_days=0).client
    answer = ask(client, conversation_id="c1").json()

    assert answer["status"] == "answered"
    assert "conversation_id" not in answer
    assert client.get("/v1/conversations").json()["items"] == []
    assert problem(client.post("/v1/conversations")) == (409, "conflict")


def test_a_server_that_is_started_forgets_what_is_too_old_by_its_setting(
    serve: Callable[..., Server], tmp_path: Path
) -> None:
    first = serve(filled=True, data_dir=tmp_path / "old")
    ask(first.client, conversation_id="c1")
    assert conversation(first.client, "c1")["turn_count"] == 1

    second = serve(data_dir=tmp_path / "old", conversation_days=1e-9)
    wait_for(lambda: second.client.get("/v1/conversations").json()["items"] == [])
    assert problem(first.client.get("/v1/conversations/c1")) == (404, "conversation_not_found")


def test_the_language_models_on_offer_are_named(serve: Callable[..., Server]) -> None:
    llms = {"small": {"model": "openai:tiny", "base_url": "http://127.0.0.1:9/v1", "api_key": "secret"}}
    response = serve(llm="small", llms=llms).client.get("/v1/llms")

    assert response.json()["items"] == [
        {"name": "extractive", "default": False},
        {"name": "small", "default": True},
    ]
    assert "127.0.0.1" not in response.text
