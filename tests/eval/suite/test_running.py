"""A suite through the real pipeline, with the hashed embedder and a scripted language model."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from eval.suite.report import QUESTIONS as PART
from eval.suite.report import Figure, SuiteReport, parse_report
from eval.suite.running import run_suite
from eval.suite.steps import RunCancelled, Steps
from eval.suite.summary import SuiteSummary, shortcomings
from rag.errors import CollectionNotFound, SuiteError
from rag.factory import Footnote
from rag.settings import Settings
from tests.eval.suite.small import (
    COLLECTION,
    CRASH,
    DOCUMENTS,
    NAME,
    QUESTIONS,
    QUICK,
    ReplyGenerator,
    filled_suite,
    small_suite,
)
from tests.eval.test_readers import write_beir, write_lines
from tests.fakes import HashedEmbedder


def footnote_in(folder: Path) -> Footnote:
    return Footnote(
        Settings(data_dir=folder / "data"), embedder=HashedEmbedder(), generators={NAME: ReplyGenerator()}
    )


@pytest.fixture
def footnote(tmp_path: Path) -> Iterator[Footnote]:
    with footnote_in(tmp_path) as opened:
        yield opened


class Ran:
    """A report, how far its run said it was, and what the data directory held afterwards."""

    def __init__(self, folder: Path) -> None:
        self.stages: list[tuple[str, int, int]] = []
        write_beir(folder / "scifact")
        write_lines(
            folder / "checked.jsonl",
            {"id": "a", "context": "Cats purr at night.", "response": "Cats purr at night.", "spans": []},
            {"id": "a", "context": "Cats purr.", "response": "Dogs sing loudly.", "supported": False},
            "not JSON",
        )
        write_lines(
            folder / "unanswerable.jsonl",
            {"id": "yes", "question": "Who purrs?", "passages": ["Cats purr."], "answerable": True},
            {
                "id": "no",
                "question": "Who walked on the moon?",
                "passages": ["Dogs bark."],
                "answerable": False,
            },
        )
        suite = small_suite(
            folder,
            'retrieval = ["scifact"]',
            'groundedness = ["checked.jsonl"]',
            'refusal = ["unanswerable.jsonl"]',
            "worst_cases = 2",
            "[thresholds]",
            "false_refusal_rate = 1.0",
            "faithfulness = 1.01",
            '"groundedness/checked.jsonl/auroc" = 0.5',
        )
        (folder / "handbook" / "broken.pdf").write_bytes(b"no PDF at all")
        with footnote_in(folder) as footnote:
            self.report = run_suite(suite, footnote, steps=Steps(lambda *step: self.stages.append(step)))
        self.data = folder / "data"

    def figure(self, key: str) -> Figure:
        return next(figure for figure in self.report.figures if figure.key == key)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return Ran(tmp_path_factory.mktemp("suite"))


def test_every_question_is_asked_and_a_crash_is_a_failure_and_no_score(ran: Ran) -> None:
    asked = {case.id for case in ran.report.cases}
    failed = [each for each in ran.report.failures if each.part == PART and each.file == "questions.jsonl"]
    assert asked == {row["id"] for row in QUESTIONS} - {"crash"}
    assert [(failure.file, failure.line) for failure in failed] == [("questions.jsonl", 5)]
    assert "TimeoutError: the model did not answer" in failed[0].reason
    assert all(figure.n <= len(asked) for figure in ran.report.figures if figure.part == PART)


def test_a_document_that_cannot_be_ingested_is_a_failure_too(ran: Ran) -> None:
    (failure,) = (each for each in ran.report.failures if each.file == "broken.pdf")
    assert (failure.part, failure.line) == (PART, 0)
    assert failure.reason.startswith("not ingested (")


def test_figures_have_intervals_and_trivial_systems_beside_them(ran: Ran) -> None:
    refusals = ran.figure("refusal_recall")
    assert (refusals.value, refusals.n) == (1, 1)
    assert refusals.trivial == {"always refusing": 1}
    faithfulness = ran.figure("faithfulness")
    assert faithfulness.ci95 is not None
    assert faithfulness.trivial["first passage"] is not None
    assert set(ran.figure("token_f1").trivial) == {"first sentence found"}
    assert ran.figure("context_recall").trivial == {}


def test_files_are_parts_of_their_own(ran: Ran) -> None:
    assert ran.figure("retrieval/scifact/R@1").trivial.keys() == {"random order"}
    checked = ran.figure("groundedness/checked.jsonl/auroc")
    assert (checked.value, checked.n, set(checked.trivial)) == (1, 2, {"word overlap"})
    assert ran.figure("refusal/unanswerable.jsonl/balanced_accuracy").trivial == {
        "always refusing": 0.5,
        "never refusing": 0.5,
    }
    assert ("groundedness/checked.jsonl", 3) in {(each.part, each.line) for each in ran.report.failures}


def test_records_have_ids_of_their_own_even_where_the_file_repeats_one(ran: Ran) -> None:
    (records,) = (each.records for each in ran.report.sets if each.part == "groundedness/checked.jsonl")
    assert len({record.id for record in records}) == 2


def test_thresholds_are_met_or_missed(ran: Ran) -> None:
    assert [figure.key for figure in ran.report.missed] == ["faithfulness"]
    assert ran.figure("groundedness/checked.jsonl/auroc").passed is True
    (sentence,) = shortcomings(ran.report)
    assert "faithfulness is" in sentence
    assert "below its threshold of 1.01" in sentence


def test_only_the_worst_cases_carry_their_passages_and_they_come_first(ran: Ran) -> None:
    shown = [case.passages is not None for case in ran.report.cases]
    assert shown == sorted(shown, reverse=True)
    assert 0 < sum(shown) <= 2


def test_progress_names_every_stage_and_reaches_its_end(ran: Ran) -> None:
    ends = {stage: (done, total) for stage, done, total in ran.stages}
    assert {"ingesting", "asking", "measuring", "retrieval/scifact", "refusal/unanswerable.jsonl"} <= set(
        ends
    )
    assert all(done == total for done, total in ends.values())


def test_the_users_own_data_is_not_touched(ran: Ran) -> None:
    assert not ran.data.exists()


def test_a_report_reads_back_as_it_was_written(ran: Ran) -> None:
    assert parse_report(ran.report.to_text(), "it") == ran.report


def test_the_summary_for_scripts_and_for_people(ran: Ran) -> None:
    summary = SuiteSummary(report=ran.report, files={"report": "r.json"})
    shown = summary.to_json()
    assert (shown["suite"], shown["report"], shown["missed"]) == ("small", "r.json", ["faithfulness"])
    assert shown["figures"]["faithfulness"]["threshold"] == 1.01
    assert any(name.startswith("✗ faithfulness") for name, _ in summary.summary_rows())


def test_the_same_seed_gives_the_same_figures_whatever_is_left_out(tmp_path: Path, ran: Ran) -> None:
    with footnote_in(tmp_path) as footnote:
        again = run_suite(filled_suite(tmp_path, footnote, 'leave_out = ["bleu", "latency_p95"]'), footnote)
    shares = {each.key: each for each in again.figures if not each.unit}
    assert shares["refusal_recall"].ci95 == ran.figure("refusal_recall").ci95
    assert shares["citation_recall_gold"].ci95 == ran.figure("citation_recall_gold").ci95
    assert {each.part: each.fingerprint for each in ran.report.sets}[PART] == again.sets[0].fingerprint
    assert not {"bleu", "latency_p95"} & {figure.name for figure in again.figures}
    assert "bleu" not in again.sets[0].records[0].values


def test_a_collection_that_is_there_is_asked_as_it_is(tmp_path: Path, footnote: Footnote) -> None:
    suite = filled_suite(tmp_path, footnote, QUICK)
    report = run_suite(suite, footnote)
    assert {case.id: case.status for case in report.cases}["leave"] == "answered"
    assert footnote.catalog.collection(COLLECTION).documents == len(DOCUMENTS)
    footnote.catalog.delete_collection(COLLECTION)
    with pytest.raises(CollectionNotFound):
        run_suite(suite, footnote)


@pytest.mark.parametrize("line", ['gate = ["faithfullness"]', "[thresholds]\nfaithfullness = 1.0"])
def test_a_metric_that_there_is_not_is_said_before_anything_runs(
    tmp_path: Path, footnote: Footnote, line: str
) -> None:
    with pytest.raises(SuiteError, match="'faithfullness' here; did you mean 'faithfulness'"):
        run_suite(small_suite(tmp_path, line), footnote, steps=Steps(_refuse_progress))


def _refuse_progress(stage: str, done: int, total: int) -> None:
    raise AssertionError(f"{stage} was begun")


@pytest.mark.parametrize("stage", ["ingesting", "asking"])
def test_a_cancelled_run_ends_at_once_and_leaves_nothing(
    tmp_path: Path, footnote: Footnote, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite = small_suite(tmp_path, QUICK) if stage == "ingesting" else filled_suite(tmp_path, footnote, QUICK)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    seen: list[str] = []
    steps = Steps(lambda name, *counts: seen.append(name), cancelled=lambda: stage in seen)
    with pytest.raises(RunCancelled):
        run_suite(suite, footnote, steps=steps)
    assert seen[-1] == stage
    assert [file.name for file in temporary.iterdir() if file.name.startswith("footnote-")] == []


def test_when_nothing_can_be_answered_that_is_what_the_run_says(tmp_path: Path) -> None:
    with Footnote(
        Settings(data_dir=tmp_path / "data"),
        embedder=HashedEmbedder(),
        generators={NAME: ReplyGenerator({})},
    ) as footnote:
        questions = tuple(row for row in QUESTIONS if row["question"] == CRASH)
        report = run_suite(filled_suite(tmp_path, footnote, QUICK, questions=questions), footnote)
    assert _told(report).startswith(
        "Nothing of questions could be evaluated; first: answering 'crash' failed"
    )


def _told(report: SuiteReport) -> str:
    return next(shortcomings(report))
