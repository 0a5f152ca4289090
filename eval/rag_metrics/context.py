"""Are the right passages found, and do they come first?

RAGAS's context precision and recall (Es et al. 2024, https://aclanthology.org/2024.eacl-demo.16), with gold
quotes and documents in the place of its judge.
"""

from __future__ import annotations

from collections.abc import Sequence

from eval.answered import AnsweredQuestion, names_document
from eval.rag_metrics.gold import gold_passages, has_gold
from eval.rag_metrics.metric import Metric


def average_precision(relevant: Sequence[bool]) -> float:
    """Mean over the relevant places of the share of relevant ones down to there; 0 without any.

    Relevant at 1 and 3: (1/1 + 2/3) / 2.
    """
    hits = 0
    total = 0.0
    for rank, is_relevant in enumerate(relevant, start=1):
        if is_relevant:
            hits += 1
            total += hits / rank
    return total / hits if hits else 0.0


def context_precision(answered: AnsweredQuestion) -> float | None:
    """Average precision of the passages; ``None`` where nobody says where the answer stands."""
    return average_precision(gold_passages(answered)) if has_gold(answered.question) else None


def context_recall(answered: AnsweredQuestion) -> float | None:
    """Whether a gold quote is among the passages; without quotes, the share of gold documents that are."""
    question = answered.question
    if not has_gold(question):
        return None
    if question.quotes:
        return float(any(gold_passages(answered)))
    passages = answered.answer.passages
    found = [any(names_document(gold, each) for each in passages) for gold in question.documents]
    return sum(found) / len(found)


def random_precision(answered: AnsweredQuestion) -> float | None:
    """The context precision that the same passages have on average over all orders.

    The passage at rank ``k`` is relevant with probability ``R / N``, and then ``(k - 1)(R - 1) / (N - 1)`` of
    those before it are, on average.
    """
    relevant = gold_passages(answered)
    everything, hits = len(relevant), sum(relevant)
    if not has_gold(answered.question):
        return None
    before = (hits - 1) / (everything - 1) if everything > 1 else 0.0
    ranks = range(1, everything + 1)
    return sum((1 + (rank - 1) * before) / rank for rank in ranks) / everything if hits else 0.0


CONTEXT_METRICS = (
    Metric(
        name="context_precision",
        title="context precision",
        per_question=context_precision,
        better="higher",
        explained="Do the passages that hold the answer come first? 1 when nothing else stands before them, "
        "0 when none of the passages holds it. By gold quote, or by gold document where no quote is known.",
        trivial={"random order": random_precision},
    ),
    Metric(
        name="context_recall",
        title="context recall",
        per_question=context_recall,
        better="higher",
        explained="Is what answers the question among the passages at all? By gold quote; where only "
        "documents are known, the share of them that was found.",
    ),
)
