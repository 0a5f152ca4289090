"""POST /v1/ingestions and /v1/jobs: folders and uploads become searchable in the background."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from ingest.jobs import JobRunner
from rag.domain import Job
from tests.api.conftest import HANDBOOK, Server, finished_job, problem
from tests.patience import wait_for


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


def test_a_conflicting_key_makes_nothing(serve: Callable[..., Server], handbook: Path) -> None:
    server = serve()
    headers = {"idempotency-key": "k1"}
    first = server.client.post("/v1/ingestions", json={"path": str(handbook)}, headers=headers)
    request = {"path": str(handbook), "collection": "other"}

    assert problem(server.client.post("/v1/ingestions", json=request, headers=headers)) == (409, "conflict")
    assert problem(upload(server.client, ("a.md", b"x"), headers=headers, collection="third")) == (
        409,
        "conflict",
    )
    finished_job(server.client, first)
    names = [item["name"] for item in server.client.get("/v1/collections").json()["items"]]
    assert names == ["default"]
    assert files_below(server, "uploads") == []


def test_an_idempotency_key_holds_for_uploads(serve: Callable[..., Server]) -> None:
    server = serve()
    headers = {"idempotency-key": "k1"}
    first = upload(server.client, ("gym.md", b"# Gym\n\nFree.\n"), headers=headers)
    finished_job(server.client, first)
    again = upload(server.client, ("gym.md", b"# Gym\n\nFree.\n"), headers=headers)
    other = upload(server.client, ("gym.md", b"# Gym\n\nTen euros.\n"), headers=headers)

    assert first.json()["id"] == again.json()["id"]
    assert problem(other) == (409, "conflict")
    wait_for(lambda: len(list((server.footnote.settings.data_dir / "uploads").rglob("*"))) == 3)
    assert files_below(server, "uploads") == ["gym.md"]


def files_below(server: Server, folder: str) -> list[str]:
    found = (server.footnote.settings.data_dir / folder).rglob("*")
    return sorted(file.name for file in found if file.is_file())


def test_only_uploads_that_documents_were_made_of_stay_on_the_disk(serve: Callable[..., Server]) -> None:
    server = serve()
    gym = b"# Gym\n\nTen euros.\n"
    finished_job(server.client, upload(server.client, ("gym.md", gym), ("pool.md", gym), ("b.pdf", b"%PDF")))
    finished_job(server.client, upload(server.client, ("gym.md", b"# Gym\n\nFree.\n")))
    finished_job(server.client, upload(server.client, ("gym.md", b"")))

    wait_for(lambda: files_below(server, "uploads") == ["gym.md"])
    [kept] = (server.footnote.settings.data_dir / "uploads").rglob("gym.md")
    assert kept.read_bytes() == b"# Gym\n\nFree.\n"
    assert titles(server.client) == ["Gym"]


def test_a_job_shows_what_became_of_its_files(empty: httpx.Client) -> None:
    files = [(f"{n}.md", f"# Page {n}\n\nText {n}.\n".encode()) for n in range(3)]
    job = finished_job(empty, upload(empty, ("broken.pdf", b"%PDF-1.7 broken"), *files))
    assert job["files_total"] == 4
    assert job["files"][0]["path"] == "broken.pdf"
    assert (job["files"][0]["state"], job["files"][0]["code"]) == ("failed", "damaged_file")
    assert {(file["path"], file["state"]) for file in job["files"][1:]} == {
        (name, "committed") for name, _ in files
    }
    assert job["attempts"] == 1
    assert (job["counts"]["added"], job["counts"]["failed"]) == (3, 1)


def test_a_job_s_files_page_on(empty: httpx.Client) -> None:
    files = [(f"{n}.md", f"# Page {n}\n\nText {n}.\n".encode()) for n in range(5)]
    job = finished_job(empty, upload(empty, ("broken.pdf", b"%PDF-1.7 broken"), *files))
    url = f"/v1/jobs/{job['id']}/files"
    first = empty.get(url, params={"limit": 4, "state": "committed"}).json()
    rest = empty.get(url, params={"limit": 4, "state": "committed", "cursor": first["next_cursor"]}).json()

    assert sorted(file["path"] for file in first["items"] + rest["items"]) == [name for name, _ in files]
    assert rest["next_cursor"] is None
    assert [file["path"] for file in empty.get(url, params={"state": "failed"}).json()["items"]] == [
        "broken.pdf"
    ]
    assert problem(empty.get(url, params={"state": "lost"})) == (422, "invalid_request")
    assert problem(empty.get(url, params={"cursor": "bm8"})) == (422, "invalid_request")


def test_jobs_are_listed_newest_first(empty: httpx.Client) -> None:
    ids = [finished_job(empty, upload(empty, (f"{n}.md", b"# A\n\nText.\n")))["id"] for n in range(3)]
    first = empty.get("/v1/jobs", params={"limit": 2}).json()
    rest = empty.get("/v1/jobs", params={"limit": 2, "cursor": first["next_cursor"]}).json()

    assert [job["id"] for job in first["items"] + rest["items"]] == ids[::-1]
    assert rest["next_cursor"] is None
    assert empty.get("/v1/jobs", params={"state": "failed"}).json()["items"] == []
    assert len(empty.get("/v1/jobs", params={"state": "committed"}).json()["items"]) == 3


def test_a_job_is_followed_until_it_is_final(empty: httpx.Client) -> None:
    location = upload(empty, ("gym.md", b"# Gym\n\nFree.\n")).headers["location"]
    with empty.stream("GET", f"{location}/events") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in response.iter_lines() if line]

    assert lines[0].startswith("id: ")
    assert lines[-2] == "event: done"
    assert json.loads(lines[-1].removeprefix("data: "))["state"] == "committed"
    ids = [line for line in lines if line.startswith("id: ")]
    assert len(set(ids)) == len(ids)


def test_a_broken_off_stream_is_taken_up_again(empty: httpx.Client) -> None:
    response = upload(empty, ("gym.md", b"# Gym\n\nFree.\n"))
    finished_job(empty, response)
    url = f"{response.headers['location']}/events"
    first, done = event_ids(empty.get(url))

    assert event_ids(empty.get(url, headers={"last-event-id": first})) == [done]
    assert event_ids(empty.get(url, headers={"last-event-id": "older"})) == [first, done]
    assert empty.get(url, headers={"last-event-id": done}).status_code == 204


def event_ids(response: httpx.Response) -> list[str]:
    return [line.removeprefix("id: ") for line in response.text.splitlines() if line.startswith("id: ")]


def test_a_reader_who_leaves_ends_the_stream(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(JobRunner, "start", lambda _: None)
    server = serve()
    location = upload(server.client, ("gym.md", b"# Gym\n\nFree.\n")).headers["location"]
    asked: list[float] = []
    job_of = server.footnote.catalog.job

    def counted(job_id: str) -> Job:
        asked.append(time.monotonic())
        return job_of(job_id)

    monkeypatch.setattr("api.routes.jobs.POLL_SECONDS", 0.01)
    monkeypatch.setattr(server.footnote.catalog, "job", counted)
    with server.client.stream("GET", f"{location}/events") as response:
        lines = response.iter_lines()
        next(lines)
        wait_for(lambda: len(asked) > 2)
        assert response.status_code == 200
    wait_for(lambda: time.monotonic() - asked[-1] > 1)
    polled = len(asked)
    time.sleep(1)
    assert len(asked) == polled  # a stream that goes on asks a hundred times in this second


def test_a_waiting_job_can_be_cancelled(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(JobRunner, "start", lambda _: None)
    server = serve()
    client = server.client
    location = upload(client, ("gym.md", b"# Gym\n\nFree.\n")).headers["location"]

    assert client.get(location).json()["state"] == "queued"
    assert client.delete(location).json()["state"] == "cancelled"
    assert client.get(location).json()["state"] == "cancelled"
    assert files_below(server, "uploads") == []


def test_cancelling_a_finished_job_changes_nothing(empty: httpx.Client) -> None:
    job = finished_job(empty, upload(empty, ("gym.md", b"# Gym\n\nFree.\n")))

    assert empty.delete(f"/v1/jobs/{job['id']}").json().items() <= job.items()


@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("DELETE", ""), ("GET", "/events"), ("GET", "/files")]
)
def test_unknown_jobs(empty: httpx.Client, method: str, path: str) -> None:
    assert problem(empty.request(method, f"/v1/jobs/unknown{path}")) == (404, "job_not_found")
