"""``footnote bench index --device``: exact search of vectors in a device's memory.

The floor of a batch is the time in which the device copies as many bytes as the vectors have, counting what
is read and what is written. Beside it stands the same search by the CPU's flat index, in one thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import numpy as np
import torch

from eval.report import SummaryRow
from eval.synthetic import SEED, Synthesizer
from rag.domain import Matrix
from rag.index.device.rows import DeviceRows
from rag.index.segments import DenseSegment

BATCHES = (1, 16, 256, 4096)
DIMENSION = 384
_K = 10
_RECALLED = 100
_COPIED_BYTES = 2**29
_ROUNDS = 7
_CPU_QUESTIONS = 20
_DRAWN_AT_ONCE = 500_000


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
class DeviceBench:
    """What the search on a device takes.

    Attributes:
        build_seconds: to copy the vectors onto it.
        recall_at_10: against exact search on the CPU.
        copy_gb_per_second: bytes read and written.
    """

    device: str
    chunks: int
    dimension: int
    build_seconds: float
    device_mb: float
    copy_gb_per_second: float
    floor_ms: float
    cpu_ms: float
    recall_at_10: float
    batches: tuple[BatchBench, ...]

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)

    def summary_rows(self) -> list[SummaryRow]:
        """For people."""
        rows: list[SummaryRow] = [
            ("device", self.device),
            ("vectors", f"{self.chunks:,} × {self.dimension}, {self.device_mb:,.0f} MB in half precision"),
            ("copied onto it", f"{self.build_seconds:.2f} s"),
            ("copy rate", f"{self.copy_gb_per_second:,.0f} GB/s, so the floor is {self.floor_ms:.3f} ms"),
            ("CPU's flat index", f"{self.cpu_ms:.2f} ms a question, one thread"),
            ("recall@10", f"{self.recall_at_10:.4f} of exact search"),
        ]
        return rows + [
            (
                f"batch {each.batch:,}",
                f"{each.ms:.3f} ms, {each.searches_per_second:,.0f} searches/s, {each.over_floor:.2f} × the "
                f"floor, {each.over_cpu:,.1f} × the CPU's index",
            )
            for each in self.batches
        ]


def bench_device(chunks: int, *, device: str) -> DeviceBench:
    """Copy ``chunks`` synthetic vectors onto ``device`` and search them in batches of :data:`BATCHES`."""
    vectors = _vectors(chunks)
    segment = DenseSegment.build("all", np.arange(chunks), vectors, sketched_from=chunks + 1)
    questions = Synthesizer(DIMENSION, seed=SEED + 2).vectors(max(BATCHES))
    started = time.perf_counter()
    rows = DeviceRows(vectors.astype(np.float16), device=device)
    _wait(device)
    build_seconds = time.perf_counter() - started
    copied = _copy_rate(device)
    floor = rows.bytes / copied
    cpu = _median(lambda: segment.nearest(questions[0], _K, mask=None, exact=True), _CPU_QUESTIONS)
    return DeviceBench(
        device=_name(device),
        chunks=chunks,
        dimension=DIMENSION,
        build_seconds=round(build_seconds, 3),
        device_mb=round(rows.bytes / 1e6, 1),
        copy_gb_per_second=round(copied / 1e9, 1),
        floor_ms=round(floor * 1000, 4),
        cpu_ms=round(cpu * 1000, 3),
        recall_at_10=_recall(rows, segment, questions[:_RECALLED]),
        batches=tuple(_batch(rows, questions[:batch], floor=floor, cpu=cpu) for batch in BATCHES),
    )


def _vectors(count: int) -> Matrix:
    made = Synthesizer(DIMENSION)
    found = np.empty((count, DIMENSION), dtype=np.float32)
    for first in range(0, count, _DRAWN_AT_ONCE):
        some = found[first : first + _DRAWN_AT_ONCE]
        some[:] = made.vectors(len(some))
    return found


def _batch(rows: DeviceRows, questions: Matrix, *, floor: float, cpu: float) -> BatchBench:
    seconds = _median(lambda: rows.nearest(questions, _K, mask=None), _ROUNDS)
    return BatchBench(
        batch=len(questions),
        ms=round(seconds * 1000, 4),
        searches_per_second=round(len(questions) / seconds, 1),
        over_floor=round(seconds / floor, 2),
        over_cpu=round(cpu * len(questions) / seconds, 2),
    )


def _recall(rows: DeviceRows, segment: DenseSegment, questions: Matrix) -> float:
    """Share of the ten nearest, as the CPU ranks them, that the device's candidates hold."""
    shares = []
    for vector, places in zip(questions, rows.nearest(questions, _K, mask=None), strict=True):
        exact, scores = segment.nearest(vector, _K, mask=None, exact=True)
        best = exact[np.argsort(-scores)[:_K]]
        shares.append(0.0 if places is None else len(np.intersect1d(best, places)) / len(best))
    return round(float(np.mean(shares)), 4)


def _copy_rate(device: str) -> float:
    """Bytes a second that the device reads and writes while it copies."""
    source = torch.empty(_COPIED_BYTES, dtype=torch.uint8, device=device).fill_(1)
    target = torch.empty_like(source)

    def copy() -> None:
        target.copy_(source)
        _wait(device)

    return 2 * _COPIED_BYTES / _median(copy, _ROUNDS)


def _median(run: Callable[[], object], rounds: int) -> float:
    """Seconds of ``run``, after one that does not count."""
    run()
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
    return median(seconds)


def _wait(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize(device)


def _name(device: str) -> str:
    return "CPU tensors" if device == "cpu" else torch.cuda.get_device_name(device)
