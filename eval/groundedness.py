"""How well a groundedness checker tells carried responses from those that are not.

The checker runs with its own threshold, as in the product: nothing is fitted on the file. Beside every
score stand the two trivial baselines, since F1 alone can be had by calling everything unsupported.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eval.bootstrap import Interval
from eval.decisions import Decision, Decisions, DecisionScores
from eval.metrics import Span, SpanScore, auroc, percentiles, span_character_score
from eval.overlap import word_overlap
from eval.readers import GoldSpan, GroundednessRecord, LineFailure, read_groundedness
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
from rag.domain import Evidence, GroundingReport, Verdict
from rag.interfaces import GroundednessChecker

POSITIVE_CLASS = "unsupported"
_UNSUPPORTED = frozenset({Verdict.UNSUPPORTED, Verdict.CONTRADICTED})


@dataclass(frozen=True, kw_only=True, slots=True)
class GroundednessScores:
    """Scores of a part of the records.

    Attributes:
        decisions: the metrics of whole responses, positive class "unsupported".
        word_overlap_auroc: what counting words alone reaches.
        spans: over characters, where the file marks gold spans.
    """

    decisions: DecisionScores
    word_overlap_auroc: float
    spans: SpanScore | None

    def to_json(self) -> dict[str, Any]:
        """Flat metrics, ``span_char_f1`` where spans are marked, and the baselines."""
        scores = self.decisions
        figures = {
            "auroc": scores.auroc,
            "balanced_accuracy": scores.balanced_accuracy,
            "precision": scores.precision,
            "recall": scores.recall,
            "f1": scores.f1,
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
        }
        return {
            "n": scores.n,
            "positives": scores.positives,
            **numbers(figures),
            "baselines": numbers(baselines),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class GroundednessReport:
    """What an evaluation of a groundedness checker found.

    Attributes:
        threshold: the checker's own; ``None`` when it used several, or checked nothing.
        by_group: scores per task or domain, where the file names any.
        without_flagged: scores when gold spans flagged as implicitly true or due to a null value do not
            count, where there are such.
        intervals: 95 %, sources resampled.
        ms_per_response: percentiles of one check.
        decided: every record in the scores, in order.
        failures: unusable lines, and records that the checker failed on; neither is in any score.
    """

    dataset: str
    checker: str
    threshold: float | None
    scores: GroundednessScores
    by_group: Mapping[str, GroundednessScores]
    without_flagged: GroundednessScores | None
    intervals: Mapping[str, Interval | None]
    ms_per_response: Mapping[str, float]
    decided: tuple[Decision, ...]
    failures: tuple[LineFailure, ...]

    def to_json(self) -> dict[str, Any]:
        """The contract's object, with the failures and the scores without flagged spans besides."""
        parts: dict[str, Any] = {}
        if self.by_group:
            parts["by_task"] = {name: scores.to_json() for name, scores in self.by_group.items()}
        if self.without_flagged is not None:
            parts["without_flagged_spans"] = self.without_flagged.to_json()
        return {
            "dataset": self.dataset,
            "checker": self.checker,
            "positive_class": POSITIVE_CLASS,
            "threshold": number(self.threshold),
            **self.scores.to_json(),
            **parts,
            "ci95": {name: interval(bounds) for name, bounds in self.intervals.items()},
            "ms_per_response": numbers(self.ms_per_response, 2),
            **failures_json(self.failures),
        }

    def summary_rows(self) -> list[SummaryRow]:
        """Quality beside the baselines, by task, speed and what went wrong."""
        whole = self.scores.decisions
        rows = [
            ("data set", f"{self.dataset}, {whole.n} responses, {whole.positives} unsupported"),
            ("checker", f"{self.checker}, threshold {shown(self.threshold)}"),
            ("AUROC", shown(whole.auroc, self.intervals["auroc"])),
            ("  word overlap", shown(self.scores.word_overlap_auroc)),
            ("balanced accuracy", shown(whole.balanced_accuracy, self.intervals["balanced_accuracy"])),
            ("F1", shown(whole.f1, self.intervals["f1"])),
            ("  always unsupported", shown(whole.always_positive_f1)),
        ]
        if self.scores.spans is not None:
            rows.append(("span character F1", shown(self.scores.spans.f1)))
        rows += [(f"  {name}", _one_line(scores)) for name, scores in self.by_group.items()]
        rows.append(("median check", shown(self.ms_per_response["p50"], digits=1, unit=" ms")))
        return rows + failure_rows(self.failures)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Checked:
    """A record with what the checker said of it."""

    record: GroundednessRecord
    unsupported_score: float
    predicted: bool
    overlap: float
    spans: tuple[Span, ...]


