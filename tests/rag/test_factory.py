"""What is built from the settings, once, and what is said when it cannot be."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rag.errors import EmbeddingMismatch, InvalidRequest, ModelUnavailable
from rag.factory import Footnote
from rag.settings import load_settings
from tests.fakes import HashedEmbedder, ScriptedGenerator
from tests.openai_server import openai_server
from tests.passages import LEAVE, passage, prompt


@pytest.fixture
def footnote() -> Iterator[Footnote]:
    generators = {"scripted": ScriptedGenerator("Yes [1].")}
    with Footnote(load_settings(), embedder=HashedEmbedder(), generators=generators) as opened:
        yield opened


def test_nothing_is_opened_before_it_is_used(footnote: Footnote, tmp_path: Path) -> None:
    assert not (tmp_path / "data").exists()
    assert footnote.catalog.collections() == []
    assert (tmp_path / "data" / "catalog.sqlite3").is_file()


def test_threads_share_one_of_each_part(footnote: Footnote) -> None:
    found: list[tuple[int, int, int]] = []
    threads = [
        threading.Thread(
            target=lambda: found.append((id(footnote.catalog), id(footnote.indexes), id(footnote.retriever)))
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_a_collection_is_made_at_its_first_use_and_found_afterwards(footnote: Footnote) -> None:
    assert footnote.open_collection("handbook") == footnote.open_collection("handbook")


def test_a_collection_keeps_the_model_that_made_it(tmp_path: Path) -> None:
    models = {"small": HashedEmbedder(name="small"), "large": HashedEmbedder(name="large")}
    with Footnote(load_settings(embedding_model="small"), embedders=models) as footnote:
        made = footnote.open_collection("handbook")
        assert made.embedding_model == "small"
    with Footnote(load_settings(embedding_model="large"), embedders=models) as footnote:
        opened = footnote.open_collection("handbook")
        assert opened == made
        assert footnote.embedder_for(opened) is models["small"]
        assert footnote.embedder is models["large"]
        assert footnote.embedder_for(footnote.open_collection("new")) is models["large"]


def test_a_model_that_is_gone_is_named_with_the_way_out(footnote: Footnote, tmp_path: Path) -> None:
    gone = replace(footnote.open_collection("handbook"), embedding_model=str(tmp_path / "gone"))
    with pytest.raises(ModelUnavailable, match=r"'handbook'.*gone.*footnote collections reembed handbook"):
        footnote.embedder_for(gone)


def test_a_model_replaced_under_its_name_is_no_match(footnote: Footnote) -> None:
    made = footnote.open_collection("handbook")
    with (
        Footnote(load_settings(), embedder=HashedEmbedder(name="other")) as other,
        pytest.raises(EmbeddingMismatch, match=r"'handbook'.*hashed.*other.*reembed handbook"),
    ):
        other.embedder_for(made)


def test_a_local_model_is_recorded_by_its_full_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "models" / "mine").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with Footnote(load_settings(embedding_model="models/mine"), embedder=HashedEmbedder()) as footnote:
        made = footnote.open_collection("handbook")
    assert made.embedding_model == str(tmp_path / "models" / "mine")


def test_an_unknown_checker_is_refused_with_the_known_ones(footnote: Footnote) -> None:
    assert footnote.checker() is footnote.checker("local")
    with pytest.raises(InvalidRequest, match=r"'oracle'; known are .*lexical"):
        footnote.checker("oracle")


def test_generators_are_found_by_name(footnote: Footnote) -> None:
    assert footnote.llms.chain("extractive").name == "extractive"
    assert footnote.llms.chain("scripted").name == "scripted"
    with pytest.raises(InvalidRequest, match="provider:model"):
        footnote.answerer("gpt")
    with pytest.raises(ModelUnavailable):
        footnote.answerer("openai:gpt-5-mini")  # no key is set


def test_an_openai_compatible_server_is_one_setting_away() -> None:
    with openai_server("Twenty-five days [1].") as server:
        settings = load_settings(llm="openai:local", llm_base_url=server.base_url, llm_max_tokens=77)
        with Footnote(settings, embedder=HashedEmbedder()) as footnote:
            *_, draft = footnote.llms.chain(settings.llm).stream(prompt("How many days?", passage(LEAVE)))
        (request,) = server.requests
    assert draft.text == "Twenty-five days [1]."  # type: ignore[union-attr]
    assert {77} <= {request.body.get("max_tokens"), request.body.get("max_completion_tokens")}
