"""Metrics agree with brute force and with scikit-learn, and are undefined where they must be."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from eval.metrics import (
    Span,
    always_positive_f1,
    answer_tokens,
    auroc,
    brier_score,
    calibration_error,
    confusion,
    merge_spans,
    percentiles,
    span_character_score,
    span_characters,
    token_f1,
)

labelled = st.lists(st.tuples(st.booleans(), st.integers(0, 8)), min_size=1, max_size=60)
spans = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=6)


def columns(rows: list[tuple[bool, int]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([row[0] for row in rows]), np.array([row[1] for row in rows], dtype=float)


def characters(found: list[Span]) -> set[int]:
    return {position for start, end in found for position in range(start, end)}


@given(labelled)
def test_auroc_is_how_often_a_positive_beats_a_negative(rows: list[tuple[bool, int]]) -> None:
    positive, scores = columns(rows)
    assume(0 < positive.sum() < len(positive))
    wins = [(mine > other) + (mine == other) / 2 for mine in scores[positive] for other in scores[~positive]]
    assert auroc(positive, scores)[0] == pytest.approx(np.mean(wins))
    assert auroc(positive, scores)[0] == pytest.approx(sklearn_metrics.roc_auc_score(positive, scores))


@given(labelled, st.data())
def test_a_weight_counts_a_record_that_many_times(rows: list[tuple[bool, int]], data: st.DataObject) -> None:
    positive, scores = columns(rows)
    counts = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(rows), max_size=len(rows))))
    weighted = auroc(positive, scores, counts[None, :].astype(float))
    repeated = auroc(np.repeat(positive, counts), np.repeat(scores, counts))
    np.testing.assert_allclose(weighted, repeated)
    predicted = scores > 4
    np.testing.assert_allclose(
        confusion(positive, predicted, counts[None, :].astype(float)).f1,
        confusion(np.repeat(positive, counts), np.repeat(predicted, counts)).f1,
    )


@given(labelled)
def test_decisions_score_as_in_scikit_learn(rows: list[tuple[bool, int]]) -> None:
    positive, scores = columns(rows)
    predicted = scores > 4
    assume(0 < positive.sum() < len(positive) and predicted.any())
    table = confusion(positive, predicted)
    assert table.precision[0] == pytest.approx(sklearn_metrics.precision_score(positive, predicted))
    assert table.recall[0] == pytest.approx(sklearn_metrics.recall_score(positive, predicted))
    assert table.f1[0] == pytest.approx(sklearn_metrics.f1_score(positive, predicted))
    expected = sklearn_metrics.balanced_accuracy_score(positive, predicted)
    assert table.balanced_accuracy[0] == pytest.approx(expected)


def test_metrics_are_undefined_rather_than_made_up() -> None:
    yes, no = np.array([True, True]), np.array([False, False])
    assert math.isnan(auroc(yes, np.array([0.1, 0.2]))[0])
    assert math.isnan(auroc(np.array([], dtype=bool), np.array([]))[0])
    assert math.isnan(confusion(yes, no).precision[0])
    assert math.isnan(confusion(no, yes).recall[0])
    assert math.isnan(confusion(yes, yes).balanced_accuracy[0])
    assert math.isnan(confusion(no, no).f1[0])
    assert confusion(yes, no).f1[0] == 0
    assert always_positive_f1(no) == 0
    assert math.isnan(always_positive_f1(np.array([], dtype=bool)))


def test_calling_everything_positive_has_the_f1_of_the_positive_rate() -> None:
    assert always_positive_f1(np.array([True, False, False])) == pytest.approx(2 * (1 / 3) / (1 + 1 / 3))


@given(spans)
def test_merged_spans_hold_the_same_characters_and_are_disjoint(found: list[Span]) -> None:
    merged = merge_spans(found)
    assert characters(merged) == characters(found)
    assert all(start < end for start, end in merged)
    assert all(first[1] < second[0] for first, second in pairwise(merged))


@given(st.lists(st.tuples(spans, spans), max_size=5))
def test_span_score_counts_characters_once(pairs: list[tuple[list[Span], list[Span]]]) -> None:
    score = span_character_score(pairs)
    shared = sum(len(characters(gold) & characters(predicted)) for gold, predicted in pairs)
    gold_count = sum(len(characters(gold)) for gold, _ in pairs)
    predicted_count = sum(len(characters(predicted)) for _, predicted in pairs)
    assert score.precision == pytest.approx(
        shared / predicted_count if predicted_count else math.nan, nan_ok=True
    )
    assert score.recall == pytest.approx(shared / gold_count if gold_count else math.nan, nan_ok=True)
    total = gold_count + predicted_count
    assert score.f1 == pytest.approx(2 * shared / total if total else math.nan, nan_ok=True)


def test_calibration_error_and_brier_score_by_hand() -> None:
    positive = np.array([True, True, False, False, True])
    probabilities = np.array([0.95, 0.91, 0.12, 0.18, 0.15])
    # the bin from .9: mean .93 against 1, two of them; the bin from .1: mean .15 against 1/3, three
    expected = 2 / 5 * 0.07 + 3 / 5 * (1 / 3 - 0.15)
    assert calibration_error(positive, probabilities)[0] == pytest.approx(expected)
    squares = [0.05**2, 0.09**2, 0.12**2, 0.18**2, 0.85**2]
    assert brier_score(positive, probabilities)[0] == pytest.approx(sum(squares) / 5)


def test_a_record_that_weighs_twice_counts_twice() -> None:
    positive, probabilities = np.array([True, False]), np.array([0.7, 0.2])
    weights = np.array([[2.0, 1.0], [0.0, 0.0]])
    for metric in (calibration_error, brier_score):
        twice = metric(np.array([True, True, False]), np.array([0.7, 0.7, 0.2]))[0]
        found = metric(positive, probabilities, weights)
        assert found[0] == pytest.approx(twice)
        assert math.isnan(found[1])


def test_certainty_and_ignorance() -> None:
    positive = np.array([True, False, False, False])
    right = positive.astype(float)
    assert (calibration_error(positive, right)[0], brier_score(positive, right)[0]) == (0, 0)
    assert (calibration_error(positive, 1 - right)[0], brier_score(positive, 1 - right)[0]) == (1, 1)
    base_rate = np.full(4, 0.25)  # knows nothing of any record, and is perfectly calibrated
    assert calibration_error(positive, base_rate)[0] == pytest.approx(0)
    assert brier_score(positive, base_rate)[0] == pytest.approx(0.25 * 0.75)


def test_span_characters_are_weighed_by_response() -> None:
    pairs = [([(0, 10)], [(5, 15)]), ([(0, 4)], [])]
    table = span_characters(pairs, np.array([[1.0, 1.0], [2.0, 0.0], [0.0, 1.0]]))
    assert table.f1 == pytest.approx([2 * 5 / 24, 2 * 5 / 20, 0])
    assert table.precision[:2] == pytest.approx([0.5, 0.5])
    assert math.isnan(table.precision[2])


def test_span_score_by_hand() -> None:
    score = span_character_score([([(0, 10), (5, 12)], [(8, 16)]), ([], [(0, 4)])])
    assert (score.precision, score.recall) == (pytest.approx(4 / 12), pytest.approx(4 / 12))


@pytest.mark.parametrize(
    ("answer", "reference", "expected"),
    [
        ("The cat sat.", "a cat SAT", 1.0),
        ("L’avion est « grand »", "avion est grand", 1.0),
        ("cat sat mat", "cat", 2 * (1 / 3) / (1 / 3 + 1)),
        ("25 days", "30 days", 0.5),
        ("", "cat", 0.0),
        ("the", "une", 1.0),
        ("élève", "eleve", 0.0),
    ],
)
def test_token_f1_by_hand(answer: str, reference: str, expected: float) -> None:
    assert token_f1(answer, [reference]) == pytest.approx(expected)


def test_token_f1_takes_the_best_reference() -> None:
    assert token_f1("a cat", ["dog", "cat", "cat and dog"]) == 1
    assert token_f1("a cat", []) == 0


@given(st.text(), st.text())
def test_token_f1_is_symmetric_and_full_on_equal_texts(one: str, other: str) -> None:
    assert token_f1(one, [one]) == 1
    assert token_f1(one, [other]) == pytest.approx(token_f1(other, [one]))
    assert 0 <= token_f1(one, [other]) <= 1


def test_answer_tokens_drop_case_punctuation_and_articles() -> None:
    assert answer_tokens("The U.S. (état): l'eau—d'Évian!") == ["u", "s", "état", "eau", "évian"]


def test_percentiles_interpolate_and_are_undefined_without_values() -> None:
    assert percentiles([1, 2, 3, 4], (50, 100)) == {"p50": 2.5, "p100": 4.0}
    assert math.isnan(percentiles([], (50,))["p50"])
