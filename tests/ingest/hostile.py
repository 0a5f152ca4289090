"""What a bad file can make a parser do; runs in the parser processes of the tests."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ingest.parsing.read import read_file
from ingest.stages import ReadFile


def read(local: Path, path: str, title: str | None) -> ReadFile:
    """Misbehave as the file's name says; read any other file as usual."""
    match Path(path).stem:
        case "hang":
            time.sleep(600)
        case "crash":
            os.abort()
        case "greedy":
            bytearray(64 << 30)
        case "bug":
            raise KeyError("a parser's own mistake")
        case "spin":
            while True:
                pass
        case "bad-alloc":
            os.write(2, b"terminate called after throwing an instance of 'std::bad_alloc'\n")
            os.abort()
        case "network":
            return read_file(_report(_network_attempts()), path, title)
        case "write":
            return read_file(_report(_write_attempts(local)), path, title)
    return read_file(local, path, title)


def _report(said: str) -> Path:
    """The place a parser may write to."""
    file = Path(tempfile.gettempdir()) / "report.txt"
    file.write_text(said, encoding="utf-8")
    return file


def _network_attempts() -> str:
    said = []
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.socket(family, socket.SOCK_STREAM)
            said.append("open")
        except PermissionError:
            said.append("refused")
    return " ".join(said)


def _write_attempts(local: Path) -> str:
    """Every way to change something beside the temporary folder."""
    attempts: list[Callable[[], object]] = [
        lambda: local.write_text("changed"),
        lambda: (local.parent / "new.txt").write_text("new"),
        lambda: (local.parent / "new").mkdir(),
        lambda: local.unlink(),
        lambda: local.rename(local.with_suffix(".old")),
        lambda: (local.parent / "link").symlink_to(local),
        lambda: os.truncate(local, 0),
        lambda: subprocess.run(["touch", local.parent / "touched"], check=True, stderr=subprocess.DEVNULL),
    ]
    said = []
    for attempt in attempts:
        try:
            attempt()
            said.append("done")
        except (PermissionError, subprocess.CalledProcessError):
            said.append("refused")
    return " ".join(said)
