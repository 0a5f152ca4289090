"""Groundedness files: one response a line, with its context and a gold label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

from eval.readers.lines import FileRow, Id, LineFailure, Text, read_records

_SUPPORTED_LABEL = "entailment"
_KNOWN_LABELS = frozenset({_SUPPORTED_LABEL, "neutral", "contradiction", "not_entailment"})


@dataclass(frozen=True, kw_only=True, slots=True)
class GoldSpan:
    """Characters of the response that annotators marked as not carried by the context.

    Attributes:
        flagged: the annotators qualified the mark as implicitly true, or as due to a null value.
        label: what kind of fault they saw, in the file's own words.
    """

    start: int
    end: int
    flagged: bool
    label: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class GroundednessRecord:
    """A response to check.

    Attributes:
        line: 1-based line of the file.
        source_id: responses with the same one share their context; ``None`` where the file does not say.
        context: the texts the response must rest on, usually one.
        unsupported: the gold label of the whole response.
        label: the file's own word for it, in lower case, where it has one.
        spans: gold spans; ``None`` where the file marks no spans, empty where it marks none here.
        group: task or domain.
    """

    id: str
    line: int
    source_id: str | None
    context: tuple[str, ...]
    response: str
    question: str | None
    unsupported: bool
    label: str | None
    spans: tuple[GoldSpan, ...] | None
    group: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class GroundednessDataset:
    """The usable records of a groundedness file, and the lines that are not."""

    name: str
    records: tuple[GroundednessRecord, ...]
    failures: tuple[LineFailure, ...]

    @property
    def unknown_labels(self) -> Mapping[str, int]:
        """How many records have each label that is none of the usual ones: perhaps a slip of the pen."""
        labels = (record.label for record in self.records)
        return Counter(label for label in labels if label is not None and label not in _KNOWN_LABELS)


class SpanRow(FileRow):
    """A gold span as a file holds it."""

    start: int = Field(ge=0)
    end: int
    label: str | None = None
    implicit_true: bool | None = None
    due_to_null: bool | None = None


class _TextPart(FileRow):
    text: Text


def _as_parts(value: object) -> object:
    return [value] if isinstance(value, str | dict) else value


class GroundednessRow(FileRow):
    """A line of a groundedness file."""

    id: Id
    context: Annotated[list[Text | _TextPart], BeforeValidator(_as_parts)]
    response: Text
    question: Text | None = None
    spans: list[SpanRow] | None = None
    supported: bool | None = None
    label: str | None = None
    task: str | None = None
    domain: str | None = None
    source_id: Id | None = None


def read_groundedness(file: Path) -> GroundednessDataset:
    """Read lines of ``{id, context, response, question?, source_id?, task?, domain?}`` and a gold label.

    A response is unsupported when ``spans`` is not empty, ``supported`` is false, or ``label`` is another
    than ``entailment``. ``context`` is a string, or a list of strings or of ``{text}``.

    Raises:
        DatasetError: the file cannot be read or holds no usable line.
    """
    records, failures = read_records(file, GroundednessRow, record_of)
    return GroundednessDataset(name=file.name, records=tuple(records), failures=tuple(failures))


def record_of(line: int, row: GroundednessRow) -> GroundednessRecord:
    """The record of a row. Raises: ValueError: no gold label, or a span outside of the response."""
    if row.spans is None and row.supported is None and row.label is None:
        raise ValueError("no gold label: expected 'spans', 'supported' or 'label'")
    if row.label is not None and not row.label.strip():
        raise ValueError("'label' is empty: expected entailment, neutral or contradiction")
    for span in row.spans or ():
        if not span.start < span.end <= len(row.response):
            size = len(row.response)
            raise ValueError(f"the span {span.start}–{span.end} lies outside the response (0–{size})")
    return GroundednessRecord(
        id=row.id,
        line=line,
        source_id=row.source_id,
        context=tuple(part if isinstance(part, str) else part.text for part in row.context),
        response=row.response,
        question=row.question or None,
        unsupported=_unsupported(row),
        label=None if row.label is None else row.label.strip().lower(),
        spans=None if row.spans is None else tuple(_gold(span) for span in row.spans),
        group=row.task or row.domain,
    )


def _unsupported(row: GroundednessRow) -> bool:
    label = _SUPPORTED_LABEL if row.label is None else row.label.strip().lower()
    return bool(row.spans) or row.supported is False or label != _SUPPORTED_LABEL


def _gold(span: SpanRow) -> GoldSpan:
    return GoldSpan(
        start=span.start,
        end=span.end,
        flagged=bool(span.implicit_true or span.due_to_null),
        label=span.label,
    )
