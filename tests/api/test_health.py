"""Health, readiness, the reference, and the page's files."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx
import pytest

from tests.api.conftest import Server, problem
from tests.patience import wait_for


def test_the_process_says_that_it_is_alive(client: httpx.Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


def test_a_warm_server_over_sound_data_is_ready(client: httpx.Client) -> None:
    ready = wait_for(lambda: (found := client.get("/readyz")).status_code == 200 and found).json()

    assert ready["ready"] is True
    assert [check["name"] for check in ready["checks"]] == [
        "catalog",
        "indexes",
        "model",
        "device",
        "disk",
        "llm",
    ]


def test_a_full_disk_is_not_ready_and_says_so(serve: Callable[..., Server]) -> None:
    response = serve(disk_floor_mb=10**9).client.get("/readyz")

    assert response.status_code == 503
    disk = next(check for check in response.json()["checks"] if check["name"] == "disk")
    assert disk["ok"] is False
    assert "1,000,000,000 are needed" in disk["detail"]


def test_a_model_that_cannot_load_is_not_ready(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    from rag.errors import ModelUnavailable
    from tests.fakes import HashedEmbedder

    def missing(self: HashedEmbedder, text: str) -> None:
        raise ModelUnavailable("The model in /secret/place is missing.")

    monkeypatch.setattr(HashedEmbedder, "embed_query", missing)
    response = serve().client.get("/readyz")

    assert response.status_code == 503
    assert "/secret/place" not in response.text


def test_the_reference_lists_every_call_of_the_contract(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]

    assert {
        "/v1/ask", "/v1/search", "/v1/ingestions",
        "/v1/jobs", "/v1/jobs/{job_id}", "/v1/jobs/{job_id}/events",
        "/v1/documents", "/v1/documents/{document_id}", "/v1/documents/{document_id}/content",
        "/v1/documents/{document_id}/chunks", "/v1/collections", "/v1/collections/{name}", "/v1/ground",
        "/healthz", "/readyz",
    } <= paths.keys()  # fmt: skip
    assert set(paths["/v1/ingestions"]["post"]["requestBody"]["content"]) == {
        "application/json",
        "multipart/form-data",
    }


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_pages_need_no_network_and_no_inline_script(client: httpx.Client, path: str) -> None:
    page = client.get(path)
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "style=" not in page.text
    assert not re.search(r"<script(?![^>]*src=)", page.text)
    for link in links:
        assert link.startswith(("/", "#"))
        if link.startswith("/"):
            assert client.get(link).status_code == 200


@pytest.mark.parametrize("name", ["missing.js", "%2e%2e%2fapp.py", "__init__.py", ""])
def test_only_the_pages_own_files_are_served(client: httpx.Client, name: str) -> None:
    assert problem(client.get(f"/page/{name}")) == (404, "not_found")


def test_scripts_write_text_nodes_only(client: httpx.Client) -> None:
    for name in ("app.js", "answer.js", "library.js", "server.js", "source.js", "texts.js", "docs.js"):
        script = client.get(f"/page/{name}").text
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|https?://", script
        )
