"""``footnote bench query``, ``answer`` and ``index`` hand on what they are asked for."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from api.cli import app
from rag.errors import InvalidRequest


@pytest.mark.parametrize(
    ("name", "options"),
    [("query", {"queries": 3, "clients": 2}), ("index", {"queries": 3}), ("answer", {"queries": 3})],
)
def test_every_option_reaches_the_benchmark(
    name: str, options: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def bench(chunks: int, **given: Any) -> None:
        asked.update(given, chunks=chunks)
        raise InvalidRequest("That was all.")

    monkeypatch.setattr(logging.getLogger(), "handlers", logging.getLogger().handlers)  # put back afterwards
    module = "bench_answer" if name == "answer" else "bench"
    monkeypatch.setattr(f"eval.{module}.bench_{name}", bench)
    flags = [part for option, value in options.items() for part in (f"--{option}", str(value))]
    command = ["bench", name, "--chunks", "7", "--keep", str(tmp_path / "kept"), *flags]
    result = CliRunner().invoke(app, command)
    assert "That was all." in result.output
    assert result.exit_code == 2
    asked.pop("settings")
    assert asked == {"chunks": 7, "keep": tmp_path / "kept", **options}


def test_grounding_hands_on_its_options_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def bench(path: Path | None, **given: Any) -> None:
        asked.update(given, path=path)
        raise InvalidRequest("That was all.")

    monkeypatch.setattr(logging.getLogger(), "handlers", logging.getLogger().handlers)  # put back afterwards
    monkeypatch.setattr("eval.bench_grounding.bench_grounding", bench)
    flags = ["--checker", "lexical", "--answers", "3", "--responses", "4"]
    result = CliRunner().invoke(app, ["bench", "grounding", str(tmp_path), *flags])
    assert "That was all." in result.output
    asked.pop("settings")
    assert asked == {"path": tmp_path, "checker": "lexical", "answers": 3, "responses": 4}
