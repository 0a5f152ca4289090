"""What is measured of every contestant, and how it differs from the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eval.answered import AnsweredQuestion
from eval.bootstrap import Interval
from eval.compare.points import points, rightness
from eval.metrics import Floats
from eval.question_set import GoldQuestion
from eval.rag_metrics.citations import GOLD_CITATION_METRICS, citation_metrics
from eval.rag_metrics.grounding import FAITHFULNESS
from eval.rag_metrics.metric import Metric, RagScores, mean_interval
from eval.rag_metrics.refusals import REFUSAL_METRICS
from eval.rag_metrics.spending import SPENDING_METRICS
from eval.rag_metrics.wording import WORDING_METRICS
from eval.report import interval, number
from rag.interfaces import GroundednessChecker

POINTS = "points"


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """How one contestant differs from the first, over the questions that both have a value for.

    Attributes:
        better: ``True`` for an improvement beyond chance, ``False`` for a loss beyond chance, ``None`` where
            the interval holds 0.
    """

    questions: int
    mean: float
    bounds: Interval | None
    better: bool | None

    def to_json(self) -> dict[str, Any]:
        """``{questions, mean, ci95, better}``."""
        return {
            "questions": self.questions,
            "mean": number(self.mean),
            "ci95": interval(self.bounds),
            "better": self.better,
        }


def metrics(checker: GroundednessChecker) -> tuple[Metric, ...]:
    """The rows of the table. Args: checker: says whether citations carry their sentences."""
    known = {each.name: each for each in (*WORDING_METRICS, *REFUSAL_METRICS, *SPENDING_METRICS)}
    return (
        Metric(
            name=POINTS,
            title="points",
            per_question=points,
            better="higher",
            explained="What an answer is worth: right times faithful; a refusal counts 1 where there is "
            "nothing to answer, and 0 where there is. By it contestants win and lose.",
        ),
        Metric(
            name="right",
            title="right",
            per_question=_right,
            better="higher",
            explained="Share of a correct answer's words that stand in the answer; a refusal counts 0.",
        ),
        known["token_f1"],
        FAITHFULNESS,
        *citation_metrics(checker),
        *GOLD_CITATION_METRICS,
        known["refusal_recall"],
        known["false_refusal_rate"],
        known["latency_ms"],
    )


def cluster_of(question: GoldQuestion) -> str:
    """Questions about one document are not independent; one without a document stands by itself."""
    return f"document {min(question.documents)}" if question.documents else f"question {question.id}"


def column(scores: RagScores, name: str, questions: Sequence[GoldQuestion]) -> Floats:
    """One value a question of the set; ``nan`` where the metric says nothing or the question failed."""
    values = dict(zip((each.question.id for each in scores.answered), scores.values[name], strict=True))
    found = [values.get(question.id) for question in questions]
    return np.array([np.nan if value is None else value for value in found], dtype=np.float64)


def difference(metric: Metric, first: Floats, other: Floats, clusters: Sequence[str]) -> Difference:
    """Paired bootstrap: the same draws of questions for both, so what makes a question hard cancels out."""
    gains = [None if np.isnan(gain) else float(gain) for gain in other - first]
    known = [gain for gain in gains if gain is not None]
    bounds = mean_interval(gains, clusters)
    better = None
    if bounds is not None and (bounds[0] > 0 or bounds[1] < 0):
        better = (bounds[0] > 0) == (metric.better == "higher")
    return Difference(
        questions=len(known),
        mean=sum(known) / len(known) if known else float("nan"),
        bounds=bounds,
        better=better,
    )


def differences(
    first: RagScores, other: RagScores, questions: Sequence[GoldQuestion], clusters: Sequence[str]
) -> Mapping[str, Difference]:
    """By metric."""
    return {
        metric.name: difference(
            metric,
            column(first, metric.name, questions),
            column(other, metric.name, questions),
            clusters,
        )
        for metric in first.metrics
    }


def _right(answered: AnsweredQuestion) -> float | None:
    if not answered.question.answerable:
        return None
    return 0.0 if answered.refused else rightness(answered)
