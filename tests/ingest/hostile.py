"""What a bad file can make a parser do; runs in the parser processes of the tests."""

from __future__ import annotations

import os
import socket
import time
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
        case "network":
            local.write_text(_network_attempts(), encoding="utf-8")
    return read_file(local, path, title)


def _network_attempts() -> str:
    said = []
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.socket(family, socket.SOCK_STREAM)
            said.append("open")
        except PermissionError:
            said.append("refused")
    return " ".join(said)
