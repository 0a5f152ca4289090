"""``bench query`` and ``bench index`` over few chunks: their figures belong together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eval.bench import bench_index, bench_query
from eval.bench_answer import bench_answer
from eval.synthetic import Synthesizer
from rag.domain import Access
from rag.errors import InvalidRequest
from rag.factory import Footnote
from rag.settings import load_settings
from tests.fakes import HashedEmbedder


def test_searches_are_timed_by_mode_and_by_number_of_clients() -> None:
    report = bench_query(300, queries=6, clients=3, settings=load_settings(), embedder=HashedEmbedder())
    assert (report.chunks, report.queries, report.index_type) == (300, 6, "flat")
    assert set(report.latency_ms) == {"hybrid", "dense", "keyword"}
    assert (report.one_client.clients, report.all_clients.clients) == (1, 3)
    ratio = report.all_clients.searches_per_second / report.one_client.searches_per_second
    assert report.speedup == pytest.approx(ratio, rel=0.05)
    assert report.recall_at_10 == 1.0
    assert report.index_mb > 0
    assert report.cold_start.serving_mb > report.cold_start.before_mb > 0
    assert report.cold_start.first_search_ms > 0
    assert dict(report.summary_rows())["caches"].startswith("off")


def test_an_index_is_built_opened_and_searched() -> None:
    report = bench_index(300, queries=5, settings=load_settings(), embedder=HashedEmbedder())
    assert report.chunks_per_second == pytest.approx(300 / report.build_seconds, rel=0.02)
    assert (report.index_type, report.recall_at_10) == ("flat", 1.0)
    assert "300, index type flat" in dict(report.summary_rows())["synthetic chunks"]


def test_answers_are_timed_stage_by_stage() -> None:
    report = bench_answer(300, queries=5, settings=load_settings(), embedder=HashedEmbedder())
    assert report.sentences >= 1
    assert report.retrieval_ms["p50"] <= report.answer_ms["p50"] <= report.answer_ms["p95"]
    assert {"retrieve", "judge"} <= set(report.parts_ms)
    assert "300" in dict(report.summary_rows())["synthetic chunks"]


def test_chunks_can_be_kept_for_another_run_of_the_same_size(tmp_path: Path) -> None:
    def documents(chunks: int) -> set[str]:
        keep = tmp_path / "kept"
        bench_index(chunks, queries=5, settings=load_settings(), keep=keep, embedder=HashedEmbedder())
        with Footnote(load_settings(data_dir=keep), embedder=HashedEmbedder()) as footnote:
            found = footnote.catalog.collection("footnote-bench")
            assert found.chunks == footnote.indexes.verify(found).chunks == chunks
            return {each.id for each in footnote.catalog.documents(found.id, access=Access.everything())}

    first = documents(600)
    assert documents(600) == first
    assert documents(20).isdisjoint(first)


def test_a_folder_with_other_collections_is_left_alone(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path / "mine")
    with Footnote(settings, embedder=HashedEmbedder()) as footnote:
        footnote.open_collection("handbook")
    with pytest.raises(InvalidRequest, match=r"handbook.*folder of their own"):
        bench_index(20, queries=5, settings=settings, keep=tmp_path / "mine", embedder=HashedEmbedder())


def test_the_same_seed_gives_the_same_collection_and_words_are_as_common_as_content_words() -> None:
    first, again, other = Synthesizer(32), Synthesizer(32), Synthesizer(32, seed=1)
    texts = first.texts(500, 120)
    assert texts == again.texts(500, 120) != other.texts(500, 120)
    vectors = first.vectors(50)
    assert np.array_equal(vectors, again.vectors(50))
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(50), abs=1e-5)
    holding = [sum(word in text.split() for text in texts) for word in ("baba", "beba")]
    assert all(100 < count < 300 for count in holding)
    assert len({word for text in texts for word in text.split()}) > 10_000
    assert len(set(first.questions(50))) == 50
