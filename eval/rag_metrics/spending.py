"""What an answer takes: time, and a language model's tokens."""

from __future__ import annotations

from eval.answered import AnsweredQuestion
from eval.rag_metrics.metric import Metric


def latency_ms(answered: AnsweredQuestion) -> float | None:
    """Milliseconds from asking to the whole, checked answer."""
    return answered.milliseconds


def input_tokens(answered: AnsweredQuestion) -> float | None:
    """What the model read; ``None`` where its provider does not count."""
    return answered.input_tokens


def output_tokens(answered: AnsweredQuestion) -> float | None:
    """What the model wrote; ``None`` where its provider does not count."""
    return answered.output_tokens


SPENDING_METRICS = (
    Metric(
        name="latency_ms",
        title="latency",
        per_question=latency_ms,
        better="lower",
        explained="Mean milliseconds from asking to the whole, checked answer; the percentiles stand beside.",
        unit="ms",
    ),
    Metric(
        name="input_tokens",
        title="tokens read",
        per_question=input_tokens,
        better="lower",
        explained="Mean tokens that the language model read for an answer, as its provider counts them.",
        unit="tokens",
    ),
    Metric(
        name="output_tokens",
        title="tokens written",
        per_question=output_tokens,
        better="lower",
        explained="Mean tokens that the language model wrote for an answer, as its provider counts them.",
        unit="tokens",
    ),
)
