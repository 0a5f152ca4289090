"""Temporary files do not pile up, whatever ends the process that made them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from ingest.parsing.scratch import Scratch

HOUSE = Path(__file__).parents[2]
HOLD = "from ingest.parsing.scratch import Scratch; kept = Scratch(); print(kept.folder, flush=True); input()"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_the_folder_of_a_killed_process_is_removed_by_the_next_and_a_live_one_stays(place: Path) -> None:
    environment = os.environ | {"TMPDIR": str(place), "PYTHONPATH": str(HOUSE)}
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    with holder:
        assert holder.stdout is not None
        folder = Path(holder.stdout.readline().strip())
        (folder / "0").mkdir()
        long_ago = time.time() - 3600
        os.utime(folder, (long_ago, long_ago))
        Scratch().remove()
        assert folder.exists()
        holder.kill()
        holder.wait()
        os.utime(folder, (long_ago, long_ago))
        Scratch().remove()
        assert list(place.iterdir()) == []
