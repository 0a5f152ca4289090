"""POST /v1/ingestions and /v1/jobs: folders and uploads become searchable in the background."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from ingest.jobs import JobRunner
from tests.api.conftest import HANDBOOK, Server, finished_job, problem


@pytest.fixture
def empty(serve: Callable[..., Server]) -> httpx.Client:
    return serve().client


def upload(
    client: httpx.Client, *files: tuple[str, bytes], headers: dict[str, str] | None = None, **fields: str
) -> httpx.Response:
    parts = [("files", file) for file in files]
    return client.post("/v1/ingestions", files=parts, data=fields, headers=headers)


def titles(client: httpx.Client, collection: str = "default") -> list[str]:
    items = client.get("/v1/documents", params={"collection": collection}).json()["items"]
    return sorted(document["title"] for document in items)


def test_a_folder_is_ingested_in_the_background(empty: httpx.Client, handbook: Path) -> None:
    response = empty.post("/v1/ingestions", json={"path": str(handbook), "collection": "handbook"})
    job = finished_job(empty, response)

    assert response.headers["location"] == f"/v1/jobs/{job['id']}"
    assert job["state"] == "committed"
    assert job["result"]["added"] == len(HANDBOOK)
    assert job["result"]["failures"] == []
    assert "error" not in job
    assert job["counts"]["files_done"] == len(HANDBOOK)
    assert all(isinstance(count, int) for count in job["counts"].values())
    assert len(titles(empty, "handbook")) == len(HANDBOOK)


def test_a_dry_run_changes_nothing(empty: httpx.Client, handbook: Path) -> None:
    finished_job(empty, empty.post("/v1/ingestions", json={"path": str(handbook)}))
    (handbook / "new.md").write_text("# New\n\nA new page about bicycles.\n")
    job = finished_job(empty, empty.post("/v1/ingestions", json={"path": str(handbook), "dry_run": True}))

    assert job["result"]["added"] == 1
    assert "New" not in titles(empty)

    request = {"path": str(handbook), "collection": "unmade", "dry_run": True}
    job = finished_job(empty, empty.post("/v1/ingestions", json=request))
    assert job["result"]["added"] == len(HANDBOOK) + 1
    assert problem(empty.get("/v1/collections/unmade")) == (404, "collection_not_found")


def test_a_removed_file_goes_only_when_asked(empty: httpx.Client, handbook: Path) -> None:
    finished_job(empty, empty.post("/v1/ingestions", json={"path": str(handbook)}))
    (handbook / "leave.md").unlink()

    kept = {"path": str(handbook), "delete_missing": False}
    assert finished_job(empty, empty.post("/v1/ingestions", json=kept))["result"]["deleted"] == 0
    assert "Annual leave" in titles(empty)

    assert (
        finished_job(empty, empty.post("/v1/ingestions", json={"path": str(handbook)}))["result"]["deleted"]
        == 1
    )
    assert "Annual leave" not in titles(empty)


def test_paths_outside_the_allowed_roots_are_forbidden(
    empty: httpx.Client, handbook: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (handbook / "link").symlink_to(outside)
    for path in (outside, handbook / ".." / "outside", handbook / "link", "/etc", tmp_path / "missing"):
        assert problem(empty.post("/v1/ingestions", json={"path": str(path)})) == (403, "forbidden")


def test_a_missing_folder_below_an_allowed_root(empty: httpx.Client, handbook: Path) -> None:
    response = empty.post("/v1/ingestions", json={"path": str(handbook / "missing")})

    assert problem(response) == (422, "invalid_request")


def test_without_allowed_roots_no_folder_may_be_named(serve: Callable[..., Server], handbook: Path) -> None:
    client = serve(allowed_roots=()).client

    assert problem(client.post("/v1/ingestions", json={"path": str(handbook)})) == (403, "forbidden")


@pytest.mark.parametrize(
    "request_body", [{}, {"path": ""}, {"path": 1}, {"path": "x", "unknown": 1}, {"path": "x\x00y"}, []]
)
def test_malformed_folder_requests(empty: httpx.Client, request_body: Any) -> None:
    assert problem(empty.post("/v1/ingestions", json=request_body)) == (422, "invalid_request")


def test_bodies_that_are_neither_json_nor_multipart(empty: httpx.Client) -> None:
    deep = empty.post("/v1/ingestions", content=b"[" * 50_000, headers={"content-type": "application/json"})
    assert problem(deep) == (422, "invalid_request")
    assert problem(empty.post("/v1/ingestions", content=b"hello")) == (422, "invalid_request")
    headers = {"content-type": "application/json"}
    assert problem(empty.post("/v1/ingestions", content=b"{", headers=headers)) == (422, "invalid_request")


def test_uploaded_files_become_searchable(empty: httpx.Client) -> None:
    job = finished_job(
        empty,
        upload(
            empty,
            ("cantine.md", "# Cantine\n\nLa cantine ouvre à midi.\n".encode()),
            ("gym.txt", b"The gym is free."),
        ),
    )
    found = empty.post("/v1/search", json={"query": "cantine ouvre"}).json()["results"]

    assert job["state"] == "committed"
    assert job["result"]["added"] == 2
    assert found[0]["title"] == "Cantine"


def test_an_upload_of_the_same_name_replaces_the_earlier_document(empty: httpx.Client) -> None:
    finished_job(
        empty,
        upload(empty, ("gym.md", b"# Gym\n\nThe gym costs ten euros.\n"), ("pool.md", b"# Pool\n\nOpen.\n")),
    )
    job = finished_job(empty, upload(empty, ("gym.md", b"# Gym\n\nThe gym is free.\n")))
    found = empty.post("/v1/search", json={"query": "gym costs"}).json()["results"]

    assert (job["result"]["added"], job["result"]["modified"], job["result"]["deleted"]) == (0, 1, 0)
    assert titles(empty) == ["Gym", "Pool"]
    assert not any("ten euros" in passage["text"] for passage in found)


def test_an_upload_leaves_the_groups_of_earlier_ones_alone(empty: httpx.Client) -> None:
    finished_job(empty, upload(empty, ("pay.md", b"# Pay\n\nSalaries.\n"), groups="hr, board"))
    finished_job(empty, upload(empty, ("gym.md", b"# Gym\n\nFree.\n")))
    groups = {item["title"]: item["groups"] for item in empty.get("/v1/documents").json()["items"]}

    assert groups == {"Pay": ["board", "hr"], "Gym": []}


def test_a_deleted_upload_is_gone_from_the_disk_and_does_not_come_back(serve: Callable[..., Server]) -> None:
    server = serve()
    empty = server.client
    finished_job(empty, upload(empty, ("gym.md", b"# Gym\n\nFree.\n")))
    [document] = empty.get("/v1/documents").json()["items"]
    empty.delete(f"/v1/documents/{document['id']}")
    assert list((server.footnote.settings.data_dir / "uploads").rglob("gym.md")) == []
    finished_job(empty, upload(empty, ("pool.md", b"# Pool\n\nOpen.\n")))

    assert titles(empty) == ["Pool"]


def test_a_file_that_cannot_be_parsed_is_a_coded_failure(empty: httpx.Client) -> None:
    job = finished_job(
        empty, upload(empty, ("broken.pdf", b"%PDF-1.7 broken"), ("gym.md", b"# Gym\n\nFree.\n"))
    )

    assert job["result"]["failed"] == 1
    assert job["result"]["failures"][0]["path"] == "broken.pdf"
    assert job["result"]["failures"][0]["code"]
    assert titles(empty) == ["Gym"]


def test_uploads_that_cannot_be_taken(serve: Callable[..., Server]) -> None:
    client = serve(max_upload_mb=1).client

    assert problem(upload(client, ("big.md", b"x" * 1_100_000))) == (413, "upload_too_large")
    assert problem(client.post("/v1/ingestions", files=[("other", ("a.md", b"x"))])) == (
        422,
        "invalid_request",
    )
    assert problem(upload(client, ("a.md", b"x"), collection="../etc")) == (422, "invalid_request")
    assert problem(upload(client, ("a.md", b"x"), unknown="1")) == (422, "invalid_request")
    headers = {"content-type": "multipart/form-data"}
    assert problem(client.post("/v1/ingestions", content=b"x", headers=headers)) == (422, "invalid_request")


def test_refused_uploads_leave_nothing_on_the_disk(serve: Callable[..., Server]) -> None:
    server = serve(max_upload_mb=1)
    upload(server.client, ("big.md", b"x" * 1_100_000))
    upload(server.client, ("a.md", b"x"), collection="../etc")
    data_dir = server.footnote.settings.data_dir

    assert [file for folder in ("staging", "uploads") for file in (data_dir / folder).rglob("*")] == []


def test_an_idempotency_key_gives_the_same_job(empty: httpx.Client, handbook: Path) -> None:
    headers = {"idempotency-key": "k1"}
    request = {"path": str(handbook)}
    first = empty.post("/v1/ingestions", json=request, headers=headers)
    again = empty.post("/v1/ingestions", json=request, headers=headers)
    other = empty.post("/v1/ingestions", json=request | {"dry_run": True}, headers=headers)

    assert first.json()["id"] == again.json()["id"]
    assert problem(other) == (409, "conflict")
    finished_job(empty, first)


def test_an_idempotency_key_holds_for_uploads(empty: httpx.Client) -> None:
    headers = {"idempotency-key": "k1"}
    first = upload(empty, ("gym.md", b"# Gym\n\nFree.\n"), headers=headers)
    finished_job(empty, first)
    again = upload(empty, ("gym.md", b"# Gym\n\nFree.\n"), headers=headers)
    other = upload(empty, ("gym.md", b"# Gym\n\nTen euros.\n"), headers=headers)

    assert first.json()["id"] == again.json()["id"]
    assert problem(other) == (409, "conflict")


def test_jobs_are_listed_newest_first(empty: httpx.Client) -> None:
    ids = [finished_job(empty, upload(empty, (f"{n}.md", b"# A\n\nText.\n")))["id"] for n in range(3)]
    first = empty.get("/v1/jobs", params={"limit": 2}).json()
    rest = empty.get("/v1/jobs", params={"limit": 2, "cursor": first["next_cursor"]}).json()

    assert [job["id"] for job in first["items"] + rest["items"]] == ids[::-1]
    assert rest["next_cursor"] is None


def test_a_job_is_followed_until_it_is_final(empty: httpx.Client) -> None:
    location = upload(empty, ("gym.md", b"# Gym\n\nFree.\n")).headers["location"]
    with empty.stream("GET", f"{location}/events") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in response.iter_lines() if line]

    assert lines[0] == "id: 1"
    assert lines[-2] == "event: done"
    assert json.loads(lines[-1].removeprefix("data: "))["state"] == "committed"


def test_a_waiting_job_can_be_cancelled(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(JobRunner, "start", lambda _: None)
    client = serve().client
    location = upload(client, ("gym.md", b"# Gym\n\nFree.\n")).headers["location"]

    assert client.get(location).json()["state"] == "queued"
    assert client.delete(location).json()["state"] == "cancelled"
    assert client.get(location).json()["state"] == "cancelled"


def test_cancelling_a_finished_job_changes_nothing(empty: httpx.Client) -> None:
    job = finished_job(empty, upload(empty, ("gym.md", b"# Gym\n\nFree.\n")))

    assert empty.delete(f"/v1/jobs/{job['id']}").json() == job


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("DELETE", ""), ("GET", "/events")])
def test_unknown_jobs(empty: httpx.Client, method: str, path: str) -> None:
    assert problem(empty.request(method, f"/v1/jobs/unknown{path}")) == (404, "job_not_found")
