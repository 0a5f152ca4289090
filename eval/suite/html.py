"""The report as one page: no script, no address, nothing fetched, every text escaped.

The page forbids itself everything but its own style sheet, by hash, so even a text that slipped through
could neither run nor call anywhere.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from itertools import groupby

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from eval.report import number
from eval.suite import charts, marking
from eval.suite.comparing import regressions_in_words
from eval.suite.report import QUESTIONS, Case, Figure, SuiteReport
from eval.suite.summary import shortcomings

VERDICT_SIGNS: Mapping[str, tuple[str, str]] = {
    "supported": ("✓", "supported by the passages"),
    "unsupported": ("?", "not carried by the passages"),
    "contradicted": ("✗", "contradicted by the passages"),
    "not_checkable": ("–", "asserts nothing to check"),
}
"""Sign and words of a verdict: colour alone tells nobody anything."""

_FAILURES_SHOWN = 200


def render_html(report: SuiteReport) -> str:
    """The whole page; the same report gives the same page."""
    template, style = _template()
    told = [figure for figure in report.figures if figure.is_told]
    worst = [case for case in report.cases if case.passages is not None]
    return template.render(
        report=report,
        style=Markup(style),  # noqa: S704 (our own file)
        policy=content_security_policy(),
        parts=[(part, list(figures)) for part, figures in groupby(told, key=lambda each: each.part)],
        QUESTIONS=QUESTIONS,
        outcomes=_outcomes(report.cases),
        worst=worst,
        plainly_wrong=sum(bool(case.wrong) for case in report.cases),
        failures=report.failures[:_FAILURES_SHOWN],
        reasons=[*shortcomings(report), *regressions_in_words(report)],
        signs=VERDICT_SIGNS,
        charts=charts,
        marking=marking,
        figure_value=_figure_value,
        bounds=_bounds,
        points=_points,
    )


def content_security_policy() -> str:
    """What a page of a report may do: show itself."""
    digest = base64.b64encode(hashlib.sha256(_template()[1].encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@cache
def _template() -> tuple[Template, str]:
    folder = files("eval.suite")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    style = (folder / "report.css").read_text(encoding="utf-8")
    return environment.from_string((folder / "report.html").read_text(encoding="utf-8")), style


def _outcomes(cases: tuple[Case, ...]) -> list[tuple[str, int, int]]:
    """``(kind of question, answered, refused)``."""
    kinds = {True: "answer in the documents", False: "no answer in the documents", None: "nobody says"}
    rows = []
    for answerable, name in kinds.items():
        asked = [case for case in cases if case.gold.answerable is answerable]
        refused = sum(case.status == "refused" for case in asked)
        if asked:
            rows.append((name, len(asked) - refused, refused))
    return rows


def _figure_value(figure: Figure, value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.0f} {figure.unit}" if figure.unit else f"{value:.3f}"


def _bounds(bounds: tuple[float, float] | None, figure: Figure | None = None) -> str:
    if bounds is None:
        return "–"
    digits = 0 if figure is not None and figure.unit else 3
    return f"{number(bounds[0], digits):.{digits}f} to {number(bounds[1], digits):.{digits}f}"


def _points(value: float | None) -> str:
    return "–" if value is None else f"{value:+.3f}"
