"""Copies of segments on a device: the budget, sharing, one thread for all, and what happens when it fails."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from rag.domain import Hit, Matrix
from rag.errors import SettingsError
from rag.index.dense import SegmentedVectorIndex
from rag.index.device import rows as device_rows
from rag.index.device.accelerator import Accelerator
from rag.index.device.forms import BYTES, HALVES, Form
from rag.index.device.placing import GpuPlacement
from rag.index.device.rows import MASKS_KEPT, DeviceRows
from rag.index.segments import DenseSegment

COUNT, DIMENSION = 3000, 32
NOBODY = np.empty(0, dtype=np.int64)


def unit(count: int, seed: int) -> Matrix:
    rows = np.random.default_rng(seed).standard_normal((count, DIMENSION)).astype(np.float32)
    halves = np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)
    return halves.astype(np.float32)


ROWS = unit(COUNT, 1)
QUESTIONS = unit(60, 2)


def segment(name: str = "one", rows: Matrix = ROWS) -> DenseSegment:
    return DenseSegment.build(name, np.arange(1, len(rows) + 1) * 2, rows, sketched_from=1000)


def accelerator(memory: int = 10**9, forms: Sequence[Form] = (HALVES, BYTES)) -> Accelerator:
    return Accelerator("cpu", memory=memory, forms=forms, worth_it_from=1000)


def found(index: SegmentedVectorIndex, k: int = 10) -> list[list[Hit]]:
    return [index.search(vector, k, allowed=None) for vector in QUESTIONS]


def exact(k: int = 10) -> list[list[Hit]]:
    return found(
        SegmentedVectorIndex([DenseSegment.build("flat", np.arange(1, COUNT + 1) * 2, ROWS)], NOBODY), k
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.int8, torch.float32])
@pytest.mark.parametrize("scores_at_once", [2**28, 64 * 60 * 3])
@pytest.mark.parametrize("k", [1, 10, 500, 2500])
def test_every_candidate_is_among_what_the_device_returns(
    monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype, scores_at_once: int, k: int
) -> None:
    monkeypatch.setattr(device_rows, "_SCORES_AT_ONCE", scores_at_once)
    mask = np.random.default_rng(5).random(COUNT) < 0.5
    rows = DeviceRows(ROWS, device="cpu", dtype=dtype)
    for allowed in (None, mask):
        returned = rows.nearest(QUESTIONS, k, mask=allowed)
        for vector, places in zip(QUESTIONS, returned, strict=True):
            assert places is not None
            scores = np.where(mask, ROWS @ vector, -np.inf) if allowed is not None else ROWS @ vector
            best = np.argsort(-scores)[: min(k, int(mask.sum()) if allowed is not None else COUNT)]
            assert set(best.tolist()) <= set(places.tolist())
            assert len(set(places.tolist())) == len(places) < len(best) + 300
            assert allowed is None or mask[places].all()


def test_a_vector_that_bytes_keep_badly_does_not_widen_the_race_for_the_others() -> None:
    rows = unit(COUNT, 1)
    before = DeviceRows(rows, device="cpu", dtype=torch.int8).nearest(QUESTIONS, 10, mask=None)
    rows[7] = 0.05 * rows[7]
    rows[7, 0] = 1
    after = DeviceRows(rows, device="cpu", dtype=torch.int8).nearest(QUESTIONS, 10, mask=None)
    for few, places in zip(before, after, strict=True):
        assert few is not None
        assert places is not None
        assert len(places) <= len(few) + 1


@pytest.mark.parametrize("length", [1.0, 30.0])
@pytest.mark.parametrize(("step", "others"), [(0.49, (0.352, 0.366)), (0.51, (0.376, 0.390))])
def test_the_nearest_is_found_where_bytes_round_another_way_in_every_number(
    step: float, others: tuple[float, float], length: float
) -> None:
    ones = np.ones(DIMENSION - 1, dtype=np.float32)
    question = np.concatenate([[0], ones / np.linalg.norm(ones)]).astype(np.float32)
    rows = np.zeros((COUNT, DIMENSION), dtype=np.float32)
    rows[:, 1:] = np.linspace(*others, COUNT)[:, None] / np.linalg.norm(ones)
    rows[5] = np.concatenate([[1], (8 + step) / 127 * ones])  # kept as 8 or 9 of 127, not as it is
    as_kept = np.where(np.arange(COUNT) == 5, (8 + round(step)) / 127 * np.linalg.norm(ones), rows @ question)
    assert np.argmax(rows @ question) != np.argmax(as_kept)
    there = DeviceRows(rows, device="cpu", dtype=torch.int8)
    (places,) = there.nearest(length * question[None, :], 1, mask=None)
    assert places is not None
    assert np.argmax(rows @ question) in places


def test_callers_who_wait_together_get_each_their_own() -> None:
    held = segment()
    accelerator().hold([held])
    index = SegmentedVectorIndex([held], np.array([4, 6, 8], dtype=np.int64))
    here = SegmentedVectorIndex([DenseSegment.build("flat", held.ids, ROWS)], index.removed)
    with ThreadPoolExecutor(16) as pool:
        together = list(pool.map(lambda vector: index.search(vector, 10, allowed=None), QUESTIONS))
    assert together == found(here)


def test_a_copy_is_shared_by_generations_and_given_back_with_the_last() -> None:
    there = accelerator()
    first, again, other = segment(), segment(), segment("two")
    there.hold([first, other])
    size = COUNT * (DIMENSION * 2 + MASKS_KEPT)
    assert there.used == 2 * size
    there.hold([again])
    assert there.used == 2 * size
    del first, other
    assert there.used == size
    del again
    assert there.used == 0


def test_what_the_budget_has_no_room_for_is_searched_here(caplog: pytest.LogCaptureFixture) -> None:
    there = accelerator(HALVES.size(COUNT, DIMENSION) + 1, [HALVES])
    large, small, tiny = segment(), segment("small", ROWS[:1500]), segment("tiny", ROWS[:20])
    there.hold([tiny, small, large])
    assert large.copy is not None
    assert small.copy is None
    assert tiny.copy is None
    assert [record.getMessage() for record in caplog.records] == [
        "1,500 vectors (0.0 GB as half precision) exceed the GPU's budget of 0.0 GB; the CPU searches them."
    ]


def test_where_not_all_fit_in_halves_the_dearest_form_goes_to_those_that_leave_room_for_the_rest() -> None:
    halves, as_bytes = (form.size(COUNT, DIMENSION) for form in (HALVES, BYTES))
    there = accelerator(halves + as_bytes)
    first, second = segment("first"), segment("second")
    there.hold([first, second])
    assert there.used == halves + as_bytes
    third, fourth = segment("third"), segment("fourth")
    tighter = accelerator(2 * as_bytes)
    tighter.hold([third, fourth])
    assert tighter.used == 2 * as_bytes
    for held in (first, second, third, fourth):
        assert held.copy is not None
        assert found(SegmentedVectorIndex([held], NOBODY)) == exact()


def test_a_row_of_filters_does_not_push_the_mask_of_the_generation_off_the_device(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    carried: list[object] = []
    real = torch.from_numpy
    held = segment()
    accelerator().hold([held])
    index = SegmentedVectorIndex([held], np.array([4, 6, 8], dtype=np.int64))

    def carry(array: NDArray[Any]) -> torch.Tensor:
        if array.dtype == np.bool_:
            carried.append(array)
        return real(array)

    monkeypatch.setattr(torch, "from_numpy", carry)
    mine = held.ids[::3]
    for _ in range(2):
        index.search(QUESTIONS[0], 5, allowed=None)
        index.search(QUESTIONS[0], 5, allowed=mine)
    assert len(carried) == 2
    for start in range(20):
        index.search(QUESTIONS[0], 5, allowed=held.ids[start::2])
    index.search(QUESTIONS[0], 5, allowed=None)
    index.search(QUESTIONS[0], 5, allowed=mine)
    assert len(carried) == 22


def test_sums_of_halves_stay_in_single_precision_as_the_known_bound_supposes() -> None:
    torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = True
    accelerator()
    assert not torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction


def test_a_device_without_memory_leaves_the_search_to_the_cpu(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    held = DenseSegment.build("flat", np.arange(1, COUNT + 1) * 2, ROWS)
    accelerator().hold([held])
    assert held.copy is not None

    def full(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(DeviceRows, "nearest", full)
    with caplog.at_level(logging.WARNING):
        assert found(SegmentedVectorIndex([held], NOBODY)) == exact()
    assert held.copy is None
    assert [record.getMessage() for record in caplog.records] == [
        "The GPU did not search: CUDA out of memory. The CPU searches these 3,000 vectors from now on."
    ]


def test_a_device_that_takes_no_copy_is_told_of_and_done_without(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(DeviceRows, "__init__", full)
    held = segment()
    accelerator().hold([held])
    assert held.copy is None
    for form in ("half precision", "bytes"):
        assert f"could not take 3,000 vectors as {form}: CUDA out of memory" in caplog.text


@pytest.mark.parametrize("device", ["cpu", "auto"])
def test_where_there_is_no_gpu_nothing_is_placed(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr("rag.index.device.placing.WORTH_IT_FROM", 1)
    held = segment()
    placement = GpuPlacement(device, 0)
    placement.place([held])
    placement.close()
    assert held.copy is None


def test_faiss_is_asked_for_where_it_sees_no_gpu_and_the_start_stops_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rag.index.device.placing.WORTH_IT_FROM", 1)
    monkeypatch.setattr("rag.embedding.sentence_transformer.choose_device", lambda wanted: wanted)
    placement = GpuPlacement("cuda:99", 0, "faiss")
    with pytest.raises(SettingsError, match=r"FOOTNOTE_DEVICE_INDEX is faiss, and FAISS .* not number 99\."):
        placement.place([segment()])
