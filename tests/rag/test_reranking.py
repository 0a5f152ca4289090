"""Retrieval with a reranker behind it, over a real catalog and real indexes."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli import app
from rag.domain import Access, Passage, Question, SearchMode, SearchResult
from rag.errors import ModelUnavailable
from rag.factory import Footnote
from rag.settings import load_settings
from tests.cross_encoders import write_cross_encoder
from tests.fakes import HashedEmbedder
from tests.sources import new_version, put

EMBEDDER = HashedEmbedder(dimension=512)
LEAVE = " ".join(f"Annual leave rule {number} is written here." for number in range(1, 10))
SECRET = "The annual leave of directors is forty days."
ASKED = "Which annual leave rule?"


class Reverser:
    """Prefers what retrieval put last, and remembers what it read."""

    description = "reverser (test)"

    def __init__(self) -> None:
        self.read: list[tuple[Question, list[str]]] = []

    def rerank(self, question: Question, passages: Sequence[Passage]) -> list[Passage]:
        self.read.append((question, [passage.text for passage in passages]))
        return [
            replace(passage, score=float(-place), scores={**passage.scores, "rerank": float(-place)})
            for place, passage in enumerate(reversed(passages))
        ]


@pytest.fixture
def reverser() -> Reverser:
    return Reverser()


def filled(footnote: Footnote) -> Footnote:
    collection = footnote.open_collection("handbook")
    pages = {"leave.md": (LEAVE, frozenset()), "secret.md": (SECRET, frozenset({"directors"}))}
    for path, (text, groups) in pages.items():
        put(footnote.catalog, collection.id, new_version(path, text, embedder=EMBEDDER, groups=groups))
    return footnote


@pytest.fixture
def footnote(reverser: Reverser) -> Iterator[Footnote]:
    settings = load_settings(rerank_candidates=4)
    with Footnote(settings, embedder=EMBEDDER, reranker=reverser) as opened:
        yield filled(opened)


@pytest.fixture
def plain() -> Iterator[Footnote]:
    with Footnote(load_settings(), embedder=EMBEDDER) as opened:
        yield filled(opened)


def search(footnote: Footnote, *, k: int, access: Access | None = None) -> SearchResult:
    return footnote.retriever.retrieve(
        ASKED, collection="handbook", k=k, access=access or Access.everything(), mode=SearchMode.HYBRID
    )


def texts(result: SearchResult) -> list[str]:
    return [passage.text for passage in result.passages]


def test_more_is_reread_than_is_wanted(plain: Footnote, footnote: Footnote, reverser: Reverser) -> None:
    best = texts(search(plain, k=4))
    result = search(footnote, k=2)
    assert texts(result) == best[::-1][:2]
    ((question, read),) = reverser.read
    assert (question.text, question.language, read) == (ASKED, "en", best)


def test_what_was_not_reread_follows_in_the_retriever_s_order(plain: Footnote, footnote: Footnote) -> None:
    order = texts(search(plain, k=8))
    result = search(footnote, k=8)
    assert texts(result) == order[:4][::-1] + order[4:]
    scores = [passage.score for passage in result.passages]
    assert scores == sorted(scores, reverse=True)
    assert ["rerank" in passage.scores for passage in result.passages] == [True] * 4 + [False] * 4


def test_what_the_asker_may_not_read_is_not_reread(footnote: Footnote, reverser: Reverser) -> None:
    search(footnote, k=4, access=Access(groups=frozenset({"staff"})))
    ((_, read),) = reverser.read
    assert SECRET not in read


def test_the_time_of_rereading_is_told(footnote: Footnote, plain: Footnote) -> None:
    timings = search(footnote, k=2).timings_ms
    assert list(timings) == ["embed", "retrieve", "total", "rerank"]
    assert timings["total"] >= timings["rerank"] > 0
    assert "rerank" not in search(plain, k=2).timings_ms


def test_an_answer_rests_on_the_reread_passages(footnote: Footnote) -> None:
    answer = footnote.answerer().answer(ASKED, collection="handbook", access=Access.everything(), k=2)
    assert texts(search(footnote, k=2)) == [passage.text for passage in answer.passages]
    assert answer.timings_ms["rerank"] > 0
    parts = sum(spent for stage, spent in answer.timings_ms.items() if stage != "total")
    assert parts <= answer.timings_ms["total"]


# --------------------------------------------------------------------- from the settings, for real


@pytest.mark.slow
def test_a_cross_encoder_is_one_setting_away(tmp_path: Path, plain: Footnote) -> None:
    model = write_cross_encoder(tmp_path / "likes-sevens", likes=["7"])
    assert "rule 7" not in texts(search(plain, k=1))[0]
    settings = load_settings(reranker=str(model), precision="float32", threads=1)
    with Footnote(settings, embedder=EMBEDDER) as footnote:
        result = search(footnote, k=2)
    assert "rule 7" in result.passages[0].text
    assert result.passages[0].score == result.passages[0].scores["rerank"]
    assert {"dense", "keyword", "rerank"} <= result.passages[0].scores.keys()


def test_a_reranker_that_is_not_there_stops_the_search_with_the_way_out() -> None:
    with Footnote(load_settings(reranker="no-such/model"), embedder=EMBEDDER) as footnote:
        filled(footnote)
        with pytest.raises(ModelUnavailable, match="local folder in FOOTNOTE_RERANKER, or set it to none"):
            search(footnote, k=1)


@pytest.mark.slow
def test_the_command_shows_scores_and_time_and_the_doctor_the_model(
    tmp_path: Path, plain: Footnote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Footnote, "_load_embedder", lambda *_: EMBEDDER)
    monkeypatch.setattr(logging.getLogger(), "handlers", logging.getLogger().handlers)  # put back afterwards
    monkeypatch.setenv("FOOTNOTE_RERANKER", str(write_cross_encoder(tmp_path / "likes-sevens", likes=["7"])))
    monkeypatch.setenv("FOOTNOTE_PRECISION", "float32")
    run = CliRunner()
    found = json.loads(run.invoke(app, ["search", ASKED, "--collection", "handbook", "--json"]).stdout)
    assert "rule 7" in found["results"][0]["text"]
    assert found["results"][0]["scores"]["rerank"] == found["results"][0]["score"]
    assert found["timings_ms"]["rerank"] > 0
    told = json.loads(run.invoke(app, ["doctor", "--json"]).stdout)["findings"]
    assert [each["message"] for each in told if each["part"] == "reranker"] == [
        "likes-sevens on cpu in float32; reads 30 passages."
    ]
