"""`footnote eval compare`, with a language model behind HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.conftest import QUESTION
from tests.api.test_cli import Footnote, filled, footnote, one_object  # noqa: F401 (fixtures)
from tests.openai_server import USAGE, OpenAIServer, Reply, openai_server

PRICES = """
written = 2026-01-31
currency = "EUR"
[[price]]
model = "openai:*"
input = 2.0
output = 10.0
"""


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    file = tmp_path / "questions.jsonl"
    rows = [
        {"id": "a", "question": QUESTION, "answer": "27 days", "document": "leave.md"},
        {"id": "b", "question": "Is the moon made of green cheese?", "answerable": False},
    ]
    file.write_text("\n".join(map(json.dumps, rows)))
    return file


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAIServer]:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    with openai_server("Every employee has 27 days of annual leave per year [1].") as serving:
        monkeypatch.setenv("OPENAI_BASE_URL", serving.base_url)
        yield serving


def test_models_are_compared_and_priced(
    filled: Footnote,  # noqa: F811
    questions: Path,
    server: OpenAIServer,
    tmp_path: Path,
) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text(PRICES)
    result = filled(
        "eval", "compare", questions, "--llm", "extractive", "--llm", "openai:scripted",
        "--prices", prices, "--out", tmp_path / "compared", "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    report = one_object(result)
    extractive, model = report["variants"]
    assert model["metrics"]["right"]["mean"] == 1
    assert model["cost"]["per_thousand_questions"] == pytest.approx(
        1000 * (USAGE["prompt_tokens"] * 2 + USAGE["completion_tokens"] * 10) / 1_000_000, abs=1e-4
    )
    assert extractive["cost"]["per_thousand_questions"] == 0
    assert report["prices"] == {"written": "2026-01-31", "currency": "EUR", "is_example": False}
    files = {file.name for file in (tmp_path / "compared").iterdir()}
    assert files == {"comparison.json", "comparison.html", "answers.csv"}


def test_the_table_names_models_prices_and_failures(
    filled: Footnote,  # noqa: F811
    questions: Path,
    server: OpenAIServer,
) -> None:
    server.script[:] = [Reply(status=401, text="no such key")]
    result = filled("eval", "compare", questions, "--llm", "extractive", "--llm", "openai:scripted")
    assert result.exit_code == 0, result.output
    assert "openai:scripted answered nothing and has no score" in result.output
    assert "Prices are the shipped examples" in result.output
    assert "Bradley-Terry" in result.output


def test_when_nobody_answers_the_command_fails(
    filled: Footnote,  # noqa: F811
    questions: Path,
    server: OpenAIServer,
) -> None:
    server.script[:] = [Reply(status=401)]
    result = filled("eval", "compare", questions, "--llm", "openai:one", "--llm", "openai:two", "--json")
    assert result.exit_code == 1
    assert one_object(result)["ranking"] == []


def test_wrong_usage_is_said_before_anything_is_asked(filled: Footnote, questions: Path) -> None:  # noqa: F811
    result = filled("eval", "compare", questions, "--llm", "extractive")
    assert result.exit_code == 2
    assert "give --llm twice" in result.output
    result = filled(
        "eval", "compare", questions, "--setting", "k=4", "--setting", "k=5", "--prices", "none.toml"
    )
    assert result.exit_code == 2
    assert "none.toml" in result.output
