"""Every test runs without settings from the environment and with its own data directory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.fakes import HashedEmbedder

# Other work on the machine must not fail a property; and the same examples every time, so that a change is
# judged by what it changes. FOOTNOTE_HYPOTHESIS=random looks for new ones.
settings.register_profile(
    "footnote",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=os.environ.get("FOOTNOTE_HYPOTHESIS") != "random",
)
settings.load_profile("footnote")


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
