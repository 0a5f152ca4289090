"""``footnote bench index --device``: search of vectors in a device's memory, in each form they can have.

The floor of a batch is the time in which the device copies as many bytes as the vectors have, counting what
is read and what is written. Beside it stands the same search by the CPU's flat index, in one thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from statistics import median

import numpy as np
import torch
from numpy.typing import NDArray

from eval.device_report import BatchBench, DeviceBench, FormBench
from eval.synthetic import SEED, Synthesizer
from rag.domain import Matrix
from rag.errors import SettingsError
from rag.index.device.faiss_rows import faiss_form
from rag.index.device.forms import BYTES, HALVES, Form, RowsThere
from rag.index.segments import DenseSegment, Places

BATCHES = (1, 16, 256, 4096)
DIMENSION = 384
_K = 10
_RECALLED = 100
_COPIED_BYTES = 2**29
_ROUNDS = 7
_CPU_QUESTIONS = 20
_DRAWN_AT_ONCE = 500_000


def bench_device(chunks: int, *, device: str, forms: Sequence[Form] = ()) -> DeviceBench:
    """Bring ``chunks`` synthetic vectors onto ``device`` and search them in batches of :data:`BATCHES`.

    Args:
        forms: how they are to lie there; none: in every way that this machine can.
    """
    vectors = _vectors(chunks)
    segment = DenseSegment.build("all", np.arange(chunks), vectors, sketched_from=chunks + 1)
    questions = Synthesizer(DIMENSION, seed=SEED + 2).vectors(max(BATCHES))
    copied = _copy_rate(device)
    cpu = _median(lambda: segment.nearest(questions[0], _K, mask=None, exact=True), _CPU_QUESTIONS)
    nearest = [_nearest(segment, question) for question in questions[:_RECALLED]]
    halves = vectors.astype(np.float16)
    return DeviceBench(
        device=_name(device),
        chunks=chunks,
        dimension=DIMENSION,
        copy_gb_per_second=round(copied / 1e9, 1),
        cpu_ms=round(cpu * 1000, 3),
        forms=tuple(
            _form(form, halves, questions, nearest, device=device, copied=copied, cpu=cpu)
            for form in forms or _possible(device)
        ),
    )


def _possible(device: str) -> list[Form]:
    forms = [HALVES, BYTES]
    if device != "cpu":
        with suppress(SettingsError):  # faiss-gpu is not installed
            forms.append(faiss_form(device))
    return forms


def _form(
    form: Form,
    halves: NDArray[np.float16],
    questions: Matrix,
    nearest: Sequence[Places],
    *,
    device: str,
    copied: float,
    cpu: float,
) -> FormBench:
    if device != "cpu":
        torch.cuda.empty_cache()  # what the form before had is not FAISS's to use while PyTorch keeps it
    _wait(device)
    started = time.perf_counter()
    rows = form.rows(halves, device)
    _wait(device)
    build_seconds = time.perf_counter() - started
    floor = rows.bytes / copied
    found = [
        np.empty(0, dtype=np.int64) if places is None else places
        for places in rows.nearest(questions[: len(nearest)], _K, mask=None)
    ]
    return FormBench(
        form=form.name,
        build_seconds=round(build_seconds, 3),
        device_mb=round(rows.bytes / 1e6, 1),
        floor_ms=round(floor * 1000, 4),
        compared_again=round(float(np.mean([len(places) for places in found])), 1),
        recall_at_10=_recall(nearest, found),
        batches=tuple(_batch(rows, questions[:batch], floor=floor, cpu=cpu) for batch in BATCHES),
    )


def _vectors(count: int) -> Matrix:
    made = Synthesizer(DIMENSION)
    found = np.empty((count, DIMENSION), dtype=np.float32)
    for first in range(0, count, _DRAWN_AT_ONCE):
        some = found[first : first + _DRAWN_AT_ONCE]
        some[:] = made.vectors(len(some))
    return found


def _batch(rows: RowsThere, questions: Matrix, *, floor: float, cpu: float) -> BatchBench:
    seconds = _median(lambda: rows.nearest(questions, _K, mask=None), _ROUNDS)
    return BatchBench(
        batch=len(questions),
        ms=round(seconds * 1000, 4),
        searches_per_second=round(len(questions) / seconds, 1),
        over_floor=seconds / floor,
        over_cpu=cpu * len(questions) / seconds,
    )


def _nearest(segment: DenseSegment, question: Matrix) -> Places:
    """The ten nearest as the CPU ranks them."""
    places, scores = segment.nearest(question, _K, mask=None, exact=True)
    return np.asarray(places[np.argsort(-scores)[:_K]])


def _recall(nearest: Sequence[Places], found: Sequence[Places]) -> float:
    """Share of the nearest that the device's candidates hold."""
    shares = [
        len(np.intersect1d(best, places)) / len(best) for best, places in zip(nearest, found, strict=True)
    ]
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
