"""``docs/llms.md`` says of every provider what its row does, and its examples can be used as they stand."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import pytest

from rag.llm.named import spec_of
from rag.llm.provider import Provider
from rag.llm.provider_table import PROVIDERS
from rag.llm.providers import build_chat_model
from rag.settings import load_settings
from tests.llm.wire import NOT_OURS

pytestmark = NOT_OURS

PAGE = (Path(__file__).parents[2] / "docs" / "llms.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


def row_of(provider: Provider) -> str:
    """As it must stand on the page."""
    model = f"{provider.prefix}:{provider.example}"
    address = f"`{provider.base_url}`" if provider.base_url else "to be set"
    if provider.is_local:
        address = "none"
    variables = ", ".join(f"`{name}`" for name in provider.key_variables) or "none"
    key = variables if provider.needs_key or not provider.key_variables else f"{variables}, if it has one"
    package = f"`footnote[{provider.extra}]`" if provider.extra else "every installation"
    cells = (provider.title, f"`FOOTNOTE_LLM={model}`", f'`model = "{model}"`', address, key, package)
    return f"| {' | '.join(cells)} |"


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.prefix)
def test_the_page_has_the_row(provider: Provider) -> None:
    assert row_of(provider) in PAGE.splitlines()


def test_the_page_has_no_other_rows() -> None:
    rows = [line for line in PAGE.splitlines() if "`FOOTNOTE_LLM=" in line and line.startswith("|")]
    assert rows == [row_of(provider) for provider in PROVIDERS]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: next(iter(tomllib.loads(example)["llms"])))
def test_an_example_can_be_used_as_it_stands(
    example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "footnote.toml").write_text(example, encoding="utf-8")
    for name in ("AZURE_OPENAI_API_KEY", "DATABRICKS_TOKEN"):
        monkeypatch.setenv(name, "sk-of-the-variable")
    settings = load_settings()
    for name, llm in settings.llms.items():
        if not llm.model.startswith("huggingface_local:"):  # its weights are not here
            assert build_chat_model(spec_of(name, settings))


@pytest.mark.parametrize("command", COMMANDS)
def test_an_export_can_be_used_as_it_stands(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in re.findall(r"^export (\w+)=(\S+)$", command, re.MULTILINE):
        monkeypatch.setenv(name, value)
    assert os.environ["FOOTNOTE_LLM"]
    settings = load_settings()
    assert build_chat_model(spec_of(settings.llm, settings))
