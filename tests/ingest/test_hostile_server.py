"""A real server goes on answering while it ingests a folder of files made to hurt."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.test_killed_servers import Process
from tests.ingest import bombs

FILES = (
    "bomb.zip",
    "nested.zip",
    "crowded.zip",
    "bomb.txt.gz",
    "bomb.pdf",
    "bomb.png",
    "bomb.xlsx",
    "deep.json",
)
pytestmark = pytest.mark.slow


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Process]:
    root = tmp_path / "handbook"
    root.mkdir()
    (root / "leave.md").write_text("# Leave\n\nEverybody has twenty-seven days of leave.\n")
    running = Process(tmp_path / "data", root)
    yield running
    running.end(signal.SIGTERM)


def test_the_api_answers_while_bombs_are_parsed(server: Process, tmp_path: Path) -> None:
    root = tmp_path / "handbook"
    ingest(server, root)
    for name in FILES:
        bombs.BOMBS[name](root / name)

    job = server.client.post("/v1/ingestions", json={"path": str(root)}).json()["id"]
    answers = 0
    while server.job(job)["state"] in ("queued", "running"):
        assert server.client.get("/healthz").status_code == 200
        found = server.client.post("/v1/search", json={"query": "days of leave"}).json()["results"]
        assert "twenty-seven" in found[0]["text"]
        answers += server.job(job)["state"] == "running"
        time.sleep(0.05)

    result = server.job(job)["result"]
    assert {failure["path"] for failure in result["failures"] if "!/" not in failure["path"]} == set(FILES)
    assert result["unchanged"] == 1
    assert answers > 0


def ingest(server: Process, root: Path) -> None:
    """Ingest the folder and wait for the end."""
    job = server.client.post("/v1/ingestions", json={"path": str(root)}).json()["id"]
    while server.job(job)["state"] in ("queued", "running"):
        time.sleep(0.05)
    assert server.job(job)["state"] == "committed"
