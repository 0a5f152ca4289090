"""How well a groundedness checker tells carried responses from those that are not.

The checker runs with its own threshold, as in the product: nothing is fitted on the file. Beside every
score stand the two trivial baselines, since F1 alone can be had by calling everything unsupported.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.bootstrap import Interval
from eval.decisions import Decision
from eval.groundedness_scores import (
    CheckedResponse,
    GroundednessScores,
    by_group,
    cluster_of,
    intervals_of,
    scores_of,
    without_flagged,
)
from eval.metrics import Span, percentiles
from eval.overlap import word_overlap
from eval.readers import GroundednessRecord, LineFailure, read_responses
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
        unknown_labels: counts of labels that are none of the usual ones; they were read as unsupported.
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
    unknown_labels: Mapping[str, int]
    failures: tuple[LineFailure, ...]

    def to_json(self) -> dict[str, Any]:
        """The contract's object, with the failures and the scores without flagged spans besides."""
        parts: dict[str, Any] = {}
        if self.by_group:
            parts["by_task"] = {name: scores.to_json() for name, scores in self.by_group.items()}
        if self.without_flagged is not None:
            parts["without_flagged_spans"] = self.without_flagged.to_json()
        if self.unknown_labels:
            parts["unknown_labels"] = dict(self.unknown_labels)
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
            ("calibration error", shown(whole.calibration_error, self.intervals["calibration_error"])),
            ("Brier score", shown(whole.brier)),
            ("  share of unsupported", shown(whole.base_rate_brier)),
        ]
        if self.scores.spans is not None:
            rows.append(("span character F1", shown(self.scores.spans.f1, self.intervals["span_char_f1"])))
            rows.append(("  everything marked", shown(self.scores.everything_marked_f1)))
        rows += [(f"  {name}", _one_line(scores)) for name, scores in self.by_group.items()]
        rows.append(("median check", shown(self.ms_per_response["p50"], digits=1, unit=" ms")))
        return rows + _label_rows(self.unknown_labels) + failure_rows(self.failures)


def _label_rows(unknown: Mapping[str, int]) -> list[SummaryRow]:
    """A row that names unusual labels; none without."""
    if not unknown:
        return []
    names = ", ".join(f"{label!r} × {count}" for label, count in sorted(unknown.items()))
    return [("unusual labels", f"{names}: read as unsupported, as every label but entailment")]


def evaluate_groundedness(
    file: Path, *, checker: GroundednessChecker, progress: Progress = silent
) -> GroundednessReport:
    """Check every response of a groundedness file, in any layout of :func:`read_responses`.

    A response counts as called unsupported when the report's score is below the report's threshold. An empty
    response claims nothing: it is called supported, with score 1, without asking the checker. An empty
    context is checked like any other. A record on which the checker fails is counted and left out.

    Raises:
        DatasetError: the file cannot be read or holds no usable line.
    """
    dataset = read_responses(file)
    checked: list[CheckedResponse] = []
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
        scores=scores_of(checked),
        by_group=by_group(checked),
        without_flagged=without_flagged(checked),
        intervals=intervals_of(checked),
        ms_per_response=percentiles(milliseconds, (50, 95)),
        decided=tuple(map(_decided, checked)),
        unknown_labels=dataset.unknown_labels,
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


def _compare(record: GroundednessRecord, report: GroundingReport | None) -> CheckedResponse:
    return CheckedResponse(
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


def _decided(checked: CheckedResponse) -> Decision:
    return Decision(
        id=f"{checked.record.id} (line {checked.record.line})",
        cluster=cluster_of(checked.record),
        positive=checked.record.unsupported,
        score=checked.unsupported_score,
        predicted=checked.predicted,
    )


def _one_line(scores: GroundednessScores) -> str:
    whole = scores.decisions
    overlap = shown(scores.word_overlap_auroc)
    return (
        f"n {whole.n}, AUROC {shown(whole.auroc)} (word overlap {overlap}), "
        f"balanced accuracy {shown(whole.balanced_accuracy)}, F1 {shown(whole.f1)}"
    )
