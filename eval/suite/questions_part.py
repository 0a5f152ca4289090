"""The heart of a suite: the question set asked of the real answer path, and every answer measured."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from eval.answered import AnsweredQuestion, ask_all
from eval.metrics import percentiles
from eval.question_set import QuestionSet, read_question_set
from eval.rag_metrics.context import CONTEXT_METRICS
from eval.rag_metrics.metric import Metric, RagScores, cluster_of, measure
from eval.readers import LineFailure
from eval.suite.cases import case_of, with_worst_shown
from eval.suite.config import Suite
from eval.suite.file_parts import PartResult
from eval.suite.report import QUESTIONS, Case, FailureBody, Figure, Record, RecordSet
from eval.suite.statistics import value_and_interval
from eval.suite.steps import RunCancelled, Steps
from eval.suite.trivial import (
    FIRST_PASSAGE,
    first_passage_answerer,
    quoting_first_passages,
)
from ingest.factory import build_ingestor
from ingest.progress import Status
from ingest.sources import open_source
from rag.errors import DatasetError
from rag.factory import Footnote

COLLECTION = "suite"
LATENCIES = frozenset({"latency_p50", "latency_p95"})
_RANKS = (50, 95)

Trivial = Mapping[str, float | None]
"""What trivial systems come to, by their names."""


@contextmanager
def scratch(footnote: Footnote) -> Iterator[Footnote]:
    """The same models over a data directory of their own, which is gone afterwards."""
    with (
        TemporaryDirectory(prefix="footnote-suite-") as folder,
        footnote.with_settings(data_dir=Path(folder), catalog_url=None) as private,
    ):
        yield private


def run_questions(
    suite: Suite, metrics: Sequence[Metric], footnote: Footnote, *, collection: str, steps: Steps
) -> PartResult:
    """Ask every question, measure every answer, and the same of systems that know nothing.

    Raises:
        DatasetError: the question set cannot be read.
        CollectionNotFound, InvalidRequest, ModelUnavailable: nothing can be asked at all.
    """
    assert suite.questions is not None
    asked = read_question_set(suite.questions)
    answered, failures = ask_all(
        footnote,
        asked.questions,
        collection=collection,
        llm=suite.llm,
        k=suite.k,
        progress=steps.counting("asking"),
    )
    scores = measure(answered, metrics, progress=steps.counting("measuring"))
    trivial, trivial_failures = _first_passage(answered, metrics, footnote, steps)
    records = _records(asked, scores)
    figures = [
        *_figures(records, scores, trivial, seed=suite.seed),
        *_latencies(answered),
    ]
    return PartResult(
        figures=tuple(figures),
        records=records,
        failures=tuple(_failures([*asked.failures, *failures, *scores.failures, *trivial_failures])),
        cases=tuple(_cases(scores, worst=suite.worst_cases)),
    )


class _Files:
    """Passes an ingestion's progress on as files done and files in all."""

    def __init__(self, steps: Steps) -> None:
        self._count = steps.counting("ingesting")

    def update(self, status: Status) -> None:
        self._count(status.files_done, status.files_total)


def ingest_documents(documents: Path, footnote: Footnote, steps: Steps) -> tuple[str, list[FailureBody]]:
    """Take a suite's documents in: the collection's name, and what could not be taken.

    Raises:
        DatasetError: there is no document.
    """
    with build_ingestor(footnote) as ingestor:
        result = ingestor.sync(
            open_source(documents),
            collection=footnote.open_collection(COLLECTION),
            progress=_Files(steps),
            cancelled=steps.cancelled,
        )
    if result.cancelled:
        raise RunCancelled
    if result.documents == 0:
        first = f" {result.failures[0].path}: {result.failures[0].message}" if result.failures else ""
        raise DatasetError(f"No document of {documents} could be ingested.{first}")
    return COLLECTION, [
        FailureBody(
            part=QUESTIONS, file=each.path, line=0, reason=f"not ingested ({each.code}): {each.message}"
        )
        for each in result.failures
    ]


def _first_passage(
    answered: Sequence[AnsweredQuestion], metrics: Sequence[Metric], footnote: Footnote, steps: Steps
) -> tuple[dict[str, Trivial], list[LineFailure]]:
    """What quoting the first passage comes to, where a metric of answers has no trivial row of its own.

    Its passages are those of the product, so metrics of passages would say nothing of it.
    """
    bare = [
        metric
        for metric in metrics
        if metric.judge is None
        and metric.unit == "share"
        and not metric.trivial
        and metric not in CONTEXT_METRICS
    ]
    if not bare:
        return {}, []
    with first_passage_answerer(footnote) as answerer:
        quoting, failures = quoting_first_passages(answerer, answered, steps.counting("baseline"))
    scores = measure(quoting, bare)
    return {metric.name: {FIRST_PASSAGE: scores.score(metric.name).mean} for metric in bare}, failures


def _records(asked: QuestionSet, scores: RagScores) -> RecordSet:
    return RecordSet(
        part=QUESTIONS,
        kind="means",
        fingerprint=fingerprint_of(asked),
        records=tuple(
            Record(
                id=each.question.id,
                cluster=cluster_of(each),
                values={name: column[position] for name, column in scores.values.items()},
            )
            for position, each in enumerate(scores.answered)
        ),
    )


def fingerprint_of(asked: QuestionSet) -> str:
    """Hash of what is asked and what is known of the answers, whatever the order."""
    rows = sorted(
        [each.id, each.text, each.answerable, each.answers, each.documents, each.quotes, each.turns]
        for each in asked.questions
    )
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def _figures(
    records: RecordSet, scores: RagScores, trivial: Mapping[str, Trivial], *, seed: int
) -> Iterator[Figure]:
    for metric in scores.metrics:
        value, bounds, n = value_and_interval(records.kind, records.records, metric.name, seed=seed)
        yield Figure(
            part=QUESTIONS,
            name=metric.name,
            title=metric.title,
            value=value,
            ci95=bounds,
            n=n,
            better=metric.better,
            explained=metric.explained,
            unit="" if metric.unit == "share" else metric.unit,
            trivial=trivial.get(metric.name) or scores.score(metric.name).trivial,
        )


def _latencies(answered: Sequence[AnsweredQuestion]) -> Iterator[Figure]:
    found = percentiles([each.milliseconds for each in answered], _RANKS) if answered else {}
    for rank, (name, value) in zip(_RANKS, found.items(), strict=False):
        yield Figure(
            part=QUESTIONS,
            name=f"latency_{name}",
            title=f"latency, {name}",
            value=value,
            ci95=None,
            n=len(answered),
            better="lower",
            explained=f"{rank} of 100 answers were whole and checked within this time.",
            unit="ms",
        )


def _cases(scores: RagScores, *, worst: int) -> list[Case]:
    shares = [metric for metric in scores.metrics if metric.unit == "share"]
    lower = frozenset(metric.name for metric in shares if metric.better == "lower")
    cases = [
        case_of(each, {metric.name: scores.values[metric.name][position] for metric in shares}, lower)
        for position, each in enumerate(scores.answered)
    ]
    return with_worst_shown(cases, scores.answered, worst)


def _failures(failures: Iterable[LineFailure]) -> Iterator[FailureBody]:
    for each in failures:
        yield FailureBody(part=QUESTIONS, file=each.file, line=each.line, reason=each.reason)
