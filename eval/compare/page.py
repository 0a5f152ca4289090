"""A comparison as one HTML page, drawn like a suite's: nothing fetched, nothing run, every text escaped."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from eval.compare.comparison import Comparison, Contestant
from eval.compare.measures import POINTS, column
from eval.compare.ranking import TIE_MARGIN
from eval.compare.table import RANKING_TITLES, measure_rows, notes, ranking_rows
from eval.question_set import GoldQuestion
from eval.suite.html import content_security_policy

_CASES = 40
_CHART_LEFT, _CHART_RIGHT = 20.0, 680.0  # pixels; ratings stand to the right of it


def comparison_page(comparison: Comparison) -> str:
    """The whole page."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    template = environment.from_string(files("eval.compare").joinpath("page.html").read_text("utf-8"))
    style = files("eval.suite").joinpath("report.css").read_text("utf-8")
    alive = [each for each in comparison.contestants if not each.is_dead]
    return template.render(
        style=Markup(style),  # noqa: S704 (our own file)
        policy=content_security_policy(),
        dataset=comparison.questions.name,
        questions=len(comparison.questions.questions),
        collection=comparison.collection,
        checker=comparison.checker,
        first=alive[0].variant.name if alive else None,
        names=[each.variant.name for each in comparison.contestants],
        measures=list(measure_rows(comparison)),
        ranking=list(ranking_rows(comparison)),
        ranking_titles=RANKING_TITLES,
        bars=list(_bars(comparison)),
        tie_margin=TIE_MARGIN,
        notes=list(notes(comparison)),
        explained=[(metric.title, metric.explained) for metric in comparison.metrics],
        cases=list(_cases(comparison, alive)),
    )


def _bars(comparison: Comparison) -> Iterator[dict[str, Any]]:
    """Where each rating and its interval stand on the chart, in pixels."""
    rated = [each for each in comparison.ranking if each.bradley_terry is not None]
    ends = [
        value
        for each in rated
        for value in (each.bradley_terry, *(each.bradley_terry_interval or ()))
        if value
    ]
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    width = (high - low) or 1.0

    def place(rating: float) -> float:
        return round(_CHART_LEFT + (_CHART_RIGHT - _CHART_LEFT) * (rating - low) / width, 1)

    for each in rated:
        assert each.bradley_terry is not None
        bounds = each.bradley_terry_interval
        yield {
            "name": each.name,
            "at": place(each.bradley_terry),
            "low": None if bounds is None else place(bounds[0]),
            "high": None if bounds is None else place(bounds[1]),
            "rating": round(each.bradley_terry),
        }


def _cases(comparison: Comparison, alive: list[Contestant]) -> Iterator[dict[str, Any]]:
    """The questions whose answers differ most in points, the widest apart first."""
    gold = comparison.questions.questions
    if len(alive) < 2:
        return
    played = np.array([column(each.scores, POINTS, gold) for each in alive])
    spread = np.nan_to_num(played.max(axis=0) - played.min(axis=0), nan=0.0)
    for place in np.argsort(-spread, kind="stable")[:_CASES]:
        if spread[place] > TIE_MARGIN:
            yield _case(gold[place], alive, played[:, place].tolist())


def _case(question: GoldQuestion, alive: list[Contestant], points: list[float]) -> dict[str, Any]:
    gold = "is not in the documents" if question.answerable is False else " / ".join(question.answers)
    answers = []
    for contestant, worth in zip(alive, points, strict=True):
        found = next(each for each in contestant.scores.answered if each.question.id == question.id)
        shown = "refused" if found.refused else f"{worth:.2f} points"
        answers.append({"name": contestant.variant.name, "points": shown, "text": found.answer.text})
    return {"question": question.text, "gold": gold, "answers": answers}
