"""What checked responses come to: scores of all of them or of a part, their intervals, trivial rows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eval.bootstrap import Interval, cluster_interval
from eval.decisions import Decisions, DecisionScores
from eval.metrics import Span, SpanScore, auroc, span_character_score, span_characters
from eval.readers import GoldSpan, GroundednessRecord
from eval.report import numbers


@dataclass(frozen=True, kw_only=True, slots=True)
class GroundednessScores:
    """Scores of a part of the records.

    Attributes:
        decisions: the metrics of whole responses, positive class "unsupported".
        word_overlap_auroc: what counting words alone reaches.
        spans: over characters, where the file marks gold spans.
        everything_marked_f1: the same score for marking every character of every response.
    """

    decisions: DecisionScores
    word_overlap_auroc: float
    spans: SpanScore | None
    everything_marked_f1: float | None

    def to_json(self) -> dict[str, Any]:
        """Flat metrics, ``span_char_f1`` where spans are marked, and the baselines."""
        scores = self.decisions
        figures = {
            "auroc": scores.auroc,
            "balanced_accuracy": scores.balanced_accuracy,
            "precision": scores.precision,
            "recall": scores.recall,
            "f1": scores.f1,
            "calibration_error": scores.calibration_error,
            "brier": scores.brier,
        }
        if self.spans is not None:
            figures |= {
                "span_char_f1": self.spans.f1,
                "span_char_precision": self.spans.precision,
                "span_char_recall": self.spans.recall,
            }
        baselines = {
            "always_unsupported_f1": scores.always_positive_f1,
            "word_overlap_auroc": self.word_overlap_auroc,
            "base_rate_brier": scores.base_rate_brier,
        }
        if self.everything_marked_f1 is not None:
            baselines["everything_marked_span_char_f1"] = self.everything_marked_f1
        return {
            "n": scores.n,
            "positives": scores.positives,
            **numbers(figures),
            "baselines": numbers(baselines),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedResponse:
    """A record with what the checker said of it."""

    record: GroundednessRecord
    unsupported_score: float
    predicted: bool
    overlap: float
    spans: tuple[Span, ...]


def _any_span(span: GoldSpan) -> bool:
    return True


def _unflagged(span: GoldSpan) -> bool:
    return not span.flagged


def scores_of(
    checked: Sequence[CheckedResponse], counts: Callable[[GoldSpan], bool] = _any_span
) -> GroundednessScores:
    """Score records; only gold spans for which ``counts`` is true make a response unsupported."""
    positive = [_positive(each.record, counts) for each in checked]
    marked = _marked(checked, counts)
    whole = [(gold, [(0, len(each.record.response))]) for each, (gold, _) in marked]
    has_spans = any(gold for _, (gold, _) in marked)
    uncovered = np.asarray([1 - each.overlap for each in checked], dtype=np.float64)
    return GroundednessScores(
        decisions=_decisions(checked, positive).scores(),
        word_overlap_auroc=float(auroc(np.asarray(positive, dtype=np.bool_), uncovered)[0]),
        spans=span_character_score(pair for _, pair in marked) if has_spans else None,
        everything_marked_f1=span_character_score(whole).f1 if has_spans else None,
    )


def _marked(
    checked: Sequence[CheckedResponse], counts: Callable[[GoldSpan], bool]
) -> list[tuple[CheckedResponse, tuple[list[Span], tuple[Span, ...]]]]:
    """The records whose spans are marked, with gold and predicted spans."""
    return [
        (each, ([(span.start, span.end) for span in each.record.spans if counts(span)], each.spans))
        for each in checked
        if each.record.spans is not None
    ]


def intervals_of(checked: Sequence[CheckedResponse]) -> dict[str, Interval | None]:
    """Those of the decisions and, where spans are marked, of their characters; by the report's names."""
    found = _decisions(checked, [each.record.unsupported for each in checked]).intervals()
    intervals = {name: bounds for name, bounds in found.items() if name != "specificity"}
    marked = _marked(checked, _any_span)
    if any(gold for _, (gold, _) in marked):
        pairs = [pair for _, pair in marked]
        intervals["span_char_f1"] = cluster_interval(
            lambda weights: span_characters(pairs, weights).f1,
            [cluster_of(each.record) for each, _ in marked],
        )
    return intervals


def _positive(record: GroundednessRecord, counts: Callable[[GoldSpan], bool]) -> bool:
    return any(counts(span) for span in record.spans) if record.spans else record.unsupported


def _decisions(checked: Sequence[CheckedResponse], positive: Sequence[bool]) -> Decisions:
    return Decisions(
        positive=positive,
        scores=[each.unsupported_score for each in checked],
        predicted=[each.predicted for each in checked],
        clusters=[cluster_of(each.record) for each in checked],
    )


def cluster_of(record: GroundednessRecord) -> str:
    """The source, or where the file does not name it a hash of the context, which stands for it."""
    if record.source_id is not None:
        return record.source_id
    return hashlib.sha256("\0".join(record.context).encode()).hexdigest()


def by_group(checked: Sequence[CheckedResponse]) -> dict[str, GroundednessScores]:
    """Scores by task or domain, where the file names any."""
    groups: dict[str, list[CheckedResponse]] = {}
    for each in checked:
        if each.record.group is not None:
            groups.setdefault(each.record.group, []).append(each)
    return {name: scores_of(groups[name]) for name in sorted(groups)}


def without_flagged(checked: Sequence[CheckedResponse]) -> GroundednessScores | None:
    """Scores when flagged gold spans don't count; ``None`` without such spans."""
    flagged = any(span.flagged for each in checked for span in each.record.spans or ())
    return scores_of(checked, _unflagged) if flagged else None
