"""Metrics of answered questions: rows of tables, without a language model as judge and with one."""

from __future__ import annotations

from eval.rag_metrics.citations import GOLD_CITATION_METRICS, citation_metrics
from eval.rag_metrics.context import CONTEXT_METRICS
from eval.rag_metrics.grounding import grounding_metrics
from eval.rag_metrics.judge import judged_metrics
from eval.rag_metrics.metric import Better, Metric, MetricScore, RagScores, cluster_of, mean_interval, measure
from eval.rag_metrics.refusals import REFUSAL_METRICS
from eval.rag_metrics.relevance import relevance_metrics
from eval.rag_metrics.spending import SPENDING_METRICS
from eval.rag_metrics.wording import WORDING_METRICS
from rag.interfaces import Embedder, GroundednessChecker


def rag_metrics(checker: GroundednessChecker, embedder: Embedder) -> tuple[Metric, ...]:
    """Every metric that needs no judge, in the order of a report.

    Args:
        checker: judges what cited spans carry; ``footnote.checker()``.
        embedder: compares questions with answers; ``footnote.embedder``.
    """
    return (
        *CONTEXT_METRICS,
        *grounding_metrics(checker),
        *citation_metrics(checker),
        *GOLD_CITATION_METRICS,
        *relevance_metrics(embedder),
        *WORDING_METRICS,
        *REFUSAL_METRICS,
        *SPENDING_METRICS,
    )


__all__ = [
    "Better",
    "Metric",
    "MetricScore",
    "RagScores",
    "cluster_of",
    "judged_metrics",
    "mean_interval",
    "measure",
    "rag_metrics",
]
