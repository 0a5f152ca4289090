"""Evaluating refusals: always answering, always refusing, doing it right, and failing."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from eval.readers import read_refusal
from eval.refusal import evaluate_refusal, given_passages
from rag.domain import Answer, AnswerStatus, Passage
from rag.factory import Footnote
from rag.settings import load_settings
from tests.eval.test_readers import write_lines
from tests.fakes import HashedEmbedder


def answer(text: str | None, *, answerability: float | None) -> Answer:
    return Answer(
        answer_id="a",
        question="q",
        status=AnswerStatus.REFUSED if text is None else AnswerStatus.ANSWERED,
        text=text or "The passages do not say.",
        sentences=(),
        citations=(),
        passages=(),
        grounding=None,
        llm="fake",
        timings_ms={},
        answerability=answerability,
    )


class FunctionAnswerer:
    """Answers with a function of the passages' texts."""

    def __init__(self, reply: Callable[[str], Answer]) -> None:
        self._reply = reply

    def answer_from_passages(self, question: str, passages: Sequence[Passage]) -> Answer:
        return self._reply(" ".join(passage.text for passage in passages))


def right(text: str) -> Answer:
    if "purr" in text:
        return answer("The cats purr. [1]", answerability=0.8)
    return answer(None, answerability=0.1)


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    asked = {"question": "Who purrs?"}
    return write_lines(
        tmp_path / "set.jsonl",
        *(
            {
                **asked,
                "id": f"yes{number}",
                "passages": [{"title": "Cats", "text": "Cats purr."}],
                "answerable": True,
                "answers": ["cats", "cats purr"],
            }
            for number in range(6)
        ),
        *(
            {
                **asked,
                "id": f"no{number}",
                "passages": [{"title": "", "text": "Dogs bark."}],
                "answerable": False,
            }
            for number in range(4)
        ),
    )


def test_refusing_exactly_what_is_not_answerable_scores_best(questions: Path) -> None:
    shown = evaluate_refusal(questions, answerer=FunctionAnswerer(right)).to_json()
    assert (shown["n"], shown["unanswerable"]) == (10, 4)
    assert (shown["refusal_recall"], shown["false_refusal_rate"]) == (1, 0)
    assert (shown["balanced_accuracy"], shown["auroc"], shown["answer_token_f1"]) == (1, 1, 1)
    json.dumps(shown, allow_nan=False)


def test_always_answering_refuses_nothing(questions: Path) -> None:
    reply = FunctionAnswerer(lambda text: answer("The cats sing.", answerability=0.5))
    shown = evaluate_refusal(questions, answerer=reply).to_json()
    assert (shown["refusal_recall"], shown["false_refusal_rate"]) == (0, 0)
    assert (shown["balanced_accuracy"], shown["auroc"]) == (0.5, 0.5)
    assert shown["answer_token_f1"] == pytest.approx(2 / 3, abs=1e-4)


def test_always_refusing_refuses_the_answerable_ones_too_and_answers_nothing(questions: Path) -> None:
    reply = FunctionAnswerer(lambda text: answer(None, answerability=0.5))
    shown = evaluate_refusal(questions, answerer=reply).to_json()
    assert (shown["refusal_recall"], shown["false_refusal_rate"], shown["balanced_accuracy"]) == (1, 1, 0.5)
    assert shown["answer_token_f1"] == 0


def test_a_question_that_could_not_be_answered_is_a_failure_and_not_a_score(questions: Path) -> None:
    def fragile(text: str) -> Answer:
        if "bark" in text:
            raise TimeoutError("the model did not answer")
        return right(text)

    shown = evaluate_refusal(questions, answerer=FunctionAnswerer(fragile)).to_json()
    assert (shown["n"], shown["failed"], shown["refusal_recall"], shown["auroc"]) == (6, 4, None, None)
    assert shown["failures"][0]["line"] == 7
    assert "'no0' failed: TimeoutError: the model did not answer" in shown["failures"][0]["reason"]


@pytest.mark.parametrize("answerability", [None, float("nan"), 1.5])
def test_an_answer_without_a_probability_is_a_failure(questions: Path, answerability: float | None) -> None:
    reply = FunctionAnswerer(lambda text: answer("Cats.", answerability=answerability))
    report = evaluate_refusal(questions, answerer=reply)
    assert (report.to_json()["n"], report.to_json()["failed"]) == (0, 10)
    assert ("AUROC", "not defined") in report.summary_rows()


def test_given_passages_keep_order_title_and_text(questions: Path) -> None:
    record = read_refusal(questions).records[0]
    (passage,) = given_passages(record)
    assert (passage.title, passage.text, passage.start, passage.end) == ("Cats", "Cats purr.", 0, 10)
    assert passage.scores == {}


def test_progress_counts_every_question(questions: Path) -> None:
    seen: list[tuple[int, int]] = []
    evaluate_refusal(
        questions, answerer=FunctionAnswerer(right), progress=lambda *counts: seen.append(counts)
    )
    assert seen == [(done, 10) for done in range(1, 11)]


def test_the_products_own_answer_path_can_be_evaluated(questions: Path) -> None:
    with Footnote(load_settings(), embedder=HashedEmbedder()) as footnote:
        shown = evaluate_refusal(questions, answerer=footnote.answerer()).to_json()
    assert (shown["n"], shown["failed"]) == (10, 0)
    assert 0 <= shown["refusal_recall"] <= 1
