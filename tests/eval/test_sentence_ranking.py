"""Fitting how statements are ordered: which one is right, and which signals tell."""

from __future__ import annotations

import numpy as np
import pytest

from eval.marked_questions import MarkedQuestion, asked, marks_sentence, marks_span
from eval.sentence_ranking import Choice, fit, fit_model
from rag.answering.evidence import SentenceScorer
from tests.fakes import HashedEmbedder
from tests.passages import LEAVE, VPN, passage


def test_a_marked_sentence_is_known_whatever_its_white_space() -> None:
    is_gold = marks_sentence(["The cats purr , all day ."])
    assert is_gold(passage("x"), "The cats purr, all day. They sleep.")
    assert is_gold(passage("x"), "The cats purr, all")
    assert not is_gold(passage("x"), "They sleep.")


def test_an_answer_s_words_count_in_its_own_documents_only() -> None:
    is_gold = marks_span({"document-1"}, ["308"])
    assert is_gold(passage("x"), "They gave up 308 points.")
    assert not is_gold(passage("x"), "They gave up 3080 points.")
    assert not is_gold(passage("x", number=2), "They gave up 308 points.")
    assert marks_span({"document-1"}, [])(passage("x"), "Anything.")


def test_the_signal_that_tells_gets_the_weight() -> None:
    random = np.random.default_rng(1)
    choices = []
    for number in range(60):
        right = np.arange(5) == number % 5
        signals = np.column_stack([right + random.normal(0, 0.5, 5), random.normal(0, 1, 5)])
        choices.append(Choice(signals=signals, right=right, dataset="made-up", group=str(number)))
    weights = fit(choices, ("telling", "noise")).weights
    assert weights["telling"] > 5 * abs(weights["noise"])


def test_both_readings_are_fitted_and_scored_on_other_questions(capsys: pytest.CaptureFixture[str]) -> None:
    passages = [passage(LEAVE), passage(VPN, number=2)]
    texts = {
        "How many days of annual leave are there?": "Annual leave is twenty-five days a year.",
        "Until when may days be carried over?": "Five days may be carried over until 31 March.",
        "What does the VPN need?": "The VPN needs a hardware key.",
        "When is a lost key reported?": "Report a lost key within one hour.",
        "Is a hardware key needed for the VPN?": "The VPN needs a hardware key.",
    }
    marked = [
        MarkedQuestion(
            question=asked(text),
            passages=passages,
            is_gold=marks_sentence([gold]),
            dataset="made-up",
            group=text,
        )
        for text, gold in texts.items()
    ]
    model = fit_model(marked, lambda model: SentenceScorer(HashedEmbedder(), model))
    assert "made-up: 5 questions, out of fold: first" in capsys.readouterr().out
    scorer = SentenceScorer(HashedEmbedder(), model)
    best = [scorer.read(each.question, passages).sentences[0].text for each in marked]
    assert best == list(texts.values())
