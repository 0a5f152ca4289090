"""Which metrics a suite's answers are measured by."""

from __future__ import annotations

from eval.rag_metrics import Metric, judged_metrics, rag_metrics
from eval.suite.config import Suite
from rag.factory import Footnote


def metrics_for(suite: Suite, footnote: Footnote) -> tuple[tuple[Metric, ...], frozenset[str]]:
    """The metrics that the suite wants, and the names of all there are.

    Raises:
        InvalidRequest, ModelUnavailable: the checker or the judge cannot be had.
    """
    if suite.questions is None:
        return (), frozenset()
    every = rag_metrics(footnote.checker(), footnote.embedder)
    if suite.judge is not None:
        every += judged_metrics(footnote.llms.alone(suite.judge))
    wanted = tuple(metric for metric in every if metric.name not in suite.leave_out)
    return wanted, frozenset(metric.name for metric in every)
