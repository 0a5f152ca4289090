"""Reports made by hand: what pages and comparisons are tested with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eval.suite.report import (
    Case,
    Environment,
    FailureBody,
    Figure,
    GoldBody,
    PassageBody,
    Record,
    RecordSet,
    SentenceBody,
    SuiteReport,
)
from eval.suite.statistics import value_and_interval

ENVIRONMENT = Environment(
    footnote="0.1.0",
    python="3.11.2",
    machine="Linux x86_64, 2 cores",
    llm="extractive",
    checker="lexical",
    embedding_model="hashed",
    embedding_fingerprint="hashed:256",
    seed=7,
    draws=1000,
    settings={"k": "8"},
)
SEED = ENVIRONMENT.seed


def means(values: Sequence[float | None], name: str = "faithfulness", *, per_document: int = 1) -> RecordSet:
    """Questions with one value each, ``per_document`` of them about one document."""
    return RecordSet(
        part="questions",
        kind="means",
        fingerprint="the same questions",
        records=tuple(
            Record(id=f"q{number:03}", cluster=f"document {number // per_document}", values={name: value})
            for number, value in enumerate(values)
        ),
    )


def figure_of(records: RecordSet, name: str, **more: Any) -> Figure:
    value, bounds, n = value_and_interval(records.kind, records.records, name, seed=SEED)
    fields: dict[str, Any] = {
        "part": records.part,
        "name": name,
        "title": name,
        "value": value,
        "ci95": bounds,
        "n": n,
        "better": "higher",
        "explained": f"What {name} says.",
        **more,
    }
    return Figure(**fields)


def report_of(
    *sets: RecordSet,
    figures: Mapping[str, Mapping[str, Any]],
    cases: Sequence[Case] = (),
    failures: Sequence[FailureBody] = (),
) -> SuiteReport:
    """A report whose figures are those of its only set of records."""
    return SuiteReport(
        schema_version=1,
        suite="by-hand",
        started_at="2026-01-01T00:00:00+00:00",
        seconds=1.5,
        environment=ENVIRONMENT,
        figures=tuple(figure_of(sets[0], name, **more) for name, more in figures.items()),
        sets=sets,
        cases=tuple(cases),
        failures=tuple(failures),
    )


def case_about(text: str, *, verdict: str = "unsupported") -> Case:
    """A case in which every text is ``text``."""
    return Case(
        id=text,
        question=text,
        language=text,
        gold=GoldBody(answerable=True, answers=(text,), documents=(text,), quotes=(text,)),
        status=text,
        reason=text,
        text=text,
        sentences=(
            SentenceBody(
                text=text,
                start=0,
                end=len(text),
                verdict=verdict,
                score=0.25,
                citations=(1,),
                unsupported=((0, max(1, len(text) // 2)),),
            ),
        ),
        citations=((1, text),),
        milliseconds=12.0,
        shortfall=0.5,
        wrong=(text,),
        passages=(
            PassageBody(
                title=text,
                source_uri=text,
                text=text,
                score=0.5,
                is_gold=True,
                marks=((0, max(1, len(text) // 3), 1),),
                gold=((len(text) // 4, len(text)),),
            ),
            PassageBody(title=text, source_uri=text, text=text, score=0.4, is_gold=False, marks=(), gold=()),
        ),
    )
