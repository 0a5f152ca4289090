"""Charts as inline SVG, drawn here: no script, no font and no colour of their own, readable in print.

Colours come from the page's style sheet by class; every chart says in words what it shows, and the table
beside it holds the numbers.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Sequence

from markupsafe import Markup

from eval.suite.report import Case, Figure

_WIDTH = 720
_ROW = 26
_LEFT, _RIGHT = 210, 60
_BINS = 20
_HEIGHT = 150
VERDICTS = ("supported", "unsupported", "contradicted", "not_checkable")


def interval_chart(figures: Sequence[Figure], name: str) -> Markup:
    """A row a figure: its value, its 95 % interval, and what trivial systems come to. Shares only."""
    shares = [figure for figure in figures if not figure.unit and figure.value is not None]
    if not shares:
        return Markup("")
    rows = Markup("").join(_interval_row(figure, place) for place, figure in enumerate(shares))
    height = len(shares) * _ROW + 40
    return _svg(
        height,
        f"{name}: values with 95 % intervals",
        "One row a figure: a dot at its value, a line over its 95 % interval, and a diamond at the value of "
        "each trivial system; an arrow down where lower is better. The table below holds the same numbers.",
        _axis(len(shares) * _ROW + 10) + rows,
    )


def verdict_chart(cases: Iterable[Case]) -> Markup:
    """All sentences of all answers by verdict, as one bar."""
    found = Counter(sentence.verdict for case in cases for sentence in case.sentences)
    total = sum(found.values())
    if not total:
        return Markup("")
    parts, at = Markup(""), 0.0
    words = []
    for verdict in VERDICTS:
        share = found[verdict] / total
        words.append(f"{found[verdict]} {verdict.replace('_', ' ')}")
        if share:
            parts += Markup('<rect class="bar {}" x="{:.1f}" y="6" width="{:.1f}" height="26"/>').format(
                verdict, at * _WIDTH, share * _WIDTH
            )
        at += share
    parts += Markup('<text x="0" y="52">{}</text>').format(f"{total} sentences: {', '.join(words)}")
    return _svg(60, "Sentences by verdict", f"Of {total} sentences: {', '.join(words)}.", parts)


def latency_chart(cases: Sequence[Case]) -> Markup:
    """How long the answers took, as a histogram."""
    times = sorted(case.milliseconds for case in cases)
    if len(times) < 2 or times[0] == times[-1]:
        return Markup("")
    step = (times[-1] - times[0]) / _BINS
    bins = Counter(min(_BINS - 1, int((each - times[0]) / step)) for each in times)
    highest, width = max(bins.values()), _WIDTH / _BINS
    bars = Markup("").join(
        Markup('<rect class="bar time" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
            place * width,
            (1 - number / highest) * (_HEIGHT - 40) + 10,
            width - 2,
            number / highest * (_HEIGHT - 40),
        )
        for place, number in sorted(bins.items())
    )
    ends = Markup('<text x="0" y="{0}">{1}</text><text class="end" x="{2}" y="{0}">{3}</text>').format(
        _HEIGHT - 8, f"{times[0]:.0f} ms", _WIDTH, f"{times[-1]:.0f} ms"
    )
    middle = times[len(times) // 2]
    return _svg(
        _HEIGHT,
        "Time of an answer",
        f"Histogram of {len(times)} answers from {times[0]:.0f} to {times[-1]:.0f} ms, "
        f"half of them within {middle:.0f} ms.",
        bars + ends,
    )


def _interval_row(figure: Figure, place: int) -> Markup:
    assert figure.value is not None
    y = place * _ROW + 18
    called = f"{figure.title} ↓" if figure.better == "lower" else figure.title
    row = Markup('<text class="end" x="{}" y="{}">{}</text>').format(_LEFT - 12, y + 4, called)
    if figure.ci95 is not None:
        row += Markup('<line class="interval" x1="{:.1f}" x2="{:.1f}" y1="{}" y2="{}"/>').format(
            _x(figure.ci95[0]), _x(figure.ci95[1]), y, y
        )
    for value in figure.trivial.values():
        if value is not None:
            x = _x(value)
            row += Markup('<path class="trivial" d="M{:.1f} {}l5 5l-5 5l-5 -5z"/>').format(x, y - 5)
    row += Markup('<circle class="value" cx="{:.1f}" cy="{}" r="5"/>').format(_x(figure.value), y)
    return row + Markup('<text x="{}" y="{}">{}</text>').format(
        _WIDTH - _RIGHT + 10, y + 4, f"{figure.value:.2f}"
    )


def _axis(bottom: int) -> Markup:
    marks = Markup("")
    for tenth in range(0, 11, 2):
        x = _x(tenth / 10)
        marks += Markup(
            '<line class="grid" x1="{0:.1f}" x2="{0:.1f}" y1="4" y2="{1}"/>'
            '<text class="middle" x="{0:.1f}" y="{2}">{3}</text>'
        ).format(x, bottom, bottom + 18, f"{tenth / 10:g}")
    return marks


def _x(value: float) -> float:
    return _LEFT + min(max(value, 0.0), 1.0) * (_WIDTH - _LEFT - _RIGHT)


def _svg(height: int, title: str, described: str, content: Markup) -> Markup:
    name = f"chart-{zlib.crc32(title.encode()):x}"
    return Markup(
        '<svg viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" '
        'aria-labelledby="{name}-title {name}-text">'
        '<title id="{name}-title">{title}</title><desc id="{name}-text">{described}</desc>{content}</svg>'
    ).format(w=_WIDTH, h=height, name=name, title=title, described=described, content=content)
