"""What a suite came to, as it is written to disk and read again: the JSON report, schema version 1.

Whatever a page or a comparison shows comes from here, so a report can be drawn and compared without running
anything again. Fields may be added within a version; ``docs/evaluation.md`` lists them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from rag.errors import NotComparable

SCHEMA_VERSION = 1
QUESTIONS = "questions"
"""Name of the part that asks the question set."""

Bounds = tuple[float, float]


def _storable(value: object) -> object:
    """Halves of surrogate pairs, which a model may write and UTF-8 cannot hold, as U+FFFD; offsets stay."""
    return _HALVES.sub("\ufffd", value) if isinstance(value, str) else value


_HALVES = re.compile("[\ud800-\udfff]")
Words = Annotated[str, BeforeValidator(_storable)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Record(_Part):
    """One question, query or response, and its values.

    Attributes:
        cluster: the document it is about; records with the same one are drawn together.
        values: by metric, ``None`` where it is not defined; of decisions ``positive``, ``score``,
            ``predicted``.
    """

    id: Words
    cluster: Words
    values: Mapping[str, Finite | None]


class RecordSet(_Part):
    """The records of one part, for comparisons.

    Attributes:
        kind: ``means``: a figure is the mean of a value; ``decisions``: it is computed from all of them.
        fingerprint: hash of the ids and of what was asked; equal for equal question sets.
    """

    part: Words
    kind: Literal["means", "decisions"]
    fingerprint: str
    records: tuple[Record, ...]


class Figure(_Part):
    """One number of the report.

    Attributes:
        part: ``questions``, or the file or folder it is about.
        title: its name for people.
        value: ``None`` where it is not defined.
        ci95: 95 % interval by bootstrap, documents drawn.
        n: records it was computed from.
        unit: empty for a share or score; otherwise ``ms``, ``USD`` or the like.
        trivial: what systems that know nothing come to.
        threshold: of the suite; ``passed`` says whether it is met.
    """

    part: Words
    name: str
    title: Words
    value: Finite | None
    ci95: Bounds | None
    n: int
    better: Literal["higher", "lower"]
    explained: str
    unit: str = ""
    trivial: Mapping[str, Finite | None] = {}
    threshold: float | None = None
    passed: bool | None = None

    @property
    def is_told(self) -> bool:
        """Whether it says anything: there was something to measure, or a threshold to meet."""
        return self.n > 0 or self.threshold is not None

    @property
    def key(self) -> str:
        """How suites name it: ``faithfulness``, or ``retrieval/scifact/nDCG@10``."""
        return self.name if self.part == QUESTIONS else f"{self.part}/{self.name}"


class GoldBody(_Part):
    """What the question set says of the answer."""

    answerable: bool | None
    answers: tuple[Words, ...]
    documents: tuple[Words, ...]
    quotes: tuple[Words, ...]


class SentenceBody(_Part):
    """A sentence of an answer; offsets into the answer's text, also those of what is not carried."""

    text: Words
    start: int
    end: int
    verdict: str
    score: Finite
    citations: tuple[int, ...]
    unsupported: tuple[tuple[int, int], ...] = ()


class PassageBody(_Part):
    """A passage that was put before the answerer.

    Attributes:
        marks: ``(start, end, number)`` of what citations quote; offsets into ``text``.
        gold: where a gold quote stands in ``text``.
    """

    title: Words
    source_uri: Words
    text: Words
    score: Finite
    is_gold: bool
    marks: tuple[tuple[int, int, int], ...]
    gold: tuple[tuple[int, int], ...]


class Case(_Part):
    """One question with its answer.

    Attributes:
        shortfall: mean distance, 0 to 1, of its values from the best possible; ``None`` without any.
        wrong: what is plainly wrong with it, in words; empty when nothing is.
        passages: only of the worst cases.
    """

    id: Words
    question: Words
    language: Words
    gold: GoldBody
    status: str
    reason: Words | None
    text: Words
    sentences: tuple[SentenceBody, ...]
    citations: tuple[tuple[int, Words], ...]
    milliseconds: Finite
    shortfall: Finite | None
    wrong: tuple[str, ...]
    passages: tuple[PassageBody, ...] | None = None


class FailureBody(_Part):
    """What could not be evaluated, and is in no figure; line 0 where it belongs to none."""

    part: Words
    file: Words
    line: int
    reason: Words


class Environment(_Part):
    """What the figures were measured with."""

    footnote: str
    python: str
    machine: str
    llm: str
    checker: str
    embedding_model: str
    embedding_fingerprint: str
    seed: int
    draws: int
    settings: Mapping[str, str]


class Difference(_Part):
    """A figure beside that of the baseline.

    Attributes:
        difference: after minus before, over the records that both have.
        verdict: ``better`` and ``worse`` where the interval leaves out 0, and the tolerance is passed.
        gated: whether it may fail the run.
    """

    part: Words
    name: str
    before: Finite | None
    after: Finite | None
    difference: Finite | None
    ci95: Bounds | None
    n: int
    verdict: Literal["better", "worse", "same", "not judged"]
    gated: bool


class Comparison(_Part):
    """How a run differs from an earlier one over the same questions."""

    baseline: str
    baseline_started_at: str
    baseline_footnote: str
    tolerance: float
    differences: tuple[Difference, ...]
    newly_failed: tuple[str, ...]

    @property
    def regressions(self) -> tuple[Difference, ...]:
        """What got worse and may fail the run."""
        return tuple(each for each in self.differences if each.gated and each.verdict == "worse")


class SuiteReport(_Part):
    """A whole report."""

    schema_version: Literal[1]
    suite: str
    started_at: str
    seconds: Finite
    environment: Environment
    figures: tuple[Figure, ...]
    sets: tuple[RecordSet, ...]
    cases: tuple[Case, ...]
    failures: tuple[FailureBody, ...]
    comparison: Comparison | None = None

    @property
    def missed(self) -> tuple[Figure, ...]:
        """The figures on the wrong side of their threshold."""
        return tuple(each for each in self.figures if each.passed is False)

    def to_text(self) -> str:
        """The report as JSON, the same for the same report."""
        return self.model_dump_json(indent=1)


def read_report(file: Path) -> SuiteReport:
    """Read a report that an earlier run wrote.

    Raises:
        NotComparable: it cannot be read, or is no report of this version.
    """
    try:
        content = file.read_bytes()
    except OSError as exc:
        raise NotComparable(
            f"The report {file} cannot be read ({exc.strerror}); name one that `footnote eval run` wrote."
        ) from exc
    return parse_report(content, str(file))


def parse_report(content: str | bytes, name: str) -> SuiteReport:
    """The report in ``content``, called ``name`` in what is said of it. Raises: NotComparable."""
    try:
        return SuiteReport.model_validate_json(content)
    except ValidationError as exc:
        problem = exc.errors(include_url=False)[0]
        place = ".".join(map(str, problem["loc"])) or "it"
        raise NotComparable(
            f"{name} is no report of a suite, schema version {SCHEMA_VERSION} ({place}: {problem['msg']}); "
            "name the JSON that `footnote eval run` wrote."
        ) from exc
