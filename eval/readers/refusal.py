"""Refusal files: one question a line, with passages that answer it or do not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

from eval.readers.lines import FileRow, Id, LineFailure, Text, read_records


@dataclass(frozen=True, kw_only=True, slots=True)
class GivenPassage:
    """A passage that comes with the question."""

    title: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusalRecord:
    """A question with its passages.

    Attributes:
        line: 1-based line of the file.
        answerable: whether the passages hold the answer.
        answers: accepted answers; may be empty.
    """

    id: str
    line: int
    question: str
    passages: tuple[GivenPassage, ...]
    answerable: bool
    answers: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusalDataset:
    """The usable records of a refusal file, and the lines that are not."""

    name: str
    records: tuple[RefusalRecord, ...]
    failures: tuple[LineFailure, ...]


def _as_passage(value: object) -> object:
    return {"text": value} if isinstance(value, str) else value


class _PassageRow(FileRow):
    title: Text | None = None
    text: Text


class _Row(FileRow):
    id: Id
    question: Text = Field(min_length=1)
    passages: list[Annotated[_PassageRow, BeforeValidator(_as_passage)]]
    answerable: bool
    answers: list[Text] | None = None


def read_refusal(file: Path) -> RefusalDataset:
    """Read ``{id, question, passages:[{title, text}], answerable, answers?}`` lines.

    Raises:
        DatasetError: the file cannot be read or holds no usable line.
    """
    records, failures = read_records(file, _Row, _record)
    return RefusalDataset(name=file.name, records=tuple(records), failures=tuple(failures))


def _record(line: int, row: _Row) -> RefusalRecord:
    return RefusalRecord(
        id=row.id,
        line=line,
        question=row.question,
        passages=tuple(
            GivenPassage(title=passage.title or "", text=passage.text) for passage in row.passages
        ),
        answerable=row.answerable,
        answers=tuple(row.answers or ()),
    )
