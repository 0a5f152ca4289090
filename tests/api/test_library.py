"""Collections and documents over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from ingest.lock import collection_lock
from tests.api.conftest import HANDBOOK, Server, problem


def documents(client: httpx.Client, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/v1/documents", params=query).json()["items"]
    return found


def test_documents_are_listed_page_by_page(client: httpx.Client) -> None:
    paths: list[str] = []
    cursor: dict[str, str] = {}
    while cursor is not None:
        page = client.get("/v1/documents", params={"limit": 2, **cursor}).json()
        assert len(page["items"]) <= 2
        paths += [document["path"] for document in page["items"]]
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else None  # type: ignore[assignment]

    assert sorted(paths) == sorted(HANDBOOK)


def test_a_cursor_of_someone_else_is_refused(client: httpx.Client) -> None:
    assert problem(client.get("/v1/documents", params={"cursor": "ü"})) == (422, "invalid_request")


def test_a_document_shows_its_facts_text_and_chunks(client: httpx.Client) -> None:
    listed = next(document for document in documents(client) if document["path"] == "leave.md")
    shown = client.get(f"/v1/documents/{listed['id']}").json()
    content = client.get(f"/v1/documents/{listed['id']}/content").json()
    chunks = client.get(f"/v1/documents/{listed['id']}/chunks").json()["items"]

    assert shown == listed
    assert shown["collection"] == "default"
    assert shown["title"] == "Annual leave"
    assert content["page_starts"] == []
    assert len(chunks) == shown["chunks"]
    for chunk in chunks:
        assert content["text"][chunk["start"] : chunk["end"]] == chunk["text"]


def test_a_deleted_document_is_out_of_search_at_once(client: httpx.Client) -> None:
    leave = next(document for document in documents(client) if document["path"] == "leave.md")
    removed = client.delete(f"/v1/documents/{leave['id']}").json()
    found = client.post("/v1/search", json={"query": "annual leave"}).json()["results"]

    assert removed == {"chunks_removed": leave["chunks"], "vectors_removed": leave["chunks"]}
    assert leave["id"] not in {passage["document_id"] for passage in found}
    assert problem(client.get(f"/v1/documents/{leave['id']}")) == (404, "document_not_found")
    assert problem(client.delete(f"/v1/documents/{leave['id']}")) == (404, "document_not_found")


@pytest.mark.parametrize("path", ["", "/content", "/chunks"])
def test_unknown_documents(client: httpx.Client, path: str) -> None:
    assert problem(client.get(f"/v1/documents/unknown{path}")) == (404, "document_not_found")


def test_documents_of_an_unknown_collection(client: httpx.Client) -> None:
    assert problem(client.get("/v1/documents?collection=nowhere")) == (404, "collection_not_found")


def test_a_collection_lives_from_creation_to_deletion(client: httpx.Client) -> None:
    created = client.post("/v1/collections", json={"name": "policies"})
    assert created.status_code == 201
    assert created.headers["location"] == "/v1/collections/policies"
    assert problem(client.post("/v1/collections", json={"name": "policies"})) == (409, "collection_exists")

    names = [collection["name"] for collection in client.get("/v1/collections").json()["items"]]
    assert names == ["default", "policies"]
    assert client.get("/v1/collections/default").json()["documents"] == len(HANDBOOK)

    assert client.delete("/v1/collections/default").json() == {"documents_removed": len(HANDBOOK)}
    assert problem(client.get("/v1/collections/default")) == (404, "collection_not_found")
    assert problem(client.post("/v1/ask", json={"question": "leave?"})) == (404, "collection_not_found")


@pytest.mark.parametrize("name", ["", "a/b", "../x", ".x", "x" * 64])
def test_collection_names_that_cannot_be(client: httpx.Client, name: str) -> None:
    assert problem(client.post("/v1/collections", json={"name": name})) == (422, "invalid_request")


def test_a_collection_is_not_deleted_while_it_is_ingested(server: Server) -> None:
    default = server.footnote.catalog.collection("default")
    with collection_lock(server.footnote.settings.data_dir / "locks", default):
        assert problem(server.client.delete("/v1/collections/default")) == (409, "busy")
    assert server.client.delete("/v1/collections/default").status_code == 200
