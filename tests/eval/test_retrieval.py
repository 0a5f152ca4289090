"""Evaluating retrieval: records go through the real pipeline and come back ranked and scored."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import ir_measures
import pytest
from rich.console import Console

from eval.report import print_summary
from eval.retrieval import RetrievalReport, evaluate_retrieval, score_run
from rag.domain import SearchMode
from rag.errors import DatasetError, InvalidRequest
from rag.settings import Settings, load_settings
from tests.eval.test_readers import write_lines
from tests.fakes import HashedEmbedder

ANIMALS = {
    "cat": "The cat purrs on the warm sofa and hunts mice at night.",
    "dog": "The dog barks at the postman and buries bones in the garden.",
    "owl": "The owl hoots in the old tower and sees well in the dark.",
    "bee": "The bee collects nectar and dances to show where flowers grow.",
}
QUERIES = {"q1": "Which animal purrs on a sofa?", "q2": "Who buries bones?", "q3": "Who hoots in a tower?"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "animals", ANIMALS, QUERIES, {"q1": "cat", "q2": "dog", "q3": "owl"})


@pytest.fixture
def settings() -> Settings:
    return load_settings()


def write(folder: Path, corpus: dict[str, str], queries: dict[str, str], relevant: dict[str, str]) -> Path:
    folder.mkdir()
    write_lines(
        folder / "corpus.jsonl",
        *({"_id": key, "title": key.title(), "text": text} for key, text in corpus.items()),
    )
    write_lines(folder / "queries.jsonl", *({"_id": key, "text": text} for key, text in queries.items()))
    rows = "".join(f"{query}\t{document}\t1\n" for query, document in relevant.items())
    (folder / "qrels.tsv").write_text(rows)
    return folder


def evaluate(folder: Path, settings: Settings, **options: object) -> RetrievalReport:
    return evaluate_retrieval(folder, settings=settings, embedder=HashedEmbedder(), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", list(SearchMode))
def test_every_mode_finds_the_animals(folder: Path, settings: Settings, mode: SearchMode) -> None:
    shown = evaluate(folder, settings, mode=mode).to_json()
    assert (shown["dataset"], shown["mode"]) == ("animals", mode.value)
    assert (shown["documents"], shown["chunks"], shown["queries"]) == (4, 4, 3)
    for metric in ("nDCG@10", "R@1", "R@5", "R@10", "R@100", "RR@10"):
        assert shown[metric] == 1
    assert shown["ci95"]["nDCG@10"] == [1, 1]


def test_the_report_has_the_fields_of_the_contract(folder: Path, settings: Settings) -> None:
    report = evaluate(folder, settings)
    shown = report.to_json()
    assert set(shown["latency_ms"]) == {"p50", "p95", "p99"}
    assert {"seconds", "documents_per_second", "chunks_per_second", "peak_rss_mb"} < set(shown["ingest"])
    assert all(shown["latency_ms"][rank] > 0 for rank in ("p50", "p95", "p99"))
    assert shown["ingest"]["peak_rss_mb"] > 10
    assert shown["fingerprint"] == HashedEmbedder().profile.fingerprint
    json.dumps(shown, allow_nan=False)
    console = Console(record=True, width=100, file=None, quiet=True)
    print_summary(report, console, title="Retrieval")
    assert ("nDCG@10", "1.000  (1.000–1.000)") in report.summary_rows()


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
    assert any(kept.iterdir())
    with pytest.raises(InvalidRequest, match="not an empty folder"):
        evaluate(folder, settings, keep_data=kept)


def test_the_ranking_can_be_written_as_a_trec_run(folder: Path, settings: Settings, tmp_path: Path) -> None:
    run_file = tmp_path / "animals.run"
    report = evaluate(folder, settings, run_file=run_file)
    qrels = [ir_measures.Qrel(*pair, 1) for pair in (("q1", "cat"), ("q2", "dog"), ("q3", "owl"))]
    run = list(ir_measures.read_trec_run(str(run_file)))
    again = ir_measures.calc_aggregate([ir_measures.nDCG @ 10], qrels, run)
    assert again[ir_measures.nDCG @ 10] == report.metrics["nDCG@10"]
    with pytest.raises(InvalidRequest, match="does not exist"):
        evaluate(folder, settings, run_file=tmp_path / "none" / "animals.run")


def test_only_judged_queries_count_and_those_without_result_count_0(
    tmp_path: Path, settings: Settings
) -> None:
    queries = {**QUERIES, "unjudged": "Who dances?", "empty": "  ", "long": "word " * 1000}
    relevant = {"q1": "cat", "empty": "cat", "long": "cat", "missing": "cat"}
    shown = evaluate(write(tmp_path / "set", ANIMALS, queries, relevant), settings).to_json()
    assert (shown["queries"], shown["nDCG@10"], shown["R@100"]) == (4, 0.25, 0.25)
    assert shown["failed"] == 3
    assert [failure["line"] for failure in shown["failures"]] == [0, 5, 6]
    assert "'missing' is not among the queries" in shown["failures"][0]["reason"]
    assert "'empty' was refused" in shown["failures"][1]["reason"]


def test_records_that_cannot_be_ingested_are_counted_and_named(tmp_path: Path, settings: Settings) -> None:
    corpus = {**ANIMALS, "void": " \n"}
    shown = evaluate(
        write(tmp_path / "set", corpus, QUERIES, {"q1": "cat", "q2": "void"}), settings
    ).to_json()
    assert (shown["documents"], shown["ingest"]["failed"], shown["R@100"]) == (4, 1, 0.5)
    assert shown["ingest"]["failures"][0]["id"] == "void"


def test_a_corpus_of_which_nothing_can_be_ingested_is_refused(tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(DatasetError, match=r"No record of 'set' could be ingested\. 'void' failed"):
        evaluate(write(tmp_path / "set", {"void": " "}, QUERIES, {"q1": "void"}), settings)


def test_a_document_ranks_where_its_best_chunk_does(tmp_path: Path, settings: Settings) -> None:
    long = "\n\n".join(
        [*[f"Paragraph {number} is about nothing much. " * 20 for number in range(20)], "It purrs."]
    )
    shown = evaluate(
        write(tmp_path / "set", {"long": long, **ANIMALS}, {"q": "It purrs"}, {"q": "long"}), settings
    ).to_json()
    assert shown["chunks"] > 10
    assert shown["R@100"] == 1


def test_a_hundred_documents_are_ranked_though_long_ones_crowd_in(tmp_path: Path, settings: Settings) -> None:
    crowd = {f"crowd{number}": "\n\n".join(["apple tart " * 100] * 60) for number in range(8)}
    few = {f"few{number}": f"apple number {number}" for number in range(110)}
    run_file = tmp_path / "run"
    report = evaluate(
        write(tmp_path / "set", {**crowd, **few}, {"q": "apple tart"}, {"q": "few3"}),
        settings,
        run_file=run_file,
    )
    assert report.ingest.chunks > 400
    assert len(run_file.read_text().splitlines()) == 100


def test_titles_help_to_find_a_record(tmp_path: Path, settings: Settings) -> None:
    corpus = {"zebra": "It eats grass all day.", "yak": "It eats grass all day."}
    shown = evaluate(write(tmp_path / "set", corpus, {"q": "zebra"}, {"q": "zebra"}), settings).to_json()
    assert shown["R@1"] == 1


def test_another_cutoff_is_reported_beside_the_fixed_ones(folder: Path, settings: Settings) -> None:
    shown = evaluate(folder, settings, k=3).to_json()
    assert (shown["nDCG@3"], shown["R@3"], shown["RR@3"], shown["nDCG@10"]) == (1, 1, 1, 1)
    with pytest.raises(InvalidRequest, match="k is 0"):
        evaluate(folder, settings, k=0)


def test_progress_goes_through_documents_and_queries_to_the_end(folder: Path, settings: Settings) -> None:
    seen: list[tuple[int, int]] = []
    evaluate(folder, settings, progress=lambda *counts: seen.append(counts))
    assert {total for _, total in seen} == {7}
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (7, 7)


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
