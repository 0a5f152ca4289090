"""/v1/evaluations: suites run in the background, below the allowed roots only, and their reports."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from eval.suite.jobs import EvaluationRunner
from tests.api.conftest import QUESTION, Server, problem
from tests.eval.suite.small import QUICK
from tests.eval.test_readers import write_lines
from tests.patience import wait_for

Serve = Callable[..., Server]
FINAL = {"committed", "failed", "cancelled"}


@pytest.fixture
def suites(tmp_path: Path) -> Path:
    """An allowed folder with a suite over the ingested handbook."""
    folder = tmp_path / "suites"
    folder.mkdir()
    write_lines(
        folder / "questions.jsonl",
        {"id": "leave", "question": QUESTION, "document": "handbook/leave.md", "answer": "27 days"},
        {"id": "moon", "question": "Who walked on the moon?", "answerable": False},
    )
    write(folder)
    return folder


def write(folder: Path, *more: str, name: str = "suite.toml", questions: str = "questions.jsonl") -> Path:
    lines = ['name = "mine"', 'collection = "default"', f'questions = "{questions}"', QUICK, *more]
    (folder / name).write_text("\n".join(lines), encoding="utf-8")
    return folder / name


@pytest.fixture
def client(serve: Serve, suites: Path) -> httpx.Client:
    return serve(filled=True, allowed_roots=(suites,)).client


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Evaluations stay in the queue."""
    monkeypatch.setattr(EvaluationRunner, "start", lambda _: None)


def post(client: httpx.Client, suite: Path, **more: Any) -> httpx.Response:
    return client.post("/v1/evaluations", json={"suite": str(suite), **more})


def finished(client: httpx.Client, location: str) -> dict[str, Any]:
    def final() -> dict[str, Any] | None:
        found: dict[str, Any] = client.get(location).json()
        return found if found["state"] in FINAL else None

    found = wait_for(final)
    assert found is not None
    return found


def test_a_suite_runs_in_the_background_and_leaves_a_report(client: httpx.Client, suites: Path) -> None:
    response = post(client, suites / "suite.toml")
    assert response.status_code == 202, response.text
    done = finished(client, response.headers["location"])

    assert (done["suite"], done["state"], "error" in done) == ("mine", "committed", False)
    assert done["result"]["figures"]["refusal_recall"]["n"] == 1
    page = client.get(done["report"])
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert QUESTION in page.text
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert policy.endswith("; sandbox")
    data = client.get(done["report"], headers={"accept": "application/json"}).json()
    assert [case["id"] for case in data["cases"]]
    assert data["schema_version"] == 1

    assert [each["id"] for each in client.get("/v1/evaluations").json()["items"]] == [done["id"]]
    assert client.get(f"/v1/jobs/{done['id']}").json()["kind"] == "evaluation"

    again = finished(client, post(client, suites / "suite.toml", baseline=done["id"]).headers["location"])
    assert again["result"]["comparison"]["regressions"] == []
    assert again["baseline"] == done["id"]
    assert "Against the baseline" in client.get(again["report"]).text


def test_nothing_outside_the_allowed_roots_is_read(
    client: httpx.Client, suites: Path, tmp_path: Path, idle: None
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    write_lines(outside / "questions.jsonl", {"id": "secret", "question": "What is in here?"})
    write(outside)
    (suites / "link.toml").symlink_to(outside / "suite.toml")
    (suites / "link.jsonl").symlink_to(outside / "questions.jsonl")
    (suites / "folder").mkdir()
    (suites / "folder" / "corpus.jsonl").symlink_to(outside / "questions.jsonl")
    absolute = f"{outside}/questions.jsonl"
    for suite in (
        outside / "suite.toml",
        outside / "missing.toml",
        suites / ".." / "outside" / "suite.toml",
        suites / "link.toml",
        write(suites, name="up.toml", questions="../outside/questions.jsonl"),
        write(suites, name="missing.toml", questions="../outside/missing.jsonl"),
        write(suites, name="absolute.toml", questions=absolute),
        write(suites, name="linked.toml", questions="link.jsonl"),
        write(suites, 'retrieval = ["folder"]', name="folder.toml"),
    ):
        assert problem(post(client, suite)) == (403, "forbidden"), suite
    assert client.get("/v1/evaluations").json()["items"] == []


def test_without_allowed_roots_no_suite_may_be_named(serve: Serve, suites: Path) -> None:
    client = serve(filled=True, allowed_roots=()).client
    assert problem(post(client, suites / "suite.toml")) == (403, "forbidden")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('quetions = "x"', (422, "suite_error")),
        ('llm = "openai:http://evil.example"', (422, "invalid_request")),
        ('judge = "openai:gpt-5-mini"', (422, "invalid_request")),
        ('checker = "none such"', (422, "invalid_request")),
    ],
)
def test_what_cannot_be_run_is_said_at_once(
    client: httpx.Client, suites: Path, idle: None, line: str, expected: tuple[int, str]
) -> None:
    assert problem(post(client, write(suites, line))) == expected


def test_names_that_there_are_not(client: httpx.Client, suites: Path, idle: None) -> None:
    assert problem(post(client, suites / "nothing.toml")) == (422, "invalid_request")
    assert problem(post(client, suites / "suite.toml", baseline="unknown")) == (404, "job_not_found")
    assert problem(client.get("/v1/evaluations/unknown")) == (404, "job_not_found")
    ingestion = client.post("/v1/ingestions", json={"path": str(suites), "dry_run": True}).json()["id"]
    for path in ("", "/report"):
        assert problem(client.get(f"/v1/evaluations/{ingestion}{path}")) == (404, "job_not_found")
    assert problem(client.delete(f"/v1/evaluations/{ingestion}")) == (404, "job_not_found")


def test_an_evaluation_can_be_cancelled_and_then_has_no_report(
    client: httpx.Client, suites: Path, idle: None
) -> None:
    made = post(client, suites / "suite.toml").json()
    assert problem(client.get(f"/v1/evaluations/{made['id']}/report")) == (409, "conflict")
    assert client.delete(f"/v1/evaluations/{made['id']}").json()["state"] == "cancelled"
    assert problem(client.get(f"/v1/evaluations/{made['id']}/report")) == (409, "conflict")


def test_the_same_key_gives_the_same_evaluation(client: httpx.Client, suites: Path, idle: None) -> None:
    request = {"json": {"suite": str(suites / "suite.toml")}, "headers": {"idempotency-key": "one"}}
    first, second = (client.post("/v1/evaluations", **request) for _ in range(2))  # type: ignore[arg-type]
    assert first.json()["id"] == second.json()["id"]


def test_a_failed_evaluation_says_why(client: httpx.Client, suites: Path) -> None:
    (suites / "questions.jsonl").write_text("not JSON\n")
    done = finished(client, post(client, suites / "suite.toml").headers["location"])
    assert (done["state"], done["error"]["code"]) == ("failed", "dataset_error")
    assert "line 1" in done["error"]["message"]


def test_a_key_is_needed_where_one_is_set(serve: Serve, suites: Path) -> None:
    client = serve(filled=True, allowed_roots=(suites,), api_key="secret").client
    assert problem(post(client, suites / "suite.toml")) == (401, "not_authorized")
    assert problem(client.get("/v1/evaluations")) == (401, "not_authorized")
