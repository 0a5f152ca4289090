"""Two runs over the same questions: what is worse for certain, and what is only chance."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from eval.suite.comparing import compare, regressions_in_words
from eval.suite.report import Difference, Record, RecordSet, SuiteReport, read_report
from eval.suite.summary import SuiteSummary
from rag.errors import NotComparable
from tests.eval.suite.reports import means, report_of

FIGURES = {"faithfulness": {}}


def run_of(values: list[float | None], *, per_document: int = 1, **more: object) -> SuiteReport:
    return report_of(means(values, per_document=per_document), figures={"faithfulness": more})


def difference(after: SuiteReport, before: SuiteReport, **options: object) -> Difference:
    compared = compare(after, before, name="main.json", **options)  # type: ignore[arg-type]
    assert compared.comparison is not None
    return compared.comparison.differences[0]


def test_the_same_answers_are_the_same() -> None:
    run = run_of([1.0, 0.0] * 20)
    found = difference(run, run)
    assert (found.difference, found.ci95, found.verdict) == (0, (0, 0), "same")


def test_a_small_drop_on_every_question_is_seen_although_questions_differ_much() -> None:
    """Unpaired, the intervals of the two means overlap almost whole."""
    lots = random.Random(3)
    before = [lots.random() for _ in range(60)]
    after = [value - 0.05 + lots.uniform(-0.02, 0.02) for value in before]
    worse = compare(run_of(after), run_of(before), name="main.json")
    assert worse.comparison is not None
    (found,) = worse.comparison.regressions
    assert found.difference == pytest.approx(-0.05, abs=0.01)
    (sentence,) = regressions_in_words(worse)
    assert sentence.startswith("faithfulness fell from ")
    assert "(difference -0.05" in sentence
    assert sentence.endswith("n = 60).")


def test_a_drop_by_chance_is_no_regression() -> None:
    lots = random.Random(5)
    before = [float(lots.random() < 0.7) for _ in range(40)]
    after = [float(lots.random() < 0.66) for _ in range(40)]
    assert difference(run_of(after), run_of(before)).verdict == "same"


def test_questions_about_one_document_count_as_little_as_the_document() -> None:
    before: list[float | None] = [1.0] * 40
    after: list[float | None] = [0.0] * 10 + [1.0] * 30
    assert difference(run_of(after), run_of(before)).verdict == "worse"
    assert difference(run_of(after, per_document=10), run_of(before, per_document=10)).verdict == "same"


def test_a_tolerance_lets_small_drops_pass() -> None:
    before: list[float | None] = [0.9] * 30
    after: list[float | None] = [0.88] * 30
    assert difference(run_of(after), run_of(before)).verdict == "worse"
    assert difference(run_of(after), run_of(before), tolerance=0.03).verdict == "same"


def test_where_lower_is_better_a_rise_is_worse() -> None:
    before, after = run_of([0.1] * 30, better="lower"), run_of([0.4] * 30, better="lower")
    found = compare(after, before, name="main.json")
    assert [each.verdict for each in found.comparison.differences] == ["worse"]  # type: ignore[union-attr]
    assert regressions_in_words(found)[0].startswith("faithfulness rose from 0.100 to 0.400")


def test_times_and_costs_are_compared_and_fail_nothing() -> None:
    before, after = (
        run_of([100.0] * 30, better="lower", unit="ms"),
        run_of([200.0] * 30, better="lower", unit="ms"),
    )
    found = compare(after, before, name="main.json")
    assert [each.verdict for each in found.comparison.differences] == ["worse"]  # type: ignore[union-attr]
    assert regressions_in_words(found) == []
    gated = compare(after, before, name="main.json", gate=["faithfulness"])
    assert len(regressions_in_words(gated)) == 1


def test_with_a_gate_nothing_else_fails_the_run() -> None:
    before, after = run_of([1.0] * 30), run_of([0.5] * 30)
    assert regressions_in_words(compare(after, before, name="main.json", gate=["bleu"])) == []


def test_a_question_that_fails_only_now_fails_the_run_and_is_in_no_difference() -> None:
    before = run_of([1.0] * 30)
    after = run_of([1.0] * 29)
    found = compare(after, before, name="main.json")
    assert found.comparison is not None
    assert (found.comparison.differences[0].n, found.comparison.newly_failed) == (29, ("q029",))
    assert regressions_in_words(found) == ["1 that the baseline answered could not be evaluated: q029."]


def test_a_figure_that_nothing_is_left_of_does_not_slip_through() -> None:
    before, after = run_of([1.0] * 30), run_of([None] * 30)
    (sentence,) = regressions_in_words(compare(after, before, name="main.json"))
    assert sentence == "faithfulness was 1.000, and there is nothing left to compute it from."


def test_one_document_is_too_little_to_judge_by() -> None:
    before, after = run_of([1.0] * 30, per_document=30), run_of([0.0] * 30, per_document=30)
    assert difference(after, before).verdict == "not judged"


def decisions(scores: list[float]) -> RecordSet:
    return RecordSet(
        part="groundedness/set.jsonl",
        kind="decisions",
        fingerprint="file",
        records=tuple(
            Record(
                id=f"r{number}",
                cluster=f"source {number}",
                values={"positive": float(number % 2), "score": score, "predicted": float(score > 0.5)},
            )
            for number, score in enumerate(scores)
        ),
    )


def test_figures_of_decisions_are_compared_whole() -> None:
    lots = random.Random(1)
    good = decisions([number % 2 * 0.6 + lots.random() * 0.4 for number in range(80)])
    poor = decisions([lots.random() for _ in range(80)])
    before, after = (report_of(each, figures={"auroc": {}, "f1": {}}) for each in (good, poor))
    sentences = regressions_in_words(compare(after, before, name="main.json"))
    assert [sentence.split()[0] for sentence in sentences] == [
        "groundedness/set.jsonl/auroc",
        "groundedness/set.jsonl/f1",
    ]


def test_other_questions_cannot_be_compared() -> None:
    report = run_of([1.0] * 3)
    others = report.model_copy(update={"sets": (means([1.0]).model_copy(update={"fingerprint": "other"}),)})
    with pytest.raises(NotComparable, match=r"'questions' of the baseline main\.json asked other questions"):
        compare(report, others, name="main.json")
    with pytest.raises(NotComparable, match="does not cover 'questions'"):
        compare(report, report.model_copy(update={"sets": ()}), name="main.json")
    with pytest.raises(NotComparable, match="also covers 'questions'"):
        compare(report.model_copy(update={"sets": ()}), report, name="main.json")


def test_a_baseline_is_read_from_its_file(tmp_path: Path) -> None:
    report = run_of([1.0, 0.5])
    (tmp_path / "main.json").write_text(report.to_text(), encoding="utf-8")
    assert read_report(tmp_path / "main.json") == report


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"schema_version": 2}', "not JSON"])
def test_what_is_no_report_is_no_baseline(tmp_path: Path, content: str) -> None:
    (tmp_path / "main.json").write_text(content)
    with pytest.raises(NotComparable, match=r"is no report of a suite, schema version 1"):
        read_report(tmp_path / "main.json")
    with pytest.raises(NotComparable, match="cannot be read"):
        read_report(tmp_path / "missing.json")


def test_the_summary_carries_the_comparison() -> None:
    before, after = run_of([1.0] * 30), run_of([0.5] * 30)
    summary = SuiteSummary(report=compare(after, before, name="main.json"), files={})
    shown = summary.to_json()["comparison"]
    assert len(shown["regressions"]) == 1
    assert shown["differences"][0]["verdict"] == "worse"
    assert ("against the baseline", "0 better, 1 worse for certain") in summary.summary_rows()
