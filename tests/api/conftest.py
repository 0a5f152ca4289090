"""A real server on loopback over a small handbook, with the hashed embedder in place of the model."""

from __future__ import annotations

import json
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn

from api.app import create_app
from ingest.factory import build_ingestor
from ingest.sources import FolderSource
from rag.factory import Footnote
from rag.settings import load_settings
from tests.fakes import HashedEmbedder
from tests.patience import LONG_S, wait_for

HANDBOOK = {
    "leave.md": "# Annual leave\n\nEvery employee has 27 days of annual leave per year.\n\n"
    "## Carry-over\n\nUp to five days of annual leave may be carried over until 31 March.\n",
    "expenses.md": "# Travel expenses\n\nTrain tickets in second class are repaid within ten working days.\n",
    "fr/conges.md": "# Congé parental\n\nLe congé parental dure seize semaines et il est payé en entier.\n",
}
QUESTION = "How many days of annual leave does every employee have per year?"


@dataclass(frozen=True, kw_only=True)
class Server:
    """A served Footnote and a client for it."""

    footnote: Footnote
    client: httpx.Client
    url: str


@pytest.fixture
def handbook(tmp_path: Path) -> Path:
    """A folder of small documents that no test has ingested yet."""
    return write_handbook(tmp_path / "handbook")


@pytest.fixture(scope="session")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with the handbook in the collection `default`; copy it, never change it."""
    place = tmp_path_factory.mktemp("ingested")
    settings = load_settings(data_dir=place / "data")
    with Footnote(settings, embedder=HashedEmbedder()) as footnote, build_ingestor(footnote) as ingestor:
        source = FolderSource(write_handbook(place / "handbook"))
        ingestor.sync(source, collection=footnote.open_collection("default"))
    return settings.data_dir


def write_handbook(folder: Path) -> Path:
    for name, text in HANDBOOK.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder


@contextmanager
def running(footnote: Footnote) -> Iterator[Server]:
    """A server over these parts, which are closed when it has stopped."""
    runner = uvicorn.Server(uvicorn.Config(create_app(footnote), log_config=None, ws="none"))
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=runner.run, kwargs={"sockets": [listener]})
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        with httpx.Client(base_url=url, timeout=LONG_S) as client:
            wait_for(lambda: runner.started)
            yield Server(footnote=footnote, client=client, url=url)
    finally:
        runner.should_exit = True
        thread.join(timeout=LONG_S)
        footnote.close()
        assert not thread.is_alive()


@pytest.fixture
def serve(tmp_path: Path, handbook: Path, ingested: Path) -> Iterator[Callable[..., Server]]:
    """Starts servers with the given settings; all are stopped after the test."""

    def start(*, filled: bool = False, **settings: Any) -> Server:
        settings = {
            "data_dir": tmp_path / "data",
            "allowed_roots": (handbook,),
            "disk_floor_mb": 0,
        } | settings
        if filled:
            shutil.copytree(ingested, settings["data_dir"])
        return servers.enter_context(running(Footnote(load_settings(**settings), embedder=HashedEmbedder())))

    with ExitStack() as servers:
        yield start


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory, ingested: Path) -> Iterator[Server]:
    """One server over the ingested handbook for all tests of a module, which only ask."""
    data_dir = tmp_path_factory.mktemp("shared") / "data"
    shutil.copytree(ingested, data_dir)
    settings = load_settings(data_dir=data_dir, disk_floor_mb=0)
    with running(Footnote(settings, embedder=HashedEmbedder())) as server:
        yield server


@pytest.fixture
def server(serve: Callable[..., Server]) -> Server:
    """A server over the ingested handbook."""
    return serve(filled=True)


@pytest.fixture
def client(server: Server) -> httpx.Client:
    return server.client


@contextmanager
def leaving(url: str, body: dict[str, Any]) -> Iterator[None]:
    """Ask, and close the connection at the end of the block, without waiting for the answer."""
    place = urlsplit(url)
    assert place.hostname is not None
    with closing(HTTPConnection(place.hostname, place.port, timeout=LONG_S)) as connection:
        connection.request("POST", place.path, json.dumps(body), {"Content-Type": "application/json"})
        yield


def finished_job(client: httpx.Client, response: httpx.Response) -> dict[str, Any]:
    """The job of a 202 once it is final."""
    assert response.status_code == 202, response.text

    def final() -> dict[str, Any] | None:
        job: dict[str, Any] = client.get(response.headers["location"]).json()
        return job if job["state"] in {"committed", "failed", "cancelled"} else None

    job = wait_for(final)
    assert job is not None
    return job


def problem(response: httpx.Response) -> tuple[int, str]:
    """Status and code of a problem response."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    body = response.json()
    assert {"type", "title", "status", "detail", "code", "instance"} <= body.keys()
    assert body["status"] == response.status_code
    return response.status_code, body["code"]
