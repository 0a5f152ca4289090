"""A suite from its file to its report."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from difflib import get_close_matches

from eval.rag_metrics.metric import Metric
from eval.suite.config import Suite
from eval.suite.environment import environment_of
from eval.suite.file_parts import (
    GROUNDEDNESS_FIGURES,
    REFUSAL_FIGURES,
    RETRIEVAL_FIGURES,
    PartResult,
    part_name,
    run_groundedness,
    run_refusal,
    run_retrieval,
)
from eval.suite.metrics import metrics_for
from eval.suite.questions_part import LATENCIES, ingest_documents, run_questions, scratch
from eval.suite.report import SCHEMA_VERSION, Figure, SuiteReport
from eval.suite.steps import Steps
from rag.errors import SuiteError
from rag.factory import Footnote

_FILE_FIGURES: Mapping[str, Iterable[str]] = {
    "retrieval": RETRIEVAL_FIGURES,
    "groundedness": GROUNDEDNESS_FIGURES,
    "refusal": REFUSAL_FIGURES,
}


def run_suite(suite: Suite, footnote: Footnote, *, steps: Steps | None = None) -> SuiteReport:
    """Run all that a suite names through the real pipeline.

    Questions, records and lines that fail are in the report and in no figure. The data directory of
    ``footnote`` is read if the suite names a collection of it, and never written to.

    Raises:
        SuiteError: it names a metric that there is not.
        DatasetError: a file cannot be read, or holds nothing to use.
        CollectionNotFound, InvalidRequest, ModelUnavailable: nothing can be asked at all.
        RunCancelled: the run was cancelled.
    """
    steps = steps or Steps()
    started_at, started = datetime.now(UTC), time.perf_counter()
    changes = {} if suite.checker is None else {"checker": suite.checker}
    with footnote.with_settings(**changes) as tuned:
        metrics, known = metrics_for(suite, tuned)
        _check_names(suite, known)
        parts = list(_parts(suite, metrics, tuned, steps))
        environment = environment_of(tuned, llm=suite.llm or tuned.settings.llm, k=suite.k, seed=suite.seed)
    return SuiteReport(
        schema_version=SCHEMA_VERSION,
        suite=suite.name,
        started_at=started_at.isoformat(timespec="seconds"),
        seconds=round(time.perf_counter() - started, 3),
        environment=environment,
        figures=tuple(
            _judged(figure, suite)
            for part in parts
            for figure in part.figures
            if figure.key not in suite.leave_out
        ),
        sets=tuple(part.records for part in parts),
        cases=tuple(case for part in parts for case in part.cases),
        failures=tuple(failure for part in parts for failure in part.failures),
    )


def _parts(suite: Suite, metrics: Sequence[Metric], footnote: Footnote, steps: Steps) -> Iterator[PartResult]:
    """Each part as it is run, one after the other."""
    seed = suite.seed
    with scratch(footnote) as private:
        if suite.documents is not None:
            collection, failures = ingest_documents(suite.documents, private, steps)
            found = run_questions(suite, metrics, private, collection=collection, steps=steps)
            yield replace(found, failures=(*failures, *found.failures))
        if suite.collection is not None:
            yield run_questions(suite, metrics, footnote, collection=suite.collection, steps=steps)
        for folder in suite.retrieval:
            yield run_retrieval(folder, private, seed=seed, steps=steps)
        for file in suite.groundedness:
            yield run_groundedness(file, private, seed=seed, steps=steps)
        for file in suite.refusal:
            yield run_refusal(file, private, llm=suite.llm, seed=seed, steps=steps)


def _check_names(suite: Suite, metrics: frozenset[str]) -> None:
    """Raises: SuiteError for a metric that this suite has not."""
    known = sorted(metrics | LATENCIES) if suite.questions else []
    known += [
        f"{part_name(key, path)}/{name}"
        for key, path in suite.paths()
        if key in _FILE_FIGURES
        for name in _FILE_FIGURES[key]
    ]
    named = {"thresholds": suite.thresholds, "gate": suite.gate, "leave_out": suite.leave_out}
    for key, names in named.items():
        for name in names:
            if name not in known:
                near = get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}."
                raise SuiteError(f"Suite {suite.name!r}, {key!r}: there is no metric {name!r} here; {hint}")


def _judged(figure: Figure, suite: Suite) -> Figure:
    """The figure beside its threshold; one that is not defined meets none."""
    threshold = suite.thresholds.get(figure.key)
    if threshold is None:
        return figure
    passed = figure.value is not None and (
        figure.value <= threshold if figure.better == "lower" else figure.value >= threshold
    )
    return figure.model_copy(update={"threshold": threshold, "passed": passed})
