"""Servers are killed in the middle of a job, and their jobs end all the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from rag.domain import Access
from rag.store.catalog import open_catalog
from tests.patience import LONG_S, wait_for

HOUSE = Path(__file__).parents[2]
FILES = 300


class Process:
    """A running server."""

    def __init__(self, data_dir: Path, root: Path) -> None:
        command = [sys.executable, "-m", "tests.api.serving", str(data_dir), str(root)]
        environment = os.environ | {"PYTHONPATH": str(HOUSE)}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        assert self.process.stdout is not None
        self.client = httpx.Client(base_url=self.process.stdout.readline().strip(), timeout=LONG_S)
        wait_for(self.answers)

    def answers(self) -> bool:
        try:
            return self.client.get("/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def job(self, job_id: str) -> Any:
        return self.client.get(f"/v1/jobs/{job_id}").json()

    def end(self, how: signal.Signals) -> None:
        self.client.close()
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.process.wait(timeout=LONG_S)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "handbook"
    root.mkdir()
    for number in range(FILES):
        (root / f"{number:04d}.md").write_text(f"# Rule {number}\n\nThis is rule {number} of the handbook.\n")
    return root


@pytest.fixture
def start(tmp_path: Path, folder: Path) -> Iterator[Callable[[], Process]]:
    started: list[Process] = []

    def one() -> Process:
        started.append(Process(tmp_path / "data", folder))
        return started[-1]

    yield one
    for server in started:
        server.end(signal.SIGTERM)


def begun(server: Process, folder: Path) -> str:
    """A job that has committed something and is far from its end."""
    job_id: str = server.client.post("/v1/ingestions", json={"path": str(folder)}).json()["id"]
    wait_for(lambda: server.job(job_id)["counts"].get("added", 0) > 0)
    return job_id


def check(data_dir: Path, job_id: str, *, attempts: int) -> None:
    """Every document is there once, and the job says so."""
    catalog = open_catalog(f"sqlite:///{data_dir / 'catalog.sqlite3'}")
    try:
        collection = catalog.collection("default")
        documents = catalog.documents(collection.id, access=Access.everything(), limit=2 * FILES)
        job = catalog.job(job_id)
        files = catalog.job_files(job_id, limit=2 * FILES)
    finally:
        catalog.close()
    expected = [f"{number:04d}.md" for number in range(FILES)]
    assert sorted(document.path for document in documents) == expected
    assert {document.version for document in documents} == {1}
    assert {file.path for file in files} <= set(expected)
    assert job.attempts == attempts
    assert job.result is not None
    assert job.result["added"] + job.result["unchanged"] == FILES
    assert job.result["unchanged"] > 0


def committed(server: Process, job_id: str) -> bool:
    job = server.job(job_id)
    assert job["state"] in {"queued", "running", "committed"}, job
    return bool(job["state"] == "committed")


@pytest.mark.slow
def test_the_job_of_a_killed_server_is_ended_by_the_next_one(
    start: Callable[[], Process], folder: Path, tmp_path: Path
) -> None:
    first = start()
    job_id = begun(first, folder)
    first.end(signal.SIGKILL)
    second = start()
    assert second.job(job_id)["state"] == "running"
    wait_for(lambda: committed(second, job_id))
    check(tmp_path / "data", job_id, attempts=2)


@pytest.mark.slow
def test_the_job_of_a_killed_server_is_ended_by_its_neighbour(
    start: Callable[[], Process], folder: Path, tmp_path: Path
) -> None:
    servers = [start(), start()]
    job_id = begun(servers[0], folder)
    catalog = open_catalog(f"sqlite:///{tmp_path / 'data' / 'catalog.sqlite3'}")
    owner = catalog.job(job_id).owner or ""
    catalog.close()
    victim = next(server for server in servers if f":{server.process.pid}:" in owner)
    servers.remove(victim)
    victim.end(signal.SIGKILL)
    wait_for(lambda: servers[0].job(job_id)["attempts"] == 2)
    wait_for(lambda: committed(servers[0], job_id))
    check(tmp_path / "data", job_id, attempts=2)


@pytest.mark.slow
def test_a_server_that_is_asked_to_end_hands_its_job_over_at_once(
    start: Callable[[], Process], folder: Path, tmp_path: Path
) -> None:
    first = start()
    job_id = begun(first, folder)
    first.end(signal.SIGTERM)
    second = start()
    wait_for(lambda: second.job(job_id)["state"] != "queued")
    wait_for(lambda: committed(second, job_id))
    check(tmp_path / "data", job_id, attempts=1)
