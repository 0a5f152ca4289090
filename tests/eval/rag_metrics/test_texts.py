"""Wording against gold answers: every figure worked out by hand."""

from __future__ import annotations

import math
from itertools import permutations

import pytest

from eval.metrics import answer_tokens, token_f1
from eval.rag_metrics.context import average_precision
from eval.rag_metrics.texts import bleu, chrf, contains_answer, exact_match, rouge
from eval.rag_metrics.wording import WORDING_METRICS
from tests.eval.rag_metrics.answers import answered, found, gold


@pytest.mark.parametrize(
    ("answer", "reference", "same"),
    [
        ("The 25 days.", "25 days", 1.0),
        ("L’avion", "avion", 1.0),
        ("L'élève", "un élève", 1.0),
        ("e\u0301le\u0300ve", "élève", 1.0),
        ("le cœur", "coeur", 1.0),
        ("à la mer", "à mer", 1.0),
        ("mais", "maïs", 0.0),
        ("26 days", "25 days", 0.0),
        ("There are 25 days", "25 days", 0.0),
        ("", "25 days", 0.0),
    ],
)
def test_exact_match_reads_english_and_french(answer: str, reference: str, same: float) -> None:
    assert exact_match(answer, ["something else", reference]) == same


@pytest.mark.parametrize(
    ("answer", "reference", "inside"),
    [
        ("You have 25 days a year.", "25 days", 1.0),
        ("Vous avez droit à l’avance de 25 jours.", "l'avance de 25 jours", 1.0),
        ("You have 125 days.", "25 days", 0.0),
        ("You have 25 working days.", "25 days", 0.0),
        ("You have days.", "the", 0.0),
    ],
)
def test_a_gold_answer_inside_of_a_sentence_is_found_word_for_word(
    answer: str, reference: str, inside: float
) -> None:
    assert contains_answer(answer, [reference]) == inside


def test_token_f1_by_hand() -> None:
    # answer: you have 25 days (4), reference: 25 days (2), shared 2: P 2/4, R 2/2
    assert token_f1("You have 25 days.", ["25 days", "other"]) == pytest.approx(2 * 0.5 * 1 / 1.5)


def test_rouge_by_hand_with_accents() -> None:
    # été, mer, bleue against été, bleue, mer: unigrams 3 of 3, bigrams 0 of 2, longest in order 2 of 3
    answer, reference = "l'été, la mer bleue", "été bleue mer"
    assert answer_tokens(answer) == ["été", "mer", "bleue"]
    assert rouge(answer, [reference], "rouge1") == pytest.approx(1.0)
    assert rouge(answer, [reference], "rouge2") == pytest.approx(0.0)
    assert rouge(answer, [reference], "rougeL") == pytest.approx(2 / 3)
    # precision 1/3, recall 1/1
    assert rouge(answer, ["été"], "rouge1") == pytest.approx(2 * (1 / 3) / (4 / 3))
    assert rouge(answer, ["nothing", reference], "rouge1") == pytest.approx(1.0)


def test_bleu_by_hand() -> None:
    # the cat sat (3) against six words: all n-grams of orders 1 to 3 hit, brevity penalty exp(1 - 6/3)
    assert bleu("the cat sat", ["the cat sat on the mat"]) == pytest.approx(math.exp(-1))
    assert bleu("the cat sat on the mat", ["the cat sat on the mat"]) == pytest.approx(1.0)
    assert bleu("", ["the cat"]) == 0.0


def test_chrf_by_hand() -> None:
    # "ab" against "abc": order 1 P 1, R 2/3; order 2 P 1, R 1/2; means P 1, R 7/12; beta 2
    precision, recall = 1.0, 7 / 12
    assert chrf("ab", ["abc"]) == pytest.approx(5 * precision * recall / (4 * precision + recall))
    assert chrf("Même élève", ["Même élève"]) == pytest.approx(1.0)


def test_a_refusal_says_nothing_and_a_question_without_gold_is_left_out() -> None:
    question = gold(answers=("25 days",))
    for metric in WORDING_METRICS:
        assert metric.per_question(answered(question, None)) == 0.0
        assert metric.per_question(answered(gold(), "25 days")) is None
        assert metric.per_question(answered(question, "25 days")) == pytest.approx(1.0)


def test_the_first_sentence_found_is_the_trivial_answer() -> None:
    metric = next(each for each in WORDING_METRICS if each.name == "token_f1")
    (trivial,) = metric.trivial.values()
    passages = found("Leave is 25 days. It ends in March.", "Nothing.")
    # leave is 25 days (4) against 25 days (2)
    assert trivial(answered(gold(answers=("25 days",)), "x", passages=passages)) == pytest.approx(2 / 3)
    assert trivial(answered(gold(answers=("25 days",)), "x")) == 0.0
    assert trivial(answered(gold(), "x", passages=passages)) is None


def test_average_precision_by_hand() -> None:
    assert average_precision([True, False, True]) == pytest.approx((1 / 1 + 2 / 3) / 2)
    assert average_precision([False, True]) == pytest.approx(1 / 2)
    assert average_precision([False, False]) == 0.0
    assert average_precision([]) == 0.0
    best = max(average_precision(order) for order in permutations([True, True, False, False]))
    assert best == average_precision([True, True, False, False]) == 1.0
