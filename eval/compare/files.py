"""The files of a comparison: for programs, for people, and for spreadsheets."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

from eval.compare.comparison import Comparison, Contestant
from eval.compare.page import comparison_page
from eval.report import number
from rag.errors import InvalidRequest

_COLUMNS = ("question_id", "question", "language", "variant", "status", "answer")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def prepared(folder: Path) -> Path:
    """The folder, made if it is not there: before an hour of questions, not after it.

    Raises:
        InvalidRequest: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise InvalidRequest(
            f"The folder {folder} cannot be made ({exc.strerror}); name another one with --out."
        ) from exc
    return folder


def write_files(comparison: Comparison, folder: Path) -> list[Path]:
    """Write ``comparison.json``, ``comparison.html`` and ``answers.csv``; the files written.

    Raises:
        InvalidRequest: the folder cannot be written to.
    """
    report, page, answers = (folder / name for name in ("comparison.json", "comparison.html", "answers.csv"))
    try:
        report.write_text(json.dumps(comparison.to_json(), ensure_ascii=False, indent=1), encoding="utf-8")
        page.write_text(comparison_page(comparison), encoding="utf-8")
        _write_answers(comparison, answers)
    except OSError as exc:
        raise InvalidRequest(
            f"The report cannot be written to {folder} ({exc.strerror}); name another folder with --out."
        ) from exc
    return [report, page, answers]


def _write_answers(comparison: Comparison, file: Path) -> None:
    """One row an answer or failure, with every metric."""
    names = [metric.name for metric in comparison.metrics]
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([*_COLUMNS, *names])
        for contestant in comparison.contestants:
            writer.writerows([_plain(cell) for cell in row] for row in _rows(contestant, names))


def _plain(cell: object) -> object:
    """A text that a spreadsheet would run as a formula, marked as text: an answer may hold anything."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def _rows(contestant: Contestant, names: list[str]) -> Iterator[list[object]]:
    scores = contestant.scores
    for place, answered in enumerate(scores.answered):
        question = answered.question
        values = [number(scores.values[name][place]) for name in names]
        row = [question.id, question.text, question.language, contestant.variant.name]
        yield [*row, answered.answer.status.value, answered.answer.text, *values]
    for failure in contestant.failures:
        row = [f"{failure.file}:{failure.line}", "", "", contestant.variant.name]
        yield [*row, "failed", failure.reason, *("" for _ in names)]
