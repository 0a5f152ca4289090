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
    sentences = [_worse_in_words(each) for each in comparison.regressions]
    sentences += [
        f"{_called(each)} was {each.before:.3f}, and there is nothing left to compute it from."
        for each in comparison.differences
        if each.gated and each.before is not None and each.after is None
    ]
    if failed := comparison.newly_failed:
        named = ", ".join(failed[:_NAMED]) + (" …" if len(failed) > _NAMED else "")
        sentences.append(f"{len(failed)} that the baseline answered could not be evaluated: {named}.")
    return sentences


def _worse_in_words(worse: Difference) -> str:
    assert worse.before is not None, "only what both have is judged"
    assert worse.after is not None, "only what both have is judged"
    way = "fell" if worse.after < worse.before else "rose"
    return (
        f"{_called(worse)} {way} from {worse.before:.3f} to {worse.after:.3f} (difference "
        f"{worse.difference:+.3f}, 95 % interval {_bounds(worse.ci95)}, n = {worse.n})."
    )


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
        is_gated = figure.key in gate if gate else not figure.unit
        yield _difference(
            figure,
            before.get(figure.key),
            earlier,
            sets,
            seed=report.environment.seed,
            tolerance=tolerance,
            gated=is_gated,
        )


def _difference(
    figure: Figure,
    old: Figure | None,
    earlier: dict[str, RecordSet],
    sets: dict[str, RecordSet],
    *,
    seed: int,
    tolerance: float,
    gated: bool,
) -> Difference:
    difference, bounds, n = None, None, 0
    if old is not None and has_records(figure, sets[figure.part]):
        difference, bounds, n = paired_difference(
            earlier[figure.part], sets[figure.part], figure.name, seed=seed
        )
    return Difference(
        part=figure.part,
        name=figure.name,
        before=None if old is None else old.value,
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
