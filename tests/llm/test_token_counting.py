"""Tokens are counted by the model's own tokenizer where it lies here, and estimated elsewhere."""

from __future__ import annotations

from pathlib import Path

import huggingface_hub.constants
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from rag.llm.token_counting import token_counter
from rag.prompting.tokens import EstimatedTokens

TEXT = "leave is twenty-five days"


def write_tokenizer(folder: Path) -> None:
    """A tokenizer that counts words and signs, and stops at two."""
    tokenizer = Tokenizer(WordLevel({"?": 0}, unk_token="?"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.enable_truncation(2)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))


def test_a_model_in_a_folder_counts_for_itself(tmp_path: Path) -> None:
    write_tokenizer(tmp_path)
    assert token_counter(str(tmp_path)).count(TEXT) == 6


def test_a_model_of_the_hub_counts_for_itself_once_it_is_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    assert isinstance(token_counter("acme/tiny"), EstimatedTokens)
    repository = tmp_path / "models--acme--tiny"
    write_tokenizer(repository / "snapshots" / "abc")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("abc", encoding="utf-8")
    assert token_counter("acme/tiny").count(TEXT) == 6


@pytest.mark.parametrize("model", ["gpt-5-mini", "a/b/c", "models/gemini", "no/such-model", "llama3.2:3b"])
def test_other_models_are_estimated(model: str) -> None:
    assert isinstance(token_counter(model), EstimatedTokens)


def test_a_tokenizer_that_cannot_be_read_is_not_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    assert isinstance(token_counter(str(tmp_path)), EstimatedTokens)
    assert "tokens are estimated" in caplog.text


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("", 0, 0),
        ("Annual leave is twenty-five days a year.", 9, 16),
        ("Les congés annuels sont de vingt-cinq jours par an.", 12, 22),
        ("2026-03-12 1234567890", 10, 22),
        ("年次休暇は二十五日です。", 10, 20),
        ("Отпуск составляет двадцать пять дней.", 10, 37),
        ('{"a": [1, 2]}', 9, 16),
        ("a" * 400, 50, 100),
    ],
)
def test_an_estimate_is_rather_too_high_than_too_low(text: str, least: int, most: int) -> None:
    assert least <= EstimatedTokens().count(text) <= most
