"""What a comparison shows people: rows of text, and how they are printed on a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from eval.bootstrap import Interval
from eval.compare.comparison import Comparison, Contestant
from eval.rag_metrics.metric import Metric
from eval.report import shown

_SIGNS = {True: " ▲", False: " ▼", None: ""}
_DIGITS = {"share": 3, "ms": 0, "tokens": 0}


def print_comparison(comparison: Comparison, console: Console) -> None:
    """A table of the measures, a table of the ranking, and what failed."""
    console.print(_measures(comparison))
    if comparison.ranking:
        console.print(_ranking(comparison))
    for line in notes(comparison):
        console.print(Text(line), soft_wrap=True)


def measure_rows(comparison: Comparison) -> Iterator[tuple[str, list[str]]]:
    """``(title, one cell a contestant)``: what people read, on a terminal and on the page."""
    for metric in comparison.metrics:
        title = metric.title if metric.unit == "share" else f"{metric.title}, mean {metric.unit}"
        yield title, [_cell(each, metric) for each in comparison.contestants]
    yield "latency, p50 and p95", [_latency(each) for each in comparison.contestants]
    yield "tokens read and written, mean", [_tokens(each) for each in comparison.contestants]
    yield "cost of 1,000 questions", [_cost(each, comparison) for each in comparison.contestants]
    yield "failed questions", [_failed(each, comparison) for each in comparison.contestants]


def ranking_rows(comparison: Comparison) -> Iterator[tuple[str, ...]]:
    """``(name, Bradley-Terry, expected share, Elo, won-tied-lost)``, best first."""
    for rated in comparison.ranking:
        yield (
            rated.name,
            _rating(rated.bradley_terry, rated.bradley_terry_interval),
            shown(rated.win_share, digits=2),
            _rating(rated.elo, rated.elo_interval),
            f"{rated.wins}-{rated.ties}-{rated.losses}",
        )


RANKING_TITLES = ("", "Bradley-Terry (95 %)", "expected share", "Elo (95 %)", "won-tied-lost")


def notes(comparison: Comparison) -> Iterator[str]:
    """What a reader must know besides: failures, lines that could not be read, where the prices come from."""
    for each in comparison.contestants:
        if each.is_dead:
            yield f"{each.variant.name} answered nothing and has no score: {each.first_reason}"
        elif each.failures:
            yield (
                f"{each.variant.name} failed on {_failed(each, comparison)} questions, "
                f"which are in none of its scores; the first: {each.first_reason}"
            )
        if each.cost.reason and not each.is_dead:
            yield f"Cost of {each.variant.name}: {each.cost.reason}."
    for failure in comparison.questions.failures[:1]:
        count = len(comparison.questions.failures)
        place = f"{failure.file} line {failure.line}"
        yield f"{count} lines could not be read; the first: {place}: {failure.reason}"
    if comparison.prices.is_example:
        yield (
            f"Prices are the shipped examples of {comparison.prices.written}, which nobody has checked; "
            "give your own with --prices."
        )


def _measures(comparison: Comparison) -> Table:
    first = next((each.variant.name for each in comparison.contestants if not each.is_dead), None)
    caption = f"95 % intervals. ▲ better and ▼ worse than {first} beyond chance (paired bootstrap)."
    title = f"{comparison.questions.name}: {len(comparison.questions.questions)} questions"
    table = Table(title=title, title_justify="left", caption=caption, caption_justify="left")
    table.add_column("", style="bold")
    for each in comparison.contestants:
        table.add_column(Text(each.variant.name), overflow="fold")
    for name, cells in measure_rows(comparison):
        table.add_row(name, *map(Text, cells))
    return table


def _ranking(comparison: Comparison) -> Table:
    table = Table(title="Who wins, question by question", title_justify="left")
    for title in RANKING_TITLES:
        table.add_column(title, overflow="fold")
    for row in ranking_rows(comparison):
        table.add_row(*map(Text, row))
    return table


def _cell(contestant: Contestant, metric: Metric) -> str:
    if contestant.is_dead:
        return "failed"
    score = contestant.scores.score(metric.name)
    if score.mean is None:
        return "-"
    found = contestant.differences.get(metric.name)
    sign = _SIGNS[found.better] if found is not None else ""
    return shown(score.mean, score.ci95, digits=_DIGITS[metric.unit]) + sign


def _latency(contestant: Contestant) -> str:
    if contestant.is_dead:
        return "failed"
    found = contestant.scores.latency_ms()
    return f"{found['p50']:.0f} ms, {found['p95']:.0f} ms"


def _tokens(contestant: Contestant) -> str:
    cost = contestant.cost
    if contestant.is_dead or cost.input_tokens is None or cost.output_tokens is None:
        return "failed" if contestant.is_dead else "unknown"
    return f"{cost.input_tokens:.0f}, {cost.output_tokens:.0f}"


def _cost(contestant: Contestant, comparison: Comparison) -> str:
    if contestant.is_dead:
        return "failed"
    cost = contestant.cost.per_thousand
    return "unknown" if cost is None else f"{cost:.2f} {comparison.prices.currency}"


def _failed(contestant: Contestant, comparison: Comparison) -> str:
    total = len(comparison.questions.questions)
    failed = len({(failure.file, failure.line) for failure in contestant.failures})
    return f"{total if contestant.unavailable else failed} of {total}"


def _rating(value: float | None, bounds: Interval | None) -> str:
    return shown(value, bounds, digits=0)
