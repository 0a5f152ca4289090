"""Every test runs without settings from the environment and with its own data directory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.fakes import HashedEmbedder


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("FOOTNOTE_") or name.endswith("_API_KEY"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("FOOTNOTE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def embedder() -> HashedEmbedder:
    return HashedEmbedder()
