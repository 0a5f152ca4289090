"""A run beside an earlier one over the same questions: what got worse for certain, and what fails a build."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from eval.bootstrap import Interval
from eval.suite.report import Comparison, Difference, Figure, RecordSet, SuiteReport
from eval.suite.statistics import paired_difference
from rag.errors import NotComparable

_NAMED = 5

Judged = Literal["better", "worse", "same", "not judged"]


def compare(
    report: SuiteReport,
    baseline: SuiteReport,
    *,
    name: str,
    gate: Sequence[str] = (),
    tolerance: float = 0.0,
) -> SuiteReport:
    """``report`` with what differs from ``baseline``.

    A figure is worse when the 95 % interval of its difference leaves out 0 and the difference is larger than
    ``tolerance``. Records of which either run has no value are left out of the difference; those that failed
    only now are named.

    Args:
        name: what the baseline is called, usually its file.
        gate: figures that may fail the run; empty: all that are shares, not times or costs.
        tolerance: in the figure's own unit, 0 or more.

    Raises:
        NotComparable: the two are not about the same questions.
    """
    earlier = {each.part: each for each in baseline.sets}
    for found in report.sets:
        _require_same_questions(found, earlier.get(found.part), name)
    missing = sorted(earlier.keys() - {found.part for found in report.sets})
    if missing:
        raise NotComparable(
            f"The baseline {name} also covers {missing[0]!r}, which this run does not; "
            "run the same suite, or make a new baseline with this one."
        )
    comparison = Comparison(
        baseline=name,
        baseline_started_at=baseline.started_at,
        baseline_footnote=baseline.environment.footnote,
        tolerance=tolerance,
        differences=tuple(_differences(report, baseline, earlier, gate=gate, tolerance=tolerance)),
        newly_failed=tuple(_newly_failed(report, earlier)),
    )
    return report.model_copy(update={"comparison": comparison})


def regressions_in_words(report: SuiteReport) -> list[str]:
    """One sentence for each thing that got worse and may fail the run; empty when nothing did."""
    comparison = report.comparison
    if comparison is None:
        return []
    sentences = [
        f"{_called(each)} fell from {each.before:.3f} to {each.after:.3f}"
        if each.after < each.before  # type: ignore[operator]
        else f"{_called(each)} rose from {each.before:.3f} to {each.after:.3f}"
        for each in comparison.regressions
    ]
    with_differences = [
        f"{sentence} (difference {each.difference:+.3f}, 95 % interval {_bounds(each.ci95)}, n = {each.n})."
        for sentence, each in zip(sentences, comparison.regressions, strict=True)
    ]
    if failed := comparison.newly_failed:
        named = ", ".join(failed[:_NAMED]) + (" …" if len(failed) > _NAMED else "")
        with_differences.append(f"{len(failed)} that the baseline answered could not be evaluated: {named}.")
    return with_differences


def _require_same_questions(found: RecordSet, earlier: RecordSet | None, name: str) -> None:
    if earlier is None:
        raise NotComparable(
            f"The baseline {name} does not cover {found.part!r}; make a new one with this suite."
        )
    if (earlier.kind, earlier.fingerprint) != (found.kind, found.fingerprint):
        raise NotComparable(
            f"{found.part!r} of the baseline {name} asked other questions, or knew other answers, than this "
            "run; only runs over the same file can be compared. Make a new baseline."
        )


def _differences(
    report: SuiteReport,
    baseline: SuiteReport,
    earlier: dict[str, RecordSet],
    *,
    gate: Sequence[str],
    tolerance: float,
) -> Iterator[Difference]:
    before = {figure.key: figure for figure in baseline.figures}
    sets = {found.part: found for found in report.sets}
    for figure in report.figures:
        if (old := before.get(figure.key)) is not None:
            is_gated = figure.key in gate if gate else not figure.unit
            yield _difference(
                figure, old, earlier, sets, seed=report.environment.seed, tolerance=tolerance, gated=is_gated
            )


def _difference(
    figure: Figure,
    old: Figure,
    earlier: dict[str, RecordSet],
    sets: dict[str, RecordSet],
    *,
    seed: int,
    tolerance: float,
    gated: bool,
) -> Difference:
    difference, bounds, n = None, None, 0
    if has_records(figure, sets[figure.part]):
        difference, bounds, n = paired_difference(
            earlier[figure.part], sets[figure.part], figure.name, seed=seed
        )
    return Difference(
        part=figure.part,
        name=figure.name,
        before=old.value,
        after=figure.value,
        difference=difference,
        ci95=bounds,
        n=n,
        verdict=_verdict(difference, bounds, is_lower_better=figure.better == "lower", tolerance=tolerance),
        gated=gated,
    )


def has_records(figure: Figure, records: RecordSet) -> bool:
    """Whether the figure can be computed from the records, and so compared."""
    return records.kind == "decisions" or any(figure.name in record.values for record in records.records)


def _verdict(
    difference: float | None, bounds: Interval | None, *, is_lower_better: bool, tolerance: float
) -> Judged:
    if difference is None or bounds is None:
        return "not judged"
    if bounds[0] <= 0 <= bounds[1] or abs(difference) <= tolerance:
        return "same"
    return "worse" if (difference > 0) == is_lower_better else "better"


def _newly_failed(report: SuiteReport, earlier: dict[str, RecordSet]) -> Iterator[str]:
    for found in report.sets:
        present = {record.id for record in found.records}
        yield from (record.id for record in earlier[found.part].records if record.id not in present)


def _called(difference: Difference) -> str:
    return difference.name if "/" not in difference.part else f"{difference.part}/{difference.name}"


def _bounds(bounds: Interval | None) -> str:
    assert bounds is not None, "only what has an interval is judged"
    return f"{bounds[0]:+.3f} to {bounds[1]:+.3f}"
