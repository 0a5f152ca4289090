"""Evaluating a groundedness checker: a perfect one, a blind one, one that crashes, and odd records."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from eval.groundedness import evaluate_groundedness
from rag.domain import Evidence, GroundingReport, SentenceVerdict, UnsupportedSpan, Verdict
from tests.eval.test_readers import write_lines

Judge = Callable[[str, Sequence[Evidence]], float]


class FunctionChecker:
    """Scores with a function; a sentence is the whole answer."""

    name = "function"

    def __init__(
        self, judge: Judge, *, threshold: float = 0.5, spans: Sequence[tuple[int, int]] = ()
    ) -> None:
        self._judge = judge
        self._threshold = threshold
        self._spans = tuple(UnsupportedSpan(start=start, end=end) for start, end in spans)
        self.questions: list[str | None] = []
        self.evidence: list[list[Evidence]] = []

    def check(
        self, answer: str, evidence: Sequence[Evidence], *, question: str | None = None
    ) -> GroundingReport:
        self.questions.append(question)
        self.evidence.append(list(evidence))
        score = self._judge(answer, evidence)
        supported = score >= self._threshold
        sentence = SentenceVerdict(
            text=answer,
            start=0,
            end=len(answer),
            verdict=Verdict.SUPPORTED if supported else Verdict.UNSUPPORTED,
            score=score,
            unsupported_spans=() if supported else self._spans,
        )
        return GroundingReport(
            score=score, sentences=(sentence,), checker=self.name, threshold=self._threshold
        )


def literal(answer: str, evidence: Sequence[Evidence]) -> float:
    return 0.9 if any(answer in each.text for each in evidence) else 0.2


def row(number: int, *, supported: bool, **fields: Any) -> dict[str, Any]:
    context = f"Source {number} says that cats purr."
    return {
        "id": f"r{number}",
        "context": context,
        "response": "cats purr" if supported else "dogs purr",
        "supported": supported,
        **fields,
    }


def write(tmp_path: Path, *rows: Any) -> Path:
    return write_lines(tmp_path / "set.jsonl", *rows)


@pytest.fixture
def balanced(tmp_path: Path) -> Path:
    return write(tmp_path, *(row(number, supported=number % 2 == 0) for number in range(40)))


def test_a_checker_that_is_always_right_scores_1_throughout(balanced: Path) -> None:
    shown = evaluate_groundedness(balanced, checker=FunctionChecker(literal)).to_json()
    assert (shown["n"], shown["positives"], shown["positive_class"]) == (40, 20, "unsupported")
    for metric in ("auroc", "balanced_accuracy", "precision", "recall", "f1"):
        assert shown[metric] == 1
    assert {
        name: shown["ci95"][name] for name in ("auroc", "balanced_accuracy", "precision", "recall", "f1")
    } == {
        "auroc": [1, 1],
        "balanced_accuracy": [1, 1],
        "precision": [1, 1],
        "recall": [1, 1],
        "f1": [1, 1],
    }


def test_probabilities_are_compared_with_what_comes_true(balanced: Path) -> None:
    # half are unsupported and called so with .8, the others supported and called unsupported with .1
    shown = evaluate_groundedness(balanced, checker=FunctionChecker(literal)).to_json()
    assert shown["calibration_error"] == pytest.approx((0.2 + 0.1) / 2)
    assert shown["brier"] == pytest.approx((0.2**2 + 0.1**2) / 2)
    assert shown["baselines"]["base_rate_brier"] == 0.25
    low, high = shown["ci95"]["calibration_error"]
    assert 0.1 <= low <= 0.15 <= high <= 0.2


def test_a_checker_that_is_always_wrong_scores_0(balanced: Path) -> None:
    checker = FunctionChecker(lambda *given: 1 - literal(*given))
    shown = evaluate_groundedness(balanced, checker=checker).to_json()
    assert (shown["auroc"], shown["balanced_accuracy"], shown["f1"]) == (0, 0, 0)


def test_a_constant_checker_ranks_by_chance_and_its_f1_is_the_trivial_one(balanced: Path) -> None:
    shown = evaluate_groundedness(balanced, checker=FunctionChecker(lambda *given: 0.3)).to_json()
    assert (shown["auroc"], shown["balanced_accuracy"]) == (0.5, 0.5)
    assert shown["f1"] == shown["baselines"]["always_unsupported_f1"] == pytest.approx(0.6667, abs=1e-4)


def test_the_threshold_is_the_checkers_own(balanced: Path) -> None:
    strict = evaluate_groundedness(balanced, checker=FunctionChecker(literal, threshold=0.95)).to_json()
    assert (strict["threshold"], strict["recall"], strict["precision"]) == (0.95, 1, 0.5)
    assert strict["auroc"] == 1


def test_the_report_has_the_fields_of_the_contract(balanced: Path) -> None:
    shown = evaluate_groundedness(balanced, checker=FunctionChecker(literal)).to_json()
    assert (shown["dataset"], shown["checker"]) == ("set.jsonl", "function")
    assert set(shown["baselines"]) == {"always_unsupported_f1", "word_overlap_auroc", "base_rate_brier"}
    assert set(shown["ms_per_response"]) == {"p50", "p95"}
    assert (shown["failed"], shown["failures"]) == (0, [])
    assert "span_char_f1" not in shown
    assert "by_task" not in shown
    json.dumps(shown, allow_nan=False)


def test_one_class_only_leaves_auroc_undefined(tmp_path: Path) -> None:
    file = write(tmp_path, *(row(number, supported=True) for number in range(5)))
    report = evaluate_groundedness(file, checker=FunctionChecker(literal))
    shown = report.to_json()
    assert (shown["auroc"], shown["balanced_accuracy"], shown["baselines"]["word_overlap_auroc"]) == (
        None,
    ) * 3
    assert shown["ci95"]["auroc"] is None
    assert ("AUROC", "not defined") in report.summary_rows()


def test_scores_are_given_by_task_or_domain(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        *(row(number, supported=number % 2 == 0, task="qa") for number in range(6)),
        *(
            row(number, supported=number % 2 == 0, domain="sales", response="dogs purr")
            for number in range(6)
        ),
    )
    by_task = evaluate_groundedness(file, checker=FunctionChecker(literal)).to_json()["by_task"]
    assert {name: (part["n"], part["auroc"]) for name, part in by_task.items()} == {
        "qa": (6, 1),
        "sales": (6, 0.5),
    }
    assert by_task["qa"]["baselines"]["always_unsupported_f1"] == pytest.approx(0.6667, abs=1e-4)


def test_the_word_overlap_baseline_stands_beside_the_score(balanced: Path) -> None:
    shown = evaluate_groundedness(balanced, checker=FunctionChecker(lambda *given: 0.5)).to_json()
    assert shown["baselines"]["word_overlap_auroc"] == 1


# ------------------------------------------------------------------------------------------- spans


def spanned(number: int, *spans: dict[str, Any]) -> dict[str, Any]:
    return {"id": str(number), "context": "cats", "response": "0123456789", "spans": list(spans)}


def test_span_f1_counts_the_checkers_spans_against_merged_gold_spans(tmp_path: Path) -> None:
    marked = spanned(1, {"start": 0, "end": 4}, {"start": 2, "end": 6})
    file = write(tmp_path, marked, {**spanned(2), "source_id": "another"})
    shown = evaluate_groundedness(file, checker=FunctionChecker(lambda *given: 0.1, spans=[(3, 9)])).to_json()
    assert shown["span_char_precision"] == pytest.approx(3 / 12)
    assert shown["span_char_recall"] == pytest.approx(3 / 6)
    assert shown["span_char_f1"] == pytest.approx(2 * 3 / (12 + 6), abs=1e-4)
    # everything marked: 20 characters called, 6 of them rightly
    assert shown["baselines"]["everything_marked_span_char_f1"] == pytest.approx(2 * 6 / (20 + 6), abs=1e-4)
    low, high = shown["ci95"]["span_char_f1"]
    assert low <= shown["span_char_f1"] <= high


def test_without_spans_the_whole_unsupported_sentence_is_predicted(tmp_path: Path) -> None:
    file = write(tmp_path, spanned(1, {"start": 0, "end": 4}))
    shown = evaluate_groundedness(file, checker=FunctionChecker(lambda *given: 0.1)).to_json()
    assert (shown["span_char_precision"], shown["span_char_recall"]) == (0.4, 1)


def test_flagged_spans_are_reported_with_and_without(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        spanned(1, {"start": 0, "end": 4, "implicit_true": True}),
        spanned(2, {"start": 0, "end": 4}),
        spanned(3),
    )
    shown = evaluate_groundedness(file, checker=FunctionChecker(lambda *given: 0.1)).to_json()
    assert (shown["positives"], shown["without_flagged_spans"]["positives"]) == (2, 1)
    assert shown["without_flagged_spans"]["span_char_precision"] == pytest.approx(4 / 30, abs=1e-4)


# ------------------------------------------------------------------------------------- odd records


def test_a_checker_that_crashes_on_a_record_is_a_failure_and_not_a_score(tmp_path: Path) -> None:
    def fragile(answer: str, evidence: Sequence[Evidence]) -> float:
        if "Source 3" in evidence[0].text:
            raise RuntimeError("out of memory")
        return literal(answer, evidence)

    file = write(tmp_path, *(row(number, supported=number % 2 == 0) for number in range(6)))
    shown = evaluate_groundedness(file, checker=FunctionChecker(fragile)).to_json()
    assert (shown["n"], shown["positives"], shown["auroc"], shown["failed"]) == (5, 2, 1, 1)
    (failure,) = shown["failures"]
    assert failure["line"] == 4
    assert "'r3'" in failure["reason"]
    assert "out of memory" in failure["reason"]


def test_a_score_that_is_no_probability_is_a_failure(tmp_path: Path) -> None:
    file = write(tmp_path, row(0, supported=True))
    report = evaluate_groundedness(file, checker=FunctionChecker(lambda *given: float("nan")))
    shown = report.to_json()
    assert (shown["n"], shown["failed"], shown["auroc"], shown["threshold"]) == (0, 1, None, None)
    assert shown["ms_per_response"] == {"p50": None, "p95": None}
    assert report.summary_rows()[-1][0] == "failed"


def test_bad_lines_are_listed_up_to_twenty_and_all_counted(tmp_path: Path) -> None:
    file = write(tmp_path, *["nonsense"] * 30, row(0, supported=True), row(1, supported=False))
    shown = evaluate_groundedness(file, checker=FunctionChecker(literal)).to_json()
    assert (shown["n"], shown["failed"], len(shown["failures"])) == (2, 30, 20)
    assert [failure["line"] for failure in shown["failures"]] == list(range(1, 21))


def test_an_empty_response_claims_nothing_and_an_empty_context_carries_nothing(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        {"id": "1", "context": "cats purr", "response": " \n", "supported": True},
        {"id": "2", "context": "", "response": "cats purr", "supported": False},
        {"id": "3", "context": [], "response": "cats purr", "supported": False},
    )
    checker = FunctionChecker(literal)
    shown = evaluate_groundedness(file, checker=checker).to_json()
    assert (shown["n"], shown["auroc"], shown["balanced_accuracy"], shown["failed"]) == (3, 1, 1, 0)
    assert [len(evidence) for evidence in checker.evidence] == [1, 0]


def test_an_unusual_label_is_named_and_read_as_unsupported(tmp_path: Path) -> None:
    labels = ["entailment", "Neutral", "hallucinated", "hallucinated", "entailed"]
    rows = [{**row(number, supported=True), "label": label} for number, label in enumerate(labels)]
    report = evaluate_groundedness(write(tmp_path, *rows), checker=FunctionChecker(literal))
    assert report.to_json()["unknown_labels"] == {"hallucinated": 2, "entailed": 1}
    assert (report.scores.decisions.n, report.scores.decisions.positives) == (5, 4)
    (said,) = [value for name, value in report.summary_rows() if name == "unusual labels"]
    assert said.startswith("'entailed' × 1, 'hallucinated' × 2: read as unsupported")


def test_a_very_long_context_reaches_the_checker_whole(tmp_path: Path) -> None:
    context = "Dogs bark. " * 20_000 + "cats purr"
    file = write(tmp_path, {**row(0, supported=True), "context": context}, row(1, supported=False))
    checker = FunctionChecker(literal)
    assert evaluate_groundedness(file, checker=checker).to_json()["auroc"] == 1
    assert len(checker.evidence[0][0].text) == len(context)


def test_the_parts_of_a_context_are_evidence_of_their_own_and_the_question_is_passed_on(
    tmp_path: Path,
) -> None:
    file = write(
        tmp_path,
        {**row(0, supported=True), "context": ["cats purr", {"text": "dogs bark"}], "question": "Who purrs?"},
        row(1, supported=False),
    )
    checker = FunctionChecker(literal)
    evaluate_groundedness(file, checker=checker)
    assert [(each.id, each.text) for each in checker.evidence[0]] == [
        ("r0#1", "cats purr"),
        ("r0#2", "dogs bark"),
    ]
    assert [each.id for each in checker.evidence[1]] == ["r1"]
    assert checker.questions == ["Who purrs?", None]


def test_responses_of_one_source_widen_the_interval(tmp_path: Path) -> None:
    def noisy(answer: str, evidence: Sequence[Evidence]) -> float:
        return sum(map(ord, evidence[0].text)) % 7 / 10 + 0.2 * literal(answer, evidence)

    def width(*, sources: int) -> float:
        texts = [number % 20 for number in range(120)]
        rows = [row(text, supported=text < 10, source_id=n % sources) for n, text in enumerate(texts)]
        report = evaluate_groundedness(write(tmp_path, *rows), checker=FunctionChecker(noisy))
        low, high = report.intervals["auroc"] or (0, 0)
        return high - low

    assert width(sources=20) > 1.5 * width(sources=120)


def test_without_a_source_the_context_stands_for_it(tmp_path: Path) -> None:
    same = [{**row(0, supported=number % 2 == 0), "id": str(number)} for number in range(10)]
    assert (
        evaluate_groundedness(write(tmp_path, *same), checker=FunctionChecker(literal)).intervals["auroc"]
        is None
    )


def test_progress_counts_every_record(balanced: Path) -> None:
    seen: list[tuple[int, int]] = []
    evaluate_groundedness(
        balanced, checker=FunctionChecker(literal), progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(done, 40) for done in range(1, 41)]
