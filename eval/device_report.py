"""What a search on a device takes, form by form and batch by batch."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from eval.report import SummaryRow

TABLE_HEAD = (
    "| vectors | form | on the device | built | floor | batch | time | searches/s | × floor | × CPU | "
    "recall@10 |"
)
"""For :meth:`DeviceBench.table_rows`."""


@dataclass(frozen=True, kw_only=True)
class BatchBench:
    """Search of one batch.

    Attributes:
        ms: median of a batch, questions and results carried over included.
        over_floor: how many times as long as the vectors take to be copied.
        over_cpu: how many questions it answers while the CPU's index answers one.
    """

    batch: int
    ms: float
    searches_per_second: float
    over_floor: float
    over_cpu: float


@dataclass(frozen=True, kw_only=True)
class FormBench:
    """Search of vectors that lie on the device in one form.

    Attributes:
        build_seconds: to bring them there.
        compared_again: rows that the CPU compares for a question, mean.
        recall_at_10: against exact search on the CPU.
    """

    form: str
    build_seconds: float
    device_mb: float
    floor_ms: float
    compared_again: float
    recall_at_10: float
    batches: tuple[BatchBench, ...]


@dataclass(frozen=True, kw_only=True)
class DeviceBench:
    """What the search on a device takes, form by form.

    Attributes:
        copy_gb_per_second: bytes read and written.
        cpu_ms: a question to the CPU's flat index, one thread.
    """

    device: str
    chunks: int
    dimension: int
    copy_gb_per_second: float
    cpu_ms: float
    forms: tuple[FormBench, ...]

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)

    def summary_rows(self) -> list[SummaryRow]:
        """For people."""
        rows: list[SummaryRow] = [
            ("device", self.device),
            ("vectors", f"{self.chunks:,} × {self.dimension}"),
            ("copy rate", f"{self.copy_gb_per_second:,.0f} GB/s"),
            ("CPU's flat index", f"{self.cpu_ms:.2f} ms a question, one thread"),
        ]
        for form in self.forms:
            rows.append(
                (
                    form.form,
                    f"{form.device_mb:,.0f} MB in {form.build_seconds:.2f} s, floor {form.floor_ms:.3f} ms, "
                    f"recall@10 {form.recall_at_10:.4f}, {form.compared_again:.1f} rows compared again",
                )
            )
            rows += [
                (
                    f"  batch {each.batch:,}",
                    f"{each.ms:.3f} ms, {each.searches_per_second:,.0f} searches/s, {each.over_floor:.2f} × "
                    f"the floor, {each.over_cpu:,.1f} × the CPU's index",
                )
                for each in form.batches
            ]
        return rows

    def table_rows(self) -> list[str]:
        """A row below :data:`TABLE_HEAD` for each form and batch."""
        return [
            f"| {self.chunks:,} | {form.form} | {form.device_mb:,.0f} MB | {form.build_seconds:.2f} s | "
            f"{form.floor_ms:.3f} ms | {each.batch:,} | {each.ms:.3f} ms | {each.searches_per_second:,.0f} | "
            f"{each.over_floor:.2f} | {each.over_cpu:,.1f} | {form.recall_at_10:.4f} |"
            for form in self.forms
            for each in form.batches
        ]
