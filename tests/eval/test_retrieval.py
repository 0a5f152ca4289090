"""Evaluating retrieval: records go through the real pipeline and come back ranked and scored."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from eval.retrieval import RetrievalReport, evaluate_retrieval, score_run
from rag.domain import SearchMode
from rag.errors import DatasetError, InvalidRequest
from rag.factory import Footnote
from rag.settings import Settings, load_settings
from tests.cross_encoders import write_cross_encoder
from tests.eval.test_readers import write_lines
from tests.fakes import HashedEmbedder

ANIMALS = {
    "cat": "The cat purrs on the warm sofa and hunts mice at night.",
    "dog": "The dog barks at the postman and buries bones in the garden.",
    "owl": "The owl hoots in the old tower and sees well in the dark.",
    "zebra": "It eats grass all day.",
    "yak": "It eats grass all day.",
    "book": "\n\n".join(f"Paragraph {n} says nothing. " * 12 for n in range(20)) + "\n\nGargoyles snore.",
}
QUERIES = {
    "q1": "Which animal purrs on a sofa?",
    "q2": "Who buries bones?",
    "by title": "zebra",
    "deep": "gargoyles",
}
RELEVANT = {"q1": "cat", "q2": "dog", "by title": "zebra", "deep": "book"}
METRICS = ("nDCG@10", "R@1", "R@5", "R@10", "R@100", "RR@10")


def write(folder: Path, corpus: dict[str, str], queries: dict[str, str], relevant: dict[str, str]) -> Path:
    folder.mkdir()
    records = [{"_id": key, "title": key.title(), "text": text} for key, text in corpus.items()]
    write_lines(folder / "corpus.jsonl", *records)
    write_lines(folder / "queries.jsonl", *({"_id": key, "text": text} for key, text in queries.items()))
    rows = "".join(f"{query}\t{document}\t1\n" for query, document in relevant.items())
    (folder / "qrels.tsv").write_text(rows)
    return folder


def evaluate(folder: Path, settings: Settings, **options: Any) -> RetrievalReport:
    return evaluate_retrieval(folder, settings=settings, embedder=HashedEmbedder(), **options)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "animals", ANIMALS, QUERIES, RELEVANT)


@pytest.fixture
def settings() -> Settings:
    return load_settings()


@dataclass(frozen=True)
class Evaluated:
    report: RetrievalReport
    run_file: Path
    progress: list[tuple[int, int]]


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    """The animals in hybrid mode, evaluated once for the tests that only look at the outcome."""
    base = tmp_path_factory.mktemp("evaluated")
    progress: list[tuple[int, int]] = []
    report = evaluate(
        write(base / "animals", ANIMALS, QUERIES, RELEVANT),
        Settings(data_dir=base / "data"),
        k=3,
        run_file=base / "animals.run",
        progress=lambda *counts: progress.append(counts),
    )
    return Evaluated(report=report, run_file=base / "animals.run", progress=progress)


def test_records_are_found_by_their_text_their_title_and_their_last_chunk(evaluated: Evaluated) -> None:
    shown = evaluated.report.to_json()
    assert (shown["dataset"], shown["mode"]) == ("animals", "hybrid")
    assert (shown["documents"], shown["queries"]) == (6, 4)
    assert shown["chunks"] > 6
    assert {metric: shown[metric] for metric in METRICS} == dict.fromkeys(METRICS, 1)
    assert shown["ci95"]["nDCG@10"] == [1, 1]


@pytest.mark.parametrize("mode", [SearchMode.DENSE, SearchMode.KEYWORD])
def test_one_kind_of_search_can_be_evaluated_alone(
    folder: Path, settings: Settings, mode: SearchMode
) -> None:
    shown = evaluate(folder, settings, mode=mode).to_json()
    assert (shown["mode"], shown["R@100"]) == (mode.value, 1)
    assert shown["RR@10"] > 0.5


def test_the_report_has_the_fields_of_the_contract(evaluated: Evaluated) -> None:
    shown = evaluated.report.to_json()
    assert set(shown["latency_ms"]) == {"p50", "p95", "p99"}
    assert {"seconds", "documents_per_second", "chunks_per_second", "peak_rss_mb"} < set(shown["ingest"])
    assert all(value > 0 for value in shown["latency_ms"].values())
    assert shown["ingest"]["peak_rss_mb"] > 10
    assert shown["fingerprint"] == HashedEmbedder().profile.fingerprint
    assert (shown["failed"], shown["failures"]) == (0, [])
    json.dumps(shown, allow_nan=False)


def test_the_summary_shows_the_interval_beside_the_score(evaluated: Evaluated) -> None:
    assert ("nDCG@10", "1.000  (1.000–1.000)") in evaluated.report.summary_rows()


def test_another_cutoff_is_reported_beside_the_fixed_ones(evaluated: Evaluated) -> None:
    shown = evaluated.report.to_json()
    assert (shown["nDCG@3"], shown["R@3"], shown["RR@3"]) == (1, 1, 1)


def test_progress_goes_through_documents_and_queries_to_the_end(evaluated: Evaluated) -> None:
    assert {total for _, total in evaluated.progress} == {10}
    assert [done for done, _ in evaluated.progress] == sorted(done for done, _ in evaluated.progress)
    assert evaluated.progress[-1] == (10, 10)


def test_the_ranking_can_be_written_as_a_trec_run(evaluated: Evaluated) -> None:
    written = [line.split("\t") for line in evaluated.run_file.read_text().splitlines()]
    first = {row[0]: row[2] for row in written if row[3] == "1"}
    assert first == RELEVANT
    assert {(row[1], row[5]) for row in written} == {("Q0", "footnote-hybrid")}
    scores = [float(row[4]) for row in written if row[0] == "q1"]
    assert scores == sorted(scores, reverse=True)


def test_unusable_requests_are_refused_before_anything_is_ingested(
    folder: Path, settings: Settings, tmp_path: Path
) -> None:
    with pytest.raises(InvalidRequest, match="k is 0"):
        evaluate(folder, settings, k=0)
    with pytest.raises(InvalidRequest, match="does not exist"):
        evaluate(folder, settings, run_file=tmp_path / "none" / "animals.run")
    with pytest.raises(InvalidRequest, match="not an empty folder"):
        evaluate(folder, settings, keep_data=folder)


def test_nothing_is_left_behind_and_the_users_data_is_not_touched(
    folder: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    unreachable = settings.model_copy(update={"catalog_url": "postgresql://nobody@127.0.0.1:1/none"})
    evaluate(folder, unreachable)
    assert list(scratch.iterdir()) == []
    assert not settings.data_dir.exists()


def test_the_data_can_be_kept(folder: Path, settings: Settings, tmp_path: Path) -> None:
    kept = tmp_path / "kept" / "here"
    evaluate(folder, settings, keep_data=kept)
    with Footnote(settings.model_copy(update={"data_dir": kept}), embedder=HashedEmbedder()) as footnote:
        assert [found.documents for found in footnote.catalog.collections()] == [6]


def test_what_cannot_be_asked_or_ingested_scores_0_and_is_named(tmp_path: Path, settings: Settings) -> None:
    corpus = {"cat": ANIMALS["cat"], "void": " \n"}
    queries = {
        "q1": QUERIES["q1"],
        "unjudged": "Who dances?",
        "empty": "  ",
        "long": "word " * 1000,
        "v": "void",
    }
    relevant = {"q1": "cat", "empty": "cat", "long": "cat", "missing": "cat", "v": "void"}
    shown = evaluate(write(tmp_path / "set", corpus, queries, relevant), settings).to_json()
    assert (shown["documents"], shown["ingest"]["failed"]) == (1, 1)
    assert shown["ingest"]["failures"][0]["id"] == "void"
    assert (shown["queries"], shown["nDCG@10"], shown["R@100"]) == (5, 0.2, 0.2)
    assert shown["failed"] == 3
    assert [failure["line"] for failure in shown["failures"]] == [0, 3, 4]
    assert "'missing' is not among the queries" in shown["failures"][0]["reason"]
    assert "'empty' was refused" in shown["failures"][1]["reason"]


def test_a_corpus_of_which_nothing_can_be_ingested_is_refused(tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(DatasetError, match=r"No record of 'set' could be ingested\. 'void' failed"):
        evaluate(write(tmp_path / "set", {"void": " "}, QUERIES, {"q1": "void"}), settings)


def test_a_hundred_documents_are_ranked_though_long_ones_crowd_in(tmp_path: Path, settings: Settings) -> None:
    crowd = {f"crowd{number}": "\n\n".join(["apple tart " * 100] * 60) for number in range(6)}
    few = {f"few{number}": f"apple number {number}" for number in range(110)}
    run_file = tmp_path / "run"
    report = evaluate(
        write(tmp_path / "set", {**crowd, **few}, {"q": "apple tart"}, {"q": "few3"}),
        settings,
        run_file=run_file,
    )
    assert report.ingest.chunks > 400
    assert len(run_file.read_text().splitlines()) == 100


# ----------------------------------------------------------------------------------------- scoring


def test_scores_by_hand() -> None:
    qrels = {"a": {"d1": 1, "d2": 1, "bad": 0}, "b": {"d3": 1}}
    scores = score_run(qrels, {"a": ["bad", "d1", "x", "d2"]})
    assert scores["RR@10"] == [0.5, 0.0]
    assert scores["R@1"] == [0.0, 0.0]
    assert scores["R@5"] == [1.0, 0.0]
    ideal = 1 + 1 / 1.584962500721156
    assert scores["nDCG@10"] == [pytest.approx((1 / 1.584962500721156 + 1 / 2.321928094887362) / ideal), 0.0]


def test_a_query_without_a_relevant_document_counts_0_as_in_the_library() -> None:
    assert score_run({"a": {"d1": 0}}, {"a": ["d1"]})["nDCG@10"] == [0.0]


@pytest.mark.slow
def test_a_configured_reranker_reorders_and_is_named(folder: Path, tmp_path: Path) -> None:
    model = write_cross_encoder(tmp_path / "likes-towers", likes=["tower"])
    plain = evaluate(folder, load_settings())
    assert (plain.to_json()["reranker"], plain.to_json()["query_expansion"]) == ("none", "none")
    settings = load_settings(reranker=str(model), precision="float32", threads=1)
    reranked = evaluate(folder, settings, run_file=tmp_path / "reranked.run")
    assert reranked.to_json()["reranker"] == "likes-towers on cpu in float32"
    assert ("reranker", "likes-towers on cpu in float32") in reranked.summary_rows()
    assert reranked.metrics["RR@10"] < plain.metrics["RR@10"]
    first = [line.split("\t")[2] for line in (tmp_path / "reranked.run").read_text().splitlines()[:1]]
    assert first == ["owl"]
