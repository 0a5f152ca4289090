"""FAISS on a GPU: no filter, at most 2,048 rows, one call at a time, and still nothing is missed.

On an index of the CPU with the same limits, and on the real one where there is a GPU.
"""

from __future__ import annotations

import gc
import threading
from concurrent.futures import ThreadPoolExecutor

import faiss
import numpy as np
import pytest

from rag.domain import Matrix
from rag.errors import SettingsError
from rag.index.dense import SegmentedVectorIndex
from rag.index.device.accelerator import Accelerator
from rag.index.device.faiss_rows import MOST_GIVEN_OUT, FaissRows, faiss_form
from rag.index.device.forms import BYTES, Form
from rag.index.segments import DenseSegment, Mask
from tests.faiss_as_on_a_gpu import IndexAsOnAGpu, form_as_on_a_gpu

COUNT, DIMENSION = 6000, 16
NOBODY = np.empty(0, dtype=np.int64)


def unit(count: int, seed: int) -> Matrix:
    rows = np.random.default_rng(seed).standard_normal((count, DIMENSION)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


ROWS = unit(COUNT, 1)
QUESTIONS = unit(20, 2)


def rows_there(rows: Matrix = ROWS, part: int = COUNT) -> FaissRows:
    busy = threading.Lock()
    return FaissRows(
        rows, new_index=lambda dimension: IndexAsOnAGpu(dimension, busy), guard=threading.RLock(), part=part
    )


def share_of_rows(share: float) -> Mask:
    return np.random.default_rng(5).random(COUNT) < share


def indexes(rows: Matrix = ROWS) -> tuple[SegmentedVectorIndex, SegmentedVectorIndex]:
    """One that asks FAISS as on a GPU, and one that compares every vector here."""
    there, here = (DenseSegment.build(name, np.arange(1, len(rows) + 1), rows) for name in ("there", "here"))
    Accelerator("cpu", memory=10**9, forms=[form_as_on_a_gpu()], worth_it_from=1).hold([there])
    assert there.copy is not None
    return SegmentedVectorIndex([there], NOBODY), SegmentedVectorIndex([here], NOBODY)


@pytest.mark.parametrize("part", [COUNT, 1700])
@pytest.mark.parametrize("share", [1.0, 0.9, 0.3])
@pytest.mark.parametrize("k", [1, 10, 200])
def test_every_candidate_comes_back_whatever_the_filter_drops(part: int, share: float, k: int) -> None:
    mask = share_of_rows(share) if share < 1 else None
    for vector, places in zip(QUESTIONS, rows_there(part=part).nearest(QUESTIONS, k, mask=mask), strict=True):
        assert places is not None
        scores = ROWS @ vector if mask is None else np.where(mask, ROWS @ vector, -np.inf)
        assert set(np.argsort(-scores)[:k].tolist()) <= set(places.tolist())
        assert len(set(places.tolist())) == len(places) < k + 100
        assert mask is None or mask[places].all()


def test_beyond_2048_several_parts_together_still_tell() -> None:
    for vector, places in zip(
        QUESTIONS, rows_there(part=1700).nearest(QUESTIONS, 3000, mask=None), strict=True
    ):
        assert places is not None
        assert set(np.argsort(-(ROWS @ vector))[:3000].tolist()) <= set(places.tolist())


@pytest.mark.parametrize(("k", "share"), [(2500, 1.0), (100, 0.01)])
def test_what_2048_rows_cannot_tell_is_searched_here_and_the_copy_stays(k: int, share: float) -> None:
    there, here = indexes()
    allowed = there.segments[0].ids[share_of_rows(share)] if share < 1 else None
    for vector in QUESTIONS:
        assert there.search(vector, k, allowed=allowed) == here.search(vector, k, allowed=allowed)
    assert there.segments[0].copy is not None
    mask = share_of_rows(share) if share < 1 else None
    assert rows_there().nearest(QUESTIONS, k, mask=mask) == [None] * len(QUESTIONS)


def test_more_ties_than_it_gives_out_are_ordered_by_id_all_the_same() -> None:
    same = np.repeat(ROWS[:1], 3000, axis=0)
    assert rows_there(same).nearest(ROWS[:1], 10, mask=None) == [None]
    there, here = indexes(same)
    hits = there.search(ROWS[0], 10, allowed=None)
    assert [hit.chunk_id for hit in hits] == list(range(1, 11))
    assert hits == here.search(ROWS[0], 10, allowed=None)


def test_segments_come_and_go_while_others_are_searched_and_faiss_is_called_by_one_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(IndexAsOnAGpu, "pause", 0.002)
    accelerator = Accelerator("cpu", memory=10**9, forms=[form_as_on_a_gpu()], worth_it_from=1)
    lasting = DenseSegment.build("lasting", np.arange(COUNT), ROWS)
    accelerator.hold([lasting])
    index = SegmentedVectorIndex([lasting], NOBODY)

    def come_and_go(number: int) -> None:
        accelerator.hold([DenseSegment.build(f"brief-{number}", np.arange(COUNT), ROWS)])

    with ThreadPoolExecutor(8) as pool:
        comings = [pool.submit(come_and_go, number) for number in range(10)]
        found = list(pool.map(lambda vector: index.search(vector, 5, allowed=None), QUESTIONS))
        for coming in comings:
            coming.result()
    assert all(len(hits) == 5 for hits in found)
    assert lasting.copy is not None
    gc.collect()
    assert accelerator.used == form_as_on_a_gpu().size(COUNT, DIMENSION)


def test_without_memory_on_the_gpu_the_cpu_answers_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    there, here = indexes()

    def full(*_: object) -> None:
        raise RuntimeError("StandardGpuResources: alloc fail, cudaMalloc error out of memory")

    monkeypatch.setattr(IndexAsOnAGpu, "search", full)
    assert there.search(QUESTIONS[0], 10, allowed=None) == here.search(QUESTIONS[0], 10, allowed=None)
    assert there.segments[0].copy is None
    assert "out of memory. The CPU searches these 6,000 vectors from now on." in caplog.text


def test_without_memory_for_halves_by_faiss_bytes_are_tried(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise RuntimeError("cudaMalloc error out of memory")

    monkeypatch.setattr(IndexAsOnAGpu, "add", full)
    accelerator = Accelerator("cpu", memory=10**9, forms=[form_as_on_a_gpu(), BYTES], worth_it_from=1)
    held = DenseSegment.build("held", np.arange(COUNT), ROWS)
    accelerator.hold([held])
    assert held.copy is not None
    assert accelerator.used == BYTES.size(COUNT, DIMENSION)
    assert "could not take 6,000 vectors as half precision, by FAISS: cudaMalloc error" in caplog.text


def test_a_faiss_that_sees_no_gpu_stops_the_start_and_says_what_to_install() -> None:
    seen = faiss.get_num_gpus() if hasattr(faiss, "get_num_gpus") else 0
    with pytest.raises(SettingsError, match=rf"sees {seen} GPUs, not number {seen}\. Install faiss-gpu"):
        faiss_form(f"cuda:{seen}")


# ------------------------------------------------------------------------------------- on a real GPU


@pytest.fixture
def real() -> Form:
    try:
        return faiss_form("cuda")
    except SettingsError as exc:
        pytest.skip(str(exc))


@pytest.mark.gpu
@pytest.mark.parametrize("share", [1.0, 0.9, 0.3])
@pytest.mark.parametrize("k", [1, 10, 200, 2000])
def test_the_real_index_gives_every_candidate_or_says_that_it_cannot(
    real: Form, k: int, share: float
) -> None:
    mask = share_of_rows(share) if share < 1 else None
    for vector, places in zip(
        QUESTIONS, real.rows(ROWS, "cuda").nearest(QUESTIONS, k, mask=mask), strict=True
    ):
        scores = ROWS @ vector if mask is None else np.where(mask, ROWS @ vector, -np.inf)
        if k <= 200:
            assert places is not None
        if places is not None:
            assert set(np.argsort(-scores)[:k].tolist()) <= set(places.tolist())


@pytest.mark.gpu
def test_the_real_index_has_the_limit_that_is_reckoned_with(real: Form) -> None:
    rows = real.rows(ROWS, "cuda")
    assert rows.nearest(QUESTIONS, MOST_GIVEN_OUT + 1, mask=None) == [None] * len(QUESTIONS)
    assert rows.bytes == real.size(COUNT, DIMENSION)
