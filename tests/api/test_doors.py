"""The sample program: one question through every door, and every door rests on the same document."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from tests.api.conftest import QUESTION, Server

pytestmark = pytest.mark.slow

PROGRAM = Path(__file__).parents[2] / "samples" / "ask_through_every_door.py"


def load(program: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(program.stem, program)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SAMPLE = load(PROGRAM)


@pytest.mark.parametrize("door", SAMPLE.DOORS)
def test_every_door_gives_an_answer_with_its_source(
    door: str, shared_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SAMPLE, "QUESTION", QUESTION)

    text, citation = SAMPLE.DOORS[door](shared_server.url, shared_server.footnote)

    assert "27 days" in text
    assert "Annual leave (handbook/leave.md)" in citation
