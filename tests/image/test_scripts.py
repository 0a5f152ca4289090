"""The scripts that run inside the container, tried outside of it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

DOCKER = Path(__file__).parents[2] / "docker"
# Stands in for the image's Python: shows what Footnote would be given.
PYTHON = f"""#!/bin/sh
if [ "$1" = -c ]; then exec {sys.executable} "$@"; fi
echo "$@"
echo "key=${{FOOTNOTE_API_KEY-none}} file=${{FOOTNOTE_API_KEY_FILE-none}}"
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "volume").mkdir()
    return tmp_path / "volume"


def footnote(data: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the entry point over ``data``."""
    programs = data.parent / "bin"
    programs.mkdir(exist_ok=True)
    (programs / "python").write_text(PYTHON)
    (programs / "python").chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    given = {"PATH": path, "FOOTNOTE_DATA_DIR": str(data), **environment}
    command = [str(DOCKER / "entrypoint.sh"), *arguments]
    return subprocess.run(command, env=given, capture_output=True, text=True)


def test_the_first_start_makes_a_key_that_the_next_one_keeps(data: Path) -> None:
    first, second = (footnote(data, "serve", "--port", "8000") for _ in range(2))

    key = (data / "api-key").read_text().strip()
    assert len(key) >= 40
    assert first.stdout == second.stdout == f"-P -m api serve --port 8000\nkey={key} file=none\n"
    assert key not in first.stderr, "what a container says is kept in logs"
    assert (data / "api-key").stat().st_mode & 0o077 == 0


def test_a_key_that_is_given_is_the_key(data: Path) -> None:
    secret = data.parent / "secret"
    secret.write_text("from-a-file\n")

    assert "key=mine" in footnote(data, "serve", FOOTNOTE_API_KEY="mine").stdout
    assert "key=from-a-file file=none" in footnote(data, "serve", FOOTNOTE_API_KEY_FILE=str(secret)).stdout
    assert not (data / "api-key").exists()


def test_an_empty_key_is_none(data: Path) -> None:
    said = footnote(data, "serve", FOOTNOTE_API_KEY="", FOOTNOTE_API_KEY_FILE="")

    assert f"key={(data / 'api-key').read_text()}" in said.stdout.replace(" file", "\n file")


def test_other_commands_make_no_key_but_know_it(data: Path) -> None:
    before = footnote(data, "ingest", "/some documents")
    footnote(data, "serve")
    after = footnote(data, "doctor")

    assert before.stdout == "-P -m api ingest /some documents\nkey=none file=none\n"
    assert after.stdout == f"-P -m api doctor\nkey={(data / 'api-key').read_text().strip()} file=none\n"


def test_a_secret_that_is_not_there_stops_it(data: Path) -> None:
    said = footnote(data, "serve", FOOTNOTE_API_KEY_FILE="/run/secrets/nothing")

    assert said.returncode == 1
    assert "mount the secret there" in said.stderr


def test_a_volume_it_cannot_write_to_stops_it_with_the_way_out(data: Path) -> None:
    said = footnote(data / "missing", "serve")

    assert said.returncode == 1
    assert "chown the folder to" in said.stderr


@pytest.fixture(params=[200, 503])
def server(request: pytest.FixtureRequest) -> Iterator[HTTPServer]:
    class Ready(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(request.param if self.path == "/readyz" else 404)
            self.end_headers()
            self.wfile.write(b'{"checks": []}')

        def log_message(self, format: str, *arguments: object) -> None:
            """Quietly."""

    with HTTPServer(("127.0.0.1", 0), Ready) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        server.status = request.param
        yield server
        server.shutdown()
        thread.join()


def health(port: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(DOCKER / "healthcheck.py"), str(port)]
    return subprocess.run(command, capture_output=True, text=True)


def test_it_is_healthy_when_the_server_says_that_it_is_ready(server: HTTPServer) -> None:
    said = health(server.server_port)

    assert said.returncode == (0 if server.status == 200 else 1)
    assert "checks" in said.stdout


def test_it_is_not_healthy_while_nobody_listens(unused_port: int) -> None:
    said = health(unused_port)

    assert said.returncode == 1
    assert "no answer on port" in said.stdout


@pytest.fixture
def unused_port() -> int:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        return server.server_port
