"""What a question set comes to: means over what a metric speaks of, intervals, failures beside."""

from __future__ import annotations

import json

import pytest

from eval.answered import AnsweredQuestion
from eval.rag_metrics import Metric, cluster_of, mean_interval, measure, rag_metrics
from tests.eval.rag_metrics.answers import WordChecker, answered, citation, found, gold
from tests.fakes import HashedEmbedder


def length(each: AnsweredQuestion) -> float | None:
    return None if each.refused else float(len(each.text))


LENGTH = Metric(name="length", title="length", per_question=length, better="lower", explained="Characters.")


def test_a_mean_is_over_the_questions_that_the_metric_speaks_of() -> None:
    scores = measure([answered(gold(), "abcd"), answered(gold(), None), answered(gold(), "ab")], [LENGTH])
    assert scores.values["length"] == (4.0, None, 2.0)
    score = scores.score("length")
    assert (score.mean, score.n, score.failed) == (3.0, 2, 0)


def test_without_any_value_the_mean_is_not_defined() -> None:
    score = measure([answered(gold(), None)], [LENGTH]).score("length")
    assert (score.mean, score.n, score.ci95) == (None, 0, None)


def test_what_cannot_be_measured_is_a_failure_beside_the_others() -> None:
    def fragile(each: AnsweredQuestion) -> float:
        if each.question.id == "bad":
            raise TimeoutError("the judge did not answer")
        return float("nan") if each.question.id == "odd" else 1.0

    metric = Metric(name="judged", title="judged", per_question=fragile, better="higher", explained="")
    asked = [answered(gold(id=name, line=line), "x") for line, name in enumerate(("bad", "odd", "good"), 1)]
    scores = measure(asked, [metric, LENGTH])
    assert scores.values["judged"] == (None, None, 1.0)
    assert (scores.score("judged").n, scores.score("judged").failed) == (1, 2)
    assert scores.score("length").n == 3
    assert [(each.line, each.reason) for each in scores.failures] == [
        (1, "judged of 'bad' failed: TimeoutError: the judge did not answer"),
        (2, "judged of 'odd' failed: ValueError: the value is nan, expected a finite number"),
    ]


def test_questions_about_one_document_are_drawn_together() -> None:
    assert cluster_of(answered(gold(documents=("b.md", "a.md")), "x")) == "document a.md"
    assert cluster_of(answered(gold(id="q7"), "x")) == "question q7"
    values = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]
    together = mean_interval(values, ["a", "a", "a", "b", "b", "b"])
    apart = mean_interval(values, list("abcdef"))
    assert together == (0.0, 1.0)  # two documents: both may be the same one
    assert apart is not None
    assert 0.0 < apart[0] < 0.5 < apart[1] < 1.0
    assert mean_interval([None, None], ["a", "b"]) is None


def test_groups_are_reported_for_themselves() -> None:
    asked = [answered(gold(id=text, group=group), text) for text, group in (("ab", "x"), ("abcd", "y"))]
    scores = measure([*asked, answered(gold(), "abcdef")], [LENGTH])
    shown = scores.to_json()
    assert shown["metrics"]["length"]["mean"] == 4
    assert {name: part["metrics"]["length"]["mean"] for name, part in shown["by_group"].items()} == {
        "x": 2,
        "y": 4,
    }
    assert "by_group" not in measure([answered(gold(), "a")], [LENGTH]).to_json()


def test_latency_is_told_in_percentiles() -> None:
    scores = measure([answered(gold(), "x", milliseconds=each) for each in (10, 20, 30)], [])
    assert scores.latency_ms() == pytest.approx({"p50": 20, "p95": 29, "p99": 29.8})


def test_the_whole_table_becomes_json() -> None:
    metrics = rag_metrics(WordChecker(), HashedEmbedder())
    asked = answered(
        gold(answers=("25 days",), documents=("1.md",), quotes=("Leave is 25 days.",)),
        "Leave is 25 days.",
        cited=[(1,)],
        citations=[citation(1, "Leave is 25 days.")],
        passages=found("Leave is 25 days.", "The VPN needs a key."),
        usage={"input_tokens": 100, "output_tokens": 7},
    )
    shown = measure([asked, answered(gold(answerable=False), None)], metrics).to_json()
    json.dumps(shown, allow_nan=False)
    assert (shown["n"], shown["failed"]) == (2, 0)
    assert len(shown["metrics"]) == len(metrics)
    means = {name: each["mean"] for name, each in shown["metrics"].items()}
    perfect = (
        "context_precision context_recall faithfulness citation_precision citation_recall "
        "citation_precision_gold citation_recall_gold contains_answer refusal_recall"
    )
    assert {means[name] for name in perfect.split()} == {1.0}
    assert (means["noise_sensitivity"], means["false_refusal_rate"], means["exact_match"]) == (0, 0, 0)
    assert (means["input_tokens"], means["output_tokens"]) == (100, 7)
    assert shown["metrics"]["noise_sensitivity"]["better"] == "lower"
    assert all(metric.explained.endswith(".") for metric in metrics)
    assert len({metric.name for metric in metrics}) == len(metrics)
