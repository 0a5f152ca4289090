"""RAGTruth as it is published: ``source_info.jsonl`` and ``response.jsonl`` in one folder.

Niu et al. (2024), *RAGTruth: A Hallucination Corpus for Developing Trustworthy Retrieval-Augmented Language
Models*, https://arxiv.org/abs/2401.00396.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from eval.readers.groundedness import (
    GroundednessDataset,
    GroundednessRecord,
    GroundednessRow,
    SpanRow,
    record_of,
)
from eval.readers.lines import FileRow, Id, LineFailure, Text, read_records
from rag.errors import DatasetError

SOURCES, RESPONSES = "source_info.jsonl", "response.jsonl"
_HELD_OUT = "test"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Source:
    task: str
    context: str
    question: str | None


class _SourceRow(FileRow):
    source_id: Id
    task_type: Text
    source_info: Text | dict[str, Any]


class _LabelRow(FileRow):
    start: int = Field(ge=0)
    end: int
    label_type: str | None = None
    implicit_true: bool | None = None
    due_to_null: bool | None = None


class _ResponseRow(FileRow):
    id: Id
    source_id: Id
    response: Text
    labels: list[_LabelRow]
    split: str | None = None


def read_ragtruth(folder: Path) -> GroundednessDataset:
    """Read the responses with their sources: of the ``test`` split, or of all where no line has that split.

    Raises:
        DatasetError: one of the two files is missing, cannot be read or holds no usable line.
    """
    for name in (SOURCES, RESPONSES):
        if not (folder / name).is_file():
            raise DatasetError(f"{folder} holds no {name}; RAGTruth consists of {SOURCES} and {RESPONSES}.")
    sources, failures = _sources(folder / SOURCES)

    def convert(line: int, row: _ResponseRow) -> tuple[str | None, GroundednessRecord]:
        if row.source_id not in sources:
            raise ValueError(f"the source {row.source_id!r} is not in {SOURCES}")
        return row.split, record_of(line, _row(row, sources[row.source_id]))

    found, more = read_records(folder / RESPONSES, _ResponseRow, convert)
    held_out = [record for split, record in found if split == _HELD_OUT]
    return GroundednessDataset(
        name=folder.resolve().name,
        records=tuple(held_out or [record for _, record in found]),
        failures=(*failures, *more),
    )


def _sources(file: Path) -> tuple[Mapping[str, _Source], list[LineFailure]]:
    def convert(line: int, row: _SourceRow) -> tuple[str, _Source]:
        return row.source_id, _source(row)

    found, failures = read_records(file, _SourceRow, convert)
    return dict(found), failures


def _source(row: _SourceRow) -> _Source:
    """Passages of a question, a text to sum up, or a record as JSON."""
    info = row.source_info
    if isinstance(info, str):
        return _Source(task=row.task_type.lower(), context=info, question=None)
    if isinstance(info.get("passages"), str) and isinstance(info.get("question"), str):
        return _Source(task=row.task_type.lower(), context=info["passages"], question=info["question"])
    return _Source(
        task=row.task_type.lower(), context=json.dumps(info, indent=2, ensure_ascii=False), question=None
    )


def _row(row: _ResponseRow, source: _Source) -> GroundednessRow:
    return GroundednessRow(
        id=row.id,
        source_id=row.source_id,
        context=[source.context],
        response=row.response,
        question=source.question,
        task=source.task,
        spans=[
            SpanRow(
                start=label.start,
                end=label.end,
                label=label.label_type,
                implicit_true=label.implicit_true,
                due_to_null=label.due_to_null,
            )
            for label in row.labels
        ],
    )
