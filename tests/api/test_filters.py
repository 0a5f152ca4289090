"""Filters over REST: documents chosen before ranking, wrong filters named, rights never widened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.dependencies import asker_access
from rag.domain import Access, Collection
from tests.api.conftest import QUESTION, Server, problem
from tests.fakes import HashedEmbedder
from tests.sources import new_version, put

CALLS = [("/v1/search", "query"), ("/v1/ask", "question")]
EMBEDDER = HashedEmbedder()
PAPERS: dict[str, dict[str, Any]] = {
    "pay/2024.md": {"language": "en", "metadata": {"year": 2024, "author": "Zoé"}},
    "pay/2025.md": {"language": "en", "metadata": {"year": "2025"}, "groups": frozenset({"staff"})},
    "pay/board.md": {"language": "en", "metadata": {"year": 2026}, "groups": frozenset({"board", "staff"})},
    "paie/2025.md": {"language": "fr", "metadata": {"year": 2025}, "groups": frozenset({"board"})},
}


@pytest.fixture
def papers(server: Server) -> Collection:
    """A collection of four short papers about pay, of different years, languages and groups."""
    catalog = server.footnote.catalog
    collection = catalog.create_collection("papers", EMBEDDER.profile)
    for path, facts in PAPERS.items():
        text = f"Pay day is the last working day of the month, says {path}."
        put(catalog, collection.id, new_version(path, text, embedder=EMBEDDER, **facts))
    return collection


@pytest.fixture
def as_member(server: Server) -> Callable[..., TestClient]:
    """A client for an asker in the given groups."""

    def become(*groups: str) -> TestClient:
        app = create_app(server.footnote)
        app.dependency_overrides[asker_access] = lambda: Access(groups=frozenset(groups))
        return TestClient(app, base_url="http://127.0.0.1", client=("127.0.0.1", 50000))

    return become


def search(client: httpx.Client, filters: Any, **more: Any) -> list[str]:
    request = {"query": "When is pay day?", "collection": "papers", "filters": filters}
    response = client.post("/v1/search", json=request | more)
    assert response.status_code == 200, response.text
    return sorted(passage["title"] for passage in response.json()["results"])


@pytest.mark.parametrize("mode", ["hybrid", "dense", "keyword"])
@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"language": "fr"}, ["paie/2025.md"]),
        ({"metadata.year": {"gte": 2025}}, ["paie/2025.md", "pay/2025.md", "pay/board.md"]),
        ({"path": {"prefix": "pay/"}, "metadata.year": 2025}, ["pay/2025.md"]),
        ({"or": [{"metadata.author": "Zoé"}, {"language": "fr"}]}, ["paie/2025.md", "pay/2024.md"]),
        ({"not": {"path": {"prefix": "pay/"}}}, ["paie/2025.md"]),
        ({"language": "de"}, []),
        ({"path": {"prefix": "%"}}, []),
    ],
)
def test_only_documents_that_pass_are_found(
    client: httpx.Client, papers: Collection, filters: Any, found: list[str], mode: str
) -> None:
    assert search(client, filters, mode=mode) == found


@pytest.mark.parametrize("filters", [None, {}])
def test_no_filter_leaves_nothing_out(client: httpx.Client, papers: Collection, filters: Any) -> None:
    assert search(client, filters) == sorted(PAPERS)


def test_an_answer_rests_on_documents_that_pass(client: httpx.Client) -> None:
    everything = client.post("/v1/ask", json={"question": QUESTION}).json()
    path = everything["passages"][0]["title"]
    for wanted in ({"title": path}, {"title": {"ne": path}}):
        answer = client.post("/v1/ask", json={"question": QUESTION, "filters": wanted}).json()
        titles = {passage["title"] for passage in answer["passages"]}
        assert titles
        assert (path in titles) == (wanted["title"] == path)


def test_an_answer_from_no_document_is_a_refusal(client: httpx.Client) -> None:
    answer = client.post("/v1/ask", json={"question": QUESTION, "filters": {"language": "de"}}).json()
    assert answer["status"] == "refused"
    assert answer["reason"]
    assert answer["passages"] == []


BAD = [
    {"langage": "fr"},
    {"language": 7},
    {"size": "big"},
    {"created_at": {"gte": "yesterday"}},
    {"title": {"regex": "(a+)+$"}},
    {"title": {"in": ["x"] * 1001}},
    {"title": "x" * 501},
    {"title": "a\0"},
    {"or": [{"language": "fr"}] * 101},
    [],
    "language=fr",
    7,
]


@pytest.mark.parametrize(("path", "text"), CALLS)
@pytest.mark.parametrize("filters", BAD, ids=lambda filters: str(filters)[:30])
def test_a_wrong_filter_is_a_problem_that_says_why(
    client: httpx.Client, path: str, text: str, filters: Any
) -> None:
    response = client.post(path, json={text: QUESTION, "filters": filters})
    assert problem(response) == (422, "invalid_filter")
    assert len(response.json()["detail"]) < 500


def test_a_problem_names_the_field_and_the_known_ones(client: httpx.Client) -> None:
    response = client.post("/v1/search", json={"query": QUESTION, "filters": {"langage": "fr"}})
    detail = response.json()["detail"]
    assert "'langage'" in detail
    assert "Did you mean 'language'" in detail
    assert "media_type" in detail


@pytest.mark.parametrize("depth", [9, 100, 10_000, 200_000])
def test_a_deep_filter_is_refused_and_the_server_lives(client: httpx.Client, depth: int) -> None:
    filters = '{"not": ' * depth + '{"language": "fr"}' + "}" * depth
    body = f'{{"query": "leave", "filters": {filters}}}'
    response = client.post("/v1/search", content=body, headers={"content-type": "application/json"})
    assert problem(response) in {(422, "invalid_filter"), (400, "bad_request"), (422, "invalid_request")}
    assert client.post("/v1/search", json={"query": QUESTION}).status_code == 200


def test_a_number_of_ten_thousand_digits_is_refused(client: httpx.Client) -> None:
    body = f'{{"query": "leave", "filters": {{"size": {"9" * 10_000}}}}}'
    response = client.post("/v1/search", content=body, headers={"content-type": "application/json"})
    assert response.status_code in {400, 422}
    assert response.json()["code"]


@pytest.mark.parametrize(("path", "text"), CALLS)
def test_a_question_of_100_000_characters_is_refused(client: httpx.Client, path: str, text: str) -> None:
    response = client.post(path, json={text: "leave " * 16_667, "filters": {"language": "en"}})
    assert problem(response) == (422, "invalid_question")


@pytest.mark.parametrize("query", ["年假有多少天", "🏖️🔥", "?!…"])
def test_a_query_without_any_known_word_finds_nothing(client: httpx.Client, query: str) -> None:
    response = client.post("/v1/search", json={"query": query, "mode": "keyword"})
    assert response.status_code == 200
    assert response.json()["results"] == []


def test_a_filter_never_widens_what_the_asker_may_read(
    papers: Collection, as_member: Callable[..., TestClient]
) -> None:
    staff, board, nobody = as_member("staff"), as_member("board"), as_member()
    anything = {"not": {"title": "x"}}
    for _ in range(2):  # the second time from what is kept
        assert search(staff, anything) == ["pay/2024.md", "pay/2025.md", "pay/board.md"]
        assert search(board, anything) == ["paie/2025.md", "pay/2024.md", "pay/board.md"]
        assert search(nobody, anything) == ["pay/2024.md"]
    assert search(staff, {"language": "fr"}) == []
    assert search(staff, {"or": [{"language": "fr"}, {"metadata.year": {"exists": True}}]}) == [
        "pay/2024.md",
        "pay/2025.md",
        "pay/board.md",
    ]


def test_a_filter_by_groups_tells_nothing_of_other_groups(
    papers: Collection, as_member: Callable[..., TestClient]
) -> None:
    staff = as_member("staff")
    assert search(staff, {"groups": "board"}) == search(staff, {"groups": "no such group"}) == []
    assert search(staff, {"groups": {"ne": "board"}}) == search(staff, None)
    assert search(staff, {"groups": "staff"}) == ["pay/2025.md", "pay/board.md"]
