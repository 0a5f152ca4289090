"""SQuAD files, 1.1 and 2.0 (and FQuAD, PIAF, XQuAD, which share their shape): paragraphs with questions.

Rajpurkar et al. (2016), https://arxiv.org/abs/1606.05250, and (2018), https://arxiv.org/abs/1806.03822.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from eval.readers.beir import BeirDocument
from eval.readers.lines import (
    FileRow,
    Id,
    LineFailure,
    Text,
    first_problem,
    numbered_lines,
    require_good_line,
)
from rag.errors import DatasetError
from rag.text.sentences import split_sentences


@dataclass(frozen=True, kw_only=True, slots=True)
class SquadQuestion:
    """A question to a paragraph.

    Attributes:
        line: where its id, or else its text, stands in the file, 1-based; 0 where neither was found.
        paragraph: id of the paragraph.
        answers: distinct spans of the paragraph, in the file's order; empty: not answerable.
        sentences: those of the paragraph that hold an answer, each once.
    """

    id: str
    line: int
    text: str
    paragraph: str
    answers: tuple[str, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SquadDataset:
    """The paragraphs of a file as documents, the usable questions, and what is not usable."""

    name: str
    paragraphs: tuple[BeirDocument, ...]
    questions: tuple[SquadQuestion, ...]
    failures: tuple[LineFailure, ...]


class _AnswerRow(FileRow):
    text: Text = Field(min_length=1)
    answer_start: int = Field(ge=0)


class _QuestionRow(FileRow):
    id: Id
    question: Text = Field(min_length=1)
    answers: list[_AnswerRow] = Field(default_factory=list)
    is_impossible: bool = False


def read_squad(file: Path) -> SquadDataset:
    """Read ``{data: [{title, paragraphs: [{context, qas: [{id, question, answers, is_impossible?}]}]}]}``.

    A question that is not impossible and has no answer, or one whose answer does not stand where the file
    says, is a failure.

    Raises:
        DatasetError: the file cannot be read, is no such file, or holds no usable question.
    """
    text = "\n".join(_lines(file))
    places = _Places(text)
    paragraphs: list[BeirDocument] = []
    questions: list[SquadQuestion] = []
    failures: list[LineFailure] = []
    for title, context, rows in _paragraphs(file, text):
        paragraph = BeirDocument(id=f"{title}#{len(paragraphs) + 1}", title=title, text=context)
        paragraphs.append(paragraph)
        for row in rows:
            line = places.line_of(row)
            try:
                questions.append(_question(line, _QuestionRow.model_validate(row), paragraph))
            except ValidationError as exc:
                failures.append(LineFailure(file=file.name, line=line, reason=first_problem(exc)))
            except ValueError as exc:
                failures.append(LineFailure(file=file.name, line=line, reason=str(exc)))
    require_good_line(file, bool(questions), failures)
    return SquadDataset(
        name=file.name, paragraphs=tuple(paragraphs), questions=tuple(questions), failures=tuple(failures)
    )


def _lines(file: Path) -> Iterator[str]:
    """The file's lines, at their numbers."""
    expected = 1
    for number, line in numbered_lines(file):
        yield from [""] * (number - expected)
        expected = number + 1
        try:
            yield line.decode()
        except UnicodeDecodeError as exc:
            raise DatasetError(f"{file} is not UTF-8 in line {number}; save it in that encoding.") from exc


def _paragraphs(file: Path, text: str) -> Iterator[tuple[str, str, list[dict[str, Any]]]]:
    """Title, text and questions of each paragraph."""
    try:
        for article in json.loads(text)["data"]:
            for paragraph in article["paragraphs"]:
                rows = paragraph["qas"]
                yield str(article.get("title", "")), str(paragraph["context"]), [dict(row) for row in rows]
    except json.JSONDecodeError as exc:
        raise DatasetError(
            f"{file} is not JSON: {exc.msg} in line {exc.lineno}, column {exc.colno}; expected a SQuAD file."
        ) from exc
    except KeyError as exc:
        raise DatasetError(
            f"{file} is no SQuAD file: {exc} is missing; expected data, paragraphs, context and qas."
        ) from exc
    except (TypeError, ValueError, AttributeError, RecursionError) as exc:
        raise DatasetError(
            f"{file} is no SQuAD file; expected lists of articles, of paragraphs and of questions in it."
        ) from exc


def _question(line: int, row: _QuestionRow, paragraph: BeirDocument) -> SquadQuestion:
    answers = [] if row.is_impossible else row.answers
    if not answers and not row.is_impossible:
        raise ValueError(f"the question {row.id!r} has no answer and is not marked as impossible")
    for answer in answers:
        held = paragraph.text[answer.answer_start : answer.answer_start + len(answer.text)]
        if held != answer.text:
            raise ValueError(
                f"{answer.text!r} does not stand at {answer.answer_start}; there stands {held!r}"
            )
    starts = {answer.answer_start for answer in answers}
    return SquadQuestion(
        id=row.id,
        line=line,
        text=row.question,
        paragraph=paragraph.id,
        answers=tuple(dict.fromkeys(answer.text for answer in answers)),
        sentences=tuple(
            paragraph.text[start:end]
            for start, end in split_sentences(paragraph.text)
            if any(start <= place < end for place in starts)
        ),
    )


class _Places:
    """Where the questions of a file stand: the parser does not say, but they come in order."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = 1

    def line_of(self, row: dict[str, Any]) -> int:
        """Line of the row's id or question, behind the one before it; 0 where it is not found."""
        for name in ("id", "question"):
            for shown in _spellings(row.get(name)):
                found = self._text.find(shown, self._at)
                if found >= 0:
                    self._line += self._text.count("\n", self._at, found)
                    self._at = found
                    return self._line
        return 0


def _spellings(value: object) -> list[str]:
    """How a value may be written in JSON."""
    return [json.dumps(value, ensure_ascii=False), json.dumps(value)] if isinstance(value, str) else []
