"""Is refused what cannot be answered, and only that? One rate never stands without the other."""

from __future__ import annotations

from collections.abc import Mapping

from eval.answered import AnsweredQuestion
from eval.rag_metrics.metric import Metric, PerQuestion


def refusal_recall(answered: AnsweredQuestion) -> float | None:
    """Of a question that the documents don't answer, whether it was refused."""
    return float(answered.refused) if answered.question.answerable is False else None


def false_refusal_rate(answered: AnsweredQuestion) -> float | None:
    """Of a question that the documents answer, whether it was refused."""
    return float(answered.refused) if answered.question.answerable else None


def _always(per_question: PerQuestion) -> Mapping[str, PerQuestion]:
    """Refusing everything: 1 wherever the rate says something."""
    return {"always refusing": lambda answered: None if per_question(answered) is None else 1.0}


REFUSAL_METRICS = (
    Metric(
        name="refusal_recall",
        title="refusal recall",
        per_question=refusal_recall,
        better="higher",
        explained="Of the questions that the documents do not answer, the share that was refused. Refusing "
        "everything gives 1: read it beside the false refusals.",
        trivial=_always(refusal_recall),
    ),
    Metric(
        name="false_refusal_rate",
        title="false refusals",
        per_question=false_refusal_rate,
        better="lower",
        explained="Of the questions that the documents do answer, the share that was refused nevertheless.",
        trivial=_always(false_refusal_rate),
    ),
)
