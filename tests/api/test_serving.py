"""The command ``footnote serve`` from its start to its end, as a supervisor sees it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.patience import LONG_S, wait_for

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_sigterm_ends_it_well_with_everything_closed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "api", "serve", "--port", "0", "--json", "--data-dir", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as server:
        assert server.stdout is not None
        url = json.loads(server.stdout.readline())["url"]
        wait_for(lambda: _is_alive(url))
        server.send_signal(signal.SIGTERM)
        _, said = server.communicate(timeout=LONG_S)

    assert server.returncode == 0, said.decode()
    assert b"Traceback" not in said
    assert (tmp_path / "catalog.sqlite3").exists()
    assert not (tmp_path / "catalog.sqlite3-wal").exists()


def _is_alive(url: str) -> bool:
    try:
        return httpx.get(f"{url}healthz").status_code == 200
    except httpx.ConnectError:
        return False
