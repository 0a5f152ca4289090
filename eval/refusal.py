"""Does the product answer what the passages hold, and refuse what they do not?

Refusal recall alone can be had by always refusing, so false refusals always stand beside it. The positive
class is "unanswerable".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from eval.bootstrap import Interval
from eval.decisions import Decision, Decisions, DecisionScores
from eval.metrics import token_f1
from eval.readers import LineFailure, RefusalRecord, read_refusal
from eval.report import (
    Progress,
    SummaryRow,
    failure_rows,
    failures_json,
    interval,
    number,
    numbers,
    shown,
    silent,
)
from rag.domain import Answer, AnswerStatus, Passage
from rag.text.language import detect_language

_MARKER = re.compile(r"\s*\[\d+\]")


class PassageAnswerer(Protocol):
    """Answers from given passages, without retrieval."""

    def answer_from_passages(self, question: str, passages: Sequence[Passage]) -> Answer:
        """The checked answer, or a refusal, with the probability that the passages hold the answer."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusalReport:
    """What an evaluation of refusals found.

    Attributes:
        decisions: metrics of the decision to refuse; its recall is the refusal recall.
        answer_token_f1: mean over the answerable questions with gold answers, best of them each; a refusal
            counts 0; ``nan`` without gold answers.
        intervals: 95 %, questions resampled.
        decided: every question in the scores, in order.
        failures: unusable lines, and questions on which answering failed; neither is in any score.
    """

    dataset: str
    decisions: DecisionScores
    answer_token_f1: float
    intervals: Mapping[str, Interval | None]
    decided: tuple[Decision, ...]
    failures: tuple[LineFailure, ...]

    @property
    def false_refusal_rate(self) -> float:
        """Share of the answerable questions that were refused."""
        return 1 - self.decisions.specificity

    def to_json(self) -> dict[str, Any]:
        """The contract's object, with counts, intervals and failures besides."""
        figures = {
            "refusal_recall": self.decisions.recall,
            "false_refusal_rate": self.false_refusal_rate,
            "balanced_accuracy": self.decisions.balanced_accuracy,
            "auroc": self.decisions.auroc,
            "answer_token_f1": self.answer_token_f1,
        }
        return {
            "dataset": self.dataset,
            "n": self.decisions.n,
            "unanswerable": self.decisions.positives,
            **numbers(figures),
            "ci95": {name: interval(bounds) for name, bounds in self._shown_intervals().items()},
            **failures_json(self.failures),
        }

    def summary_rows(self) -> list[SummaryRow]:
        """Refusals, false refusals, answers and what went wrong."""
        scores, intervals = self.decisions, self._shown_intervals()
        return [
            ("data set", f"{self.dataset}, {scores.n} questions, {scores.positives} unanswerable"),
            ("refusal recall", shown(scores.recall, intervals["refusal_recall"])),
            ("false refusals", shown(self.false_refusal_rate, intervals["false_refusal_rate"])),
            ("balanced accuracy", shown(scores.balanced_accuracy, intervals["balanced_accuracy"])),
            ("AUROC", shown(scores.auroc, intervals["auroc"])),
            ("answer token F1", shown(number(self.answer_token_f1))),
            *failure_rows(self.failures),
        ]

    def _shown_intervals(self) -> dict[str, Interval | None]:
        """By the names of the report's figures."""
        answered = self.intervals["specificity"]
        return {
            "refusal_recall": self.intervals["recall"],
            "false_refusal_rate": None if answered is None else (1 - answered[1], 1 - answered[0]),
            "balanced_accuracy": self.intervals["balanced_accuracy"],
            "auroc": self.intervals["auroc"],
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answered:
    """A record with what the product said to it."""

    record: RefusalRecord
    answer: Answer
    unanswerable_score: float

    @property
    def refused(self) -> bool:
        return self.answer.status is AnswerStatus.REFUSED


def evaluate_refusal(file: Path, *, answerer: PassageAnswerer, progress: Progress = silent) -> RefusalReport:
    """Ask every question of a refusal file with the passages that come with it.

    A question is refused when the answer's status says so; ``1 - answerability`` is its score. A question on
    which answering fails is counted and left out of the scores.

    Raises:
        DatasetError: the file cannot be read or holds no usable line.
    """
    dataset = read_refusal(file)
    answered: list[_Answered] = []
    failures = list(dataset.failures)
    for done, record in enumerate(dataset.records, start=1):
        try:
            answered.append(_answer(answerer, record))
        except Exception as exc:  # noqa: BLE001 (any crash of a model is a finding, not the end of the run)
            reason = f"answering {record.id!r} failed: {type(exc).__name__}: {exc}"
            failures.append(LineFailure(file=file.name, line=record.line, reason=reason))
        progress(done, len(dataset.records))
    decisions = Decisions(
        positive=[not each.record.answerable for each in answered],
        scores=[each.unanswerable_score for each in answered],
        predicted=[each.refused for each in answered],
        clusters=[str(each.record.line) for each in answered],
    )
    return RefusalReport(
        dataset=dataset.name,
        decisions=decisions.scores(),
        answer_token_f1=_answer_token_f1(answered),
        intervals=decisions.intervals(),
        decided=tuple(map(_decided, answered)),
        failures=tuple(failures),
    )


def _answer(answerer: PassageAnswerer, record: RefusalRecord) -> _Answered:
    answer = answerer.answer_from_passages(record.question, given_passages(record))
    if answer.answerability is None or not 0 <= answer.answerability <= 1:  # not a number compares false
        raise ValueError(f"the answerability {answer.answerability} is not between 0 and 1")
    return _Answered(record=record, answer=answer, unanswerable_score=1 - answer.answerability)


def _decided(answered: _Answered) -> Decision:
    return Decision(
        id=f"{answered.record.id} (line {answered.record.line})",
        cluster=str(answered.record.line),
        positive=not answered.record.answerable,
        score=answered.unanswerable_score,
        predicted=answered.refused,
    )


def given_passages(record: RefusalRecord) -> list[Passage]:
    """The record's passages as the answer path takes them, the first scored highest."""
    return [
        Passage(
            chunk_id=number,
            document_id=f"{record.id}-{number}",
            version=1,
            title=passage.title,
            source_uri="",
            language=detect_language(passage.text),
            page=None,
            heading="",
            start=0,
            end=len(passage.text),
            text=passage.text,
            score=1 / number,
            scores={},
        )
        for number, passage in enumerate(record.passages, start=1)
    ]


def _answer_token_f1(answered: Sequence[_Answered]) -> float:
    scores = [
        0.0 if each.refused else token_f1(_MARKER.sub("", each.answer.text), each.record.answers)
        for each in answered
        if each.record.answerable and each.record.answers
    ]
    return sum(scores) / len(scores) if scores else float("nan")
