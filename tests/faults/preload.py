"""Imported once, by the process that workers are forked from: what they would otherwise all import."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from ingest.parsing.read import read_file
from tests.faults import worker  # noqa: F401

with TemporaryDirectory() as _folder:
    _file = Path(_folder) / "file.txt"
    _file.write_text("The rule of the handbook says what is to be done. It says it in English.")
    read_file(_file, _file.name, None)