def evaluate_groundedness(
    file: Path, *, checker: GroundednessChecker, progress: Progress = silent
) -> GroundednessReport:
    """Check every response of a groundedness file and compare with the gold labels.

    A response counts as called unsupported when the report's score is below the report's threshold. An empty
    response claims nothing: it is called supported, with score 1, without asking the checker. An empty
    context is checked like any other. A record on which the checker fails is counted and left out.

    Raises:
        DatasetError: the file cannot be read or holds no usable line.
    """
    dataset = read_groundedness(file)
    checked: list[_Checked] = []
    failures = list(dataset.failures)
    thresholds: set[float] = set()
    milliseconds: list[float] = []
    for done, record in enumerate(dataset.records, start=1):
        started = time.perf_counter()
        try:
            report = _check(checker, record)
        except Exception as exc:  # noqa: BLE001 (any crash of a checker is a finding, not the end of the run)
            reason = f"the checker failed on {record.id!r}: {type(exc).__name__}: {exc}"
            failures.append(LineFailure(file=file.name, line=record.line, reason=reason))
        else:
            if report is not None:
                milliseconds.append((time.perf_counter() - started) * 1000)
                thresholds.add(report.threshold)
            checked.append(_compare(record, report))
        progress(done, len(dataset.records))
    return GroundednessReport(
        dataset=dataset.name,
        checker=checker.name,
        threshold=thresholds.pop() if len(thresholds) == 1 else None,
        scores=_score(checked),
        by_group=_by_group(checked),
        without_flagged=_without_flagged(checked),
        intervals=_decisions(checked, [each.record.unsupported for each in checked]).intervals(),
        ms_per_response=percentiles(milliseconds, (50, 95)),
        decided=tuple(map(_decided, checked)),
        failures=tuple(failures),
    )


def _check(checker: GroundednessChecker, record: GroundednessRecord) -> GroundingReport | None:
    """The checker's report, or ``None`` for an empty response."""
    if not record.response.strip():
        return None
    several = len(record.context) > 1
    evidence = [
        Evidence(id=f"{record.id}#{number}" if several else record.id, text=text)
        for number, text in enumerate(record.context, start=1)
    ]
    report = checker.check(record.response, evidence, question=record.question)
    if not 0 <= report.score <= 1:  # not a number compares false
        raise ValueError(f"the score {report.score} is not between 0 and 1")
    return report


def _compare(record: GroundednessRecord, report: GroundingReport | None) -> _Checked:
    return _Checked(
        record=record,
        unsupported_score=0.0 if report is None else 1 - report.score,
        predicted=report is not None and report.score < report.threshold,
        overlap=word_overlap(record.response, record.context),
        spans=() if report is None else _predicted_spans(report),
    )


def _predicted_spans(report: GroundingReport) -> tuple[Span, ...]:
    """The characters the checker objects to: its spans, or the whole sentence where it gives none."""
    spans: list[Span] = []
    for sentence in report.sentences:
        if sentence.unsupported_spans:
            spans += [(span.start, span.end) for span in sentence.unsupported_spans]
        elif sentence.verdict in _UNSUPPORTED:
            spans.append((sentence.start, sentence.end))
    return tuple(spans)


def _any_span(span: GoldSpan) -> bool:
    return True


def _unflagged(span: GoldSpan) -> bool:
    return not span.flagged


def _score(checked: Sequence[_Checked], counts: Callable[[GoldSpan], bool] = _any_span) -> GroundednessScores:
    """Score records; only gold spans for which ``counts`` is true make a response unsupported."""
    positive = [_positive(each.record, counts) for each in checked]
    marked = [
        ([(span.start, span.end) for span in each.record.spans if counts(span)], each.spans)
        for each in checked
        if each.record.spans is not None
    ]
    uncovered = np.asarray([1 - each.overlap for each in checked], dtype=np.float64)
    return GroundednessScores(
        decisions=_decisions(checked, positive).scores(),
        word_overlap_auroc=float(auroc(np.asarray(positive, dtype=np.bool_), uncovered)[0]),
        spans=span_character_score(marked) if any(gold for gold, _ in marked) else None,
    )


def _positive(record: GroundednessRecord, counts: Callable[[GoldSpan], bool]) -> bool:
    return any(counts(span) for span in record.spans) if record.spans else record.unsupported


def _decisions(checked: Sequence[_Checked], positive: Sequence[bool]) -> Decisions:
    return Decisions(
        positive=positive,
        scores=[each.unsupported_score for each in checked],
        predicted=[each.predicted for each in checked],
        clusters=[_cluster(each.record) for each in checked],
    )


def _decided(checked: _Checked) -> Decision:
    return Decision(
        id=f"{checked.record.id} (line {checked.record.line})",
        cluster=_cluster(checked.record),
        positive=checked.record.unsupported,
        score=checked.unsupported_score,
        predicted=checked.predicted,
    )


def _cluster(record: GroundednessRecord) -> str:
    """The source, or where the file does not name it a hash of the context, which stands for it."""
    if record.source_id is not None:
        return record.source_id
    return hashlib.sha256("\0".join(record.context).encode()).hexdigest()


def _by_group(checked: Sequence[_Checked]) -> dict[str, GroundednessScores]:
    groups: dict[str, list[_Checked]] = {}
    for each in checked:
        if each.record.group is not None:
            groups.setdefault(each.record.group, []).append(each)
    return {name: _score(groups[name]) for name in sorted(groups)}


def _without_flagged(checked: Sequence[_Checked]) -> GroundednessScores | None:
    flagged = any(span.flagged for each in checked for span in each.record.spans or ())
    return _score(checked, _unflagged) if flagged else None


def _one_line(scores: GroundednessScores) -> str:
    whole = scores.decisions
    overlap = shown(scores.word_overlap_auroc)
    return (
        f"n {whole.n}, AUROC {shown(whole.auroc)} (word overlap {overlap}), "
        f"balanced accuracy {shown(whole.balanced_accuracy)}, F1 {shown(whole.f1)}"
    )
