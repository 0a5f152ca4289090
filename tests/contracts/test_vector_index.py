"""What every vector index promises: nearest chunks first, exact scores, removed ones gone, filters exact."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence

import faiss
import numpy as np
import pytest
import torch
from _pytest.mark import ParameterSet
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rag.domain import ChunkIds, Hit, Matrix, Vector
from rag.index import segments
from rag.index.dense import SegmentedVectorIndex, extend
from rag.index.device.accelerator import Accelerator
from rag.index.device.faiss_rows import faiss_form
from rag.index.device.forms import BYTES, HALVES, Form
from rag.index.segments import DenseSegment
from rag.interfaces import VectorIndex
from tests.faiss_as_on_a_gpu import form_as_on_a_gpu
from tests.fakes import HashedEmbedder

DIMENSION = 1024
EMBEDDER = HashedEmbedder(dimension=DIMENSION)
TEXTS = [
    "Annual leave is twenty-five days.",
    "Five days of leave may be carried over.",
    "The VPN needs a hardware key.",
    "Report a lost laptop within one hour.",
    "Meal vouchers are worth nine euros.",
    "Parking is free for bicycles.",
    "Passwords have sixteen characters.",
    "The office closes at eight in the evening.",
]
IDS = [3, 5, 8, 13, 21, 34, 55, 89]

Build = Callable[[Sequence[int], Matrix, Sequence[int]], VectorIndex]
"""``(ids, vectors, removed ids)`` to an index."""


def array(ids: Sequence[int]) -> ChunkIds:
    return np.array(sorted(ids), dtype=np.int64)


def documents(texts: Sequence[str]) -> Matrix:
    """Vectors as the catalog keeps them, in half precision."""
    return EMBEDDER.embed_documents(texts).astype(np.float16).astype(np.float32)


def one_segment(
    ids: Sequence[int], vectors: Matrix, removed: Sequence[int], sketched_from: int = 1_000_000
) -> VectorIndex:
    segment = DenseSegment.build("all", np.array(ids, dtype=np.int64), vectors, sketched_from=sketched_from)
    return SegmentedVectorIndex([segment] if ids else [], array(removed))


def many_segments(
    ids: Sequence[int], vectors: Matrix, removed: Sequence[int], sketched_from: int = 1_000_000
) -> VectorIndex:
    segments = [
        DenseSegment.build(
            f"part-{place}",
            np.array(ids[place : place + 2], dtype=np.int64),
            vectors[place : place + 2],
            sketched_from=sketched_from,
        )
        for place in range(0, len(ids), 2)
    ]
    return SegmentedVectorIndex(segments, array(removed))


def one_sketched(ids: Sequence[int], vectors: Matrix, removed: Sequence[int]) -> VectorIndex:
    return one_segment(ids, vectors, removed, sketched_from=1)


def flat_and_sketched(ids: Sequence[int], vectors: Matrix, removed: Sequence[int]) -> VectorIndex:
    half = len(ids) // 2
    segments = [
        DenseSegment.build("flat", np.array(ids[:half], dtype=np.int64), vectors[:half]),
        DenseSegment.build("large", np.array(ids[half:], dtype=np.int64), vectors[half:], sketched_from=1),
    ]
    return SegmentedVectorIndex(segments, array(removed))


def _on_device(form: Form, device: str = "cpu") -> Build:
    accelerator = Accelerator(device, memory=10**9 + form.scratch, forms=[form], worth_it_from=1)

    def build_there(ids: Sequence[int], vectors: Matrix, removed: Sequence[int]) -> VectorIndex:
        half = len(ids) // 3
        parts = [
            DenseSegment.build(f"{uuid.uuid4()}", np.array(some, dtype=np.int64), rows, sketched_from=10)
            for some, rows in ((ids[:half], vectors[:half]), (ids[half:], vectors[half:]))
            if some
        ]
        accelerator.hold(parts)
        assert all(part.copy for part in parts)
        return SegmentedVectorIndex(parts, array(removed))

    build_there.__name__ = f"{device} in {form.name}".replace(" ", "_")
    return build_there


def _on_gpus() -> Iterator[ParameterSet]:
    """What there is to run on here."""
    forms = [HALVES, BYTES] if torch.cuda.is_available() else []
    if forms and hasattr(faiss, "StandardGpuResources") and faiss.get_num_gpus():
        forms.append(faiss_form("cuda"))
    for form in forms:
        yield pytest.param(_on_device(form, "cuda"), marks=pytest.mark.gpu)


BACKENDS = [
    one_segment,
    many_segments,
    one_sketched,
    flat_and_sketched,
    _on_device(HALVES),
    _on_device(BYTES),
    _on_device(form_as_on_a_gpu()),
    *_on_gpus(),
]
"""Every index type, what a GPU does done on the CPU, and on a GPU where there is one."""


@pytest.fixture(params=BACKENDS, ids=lambda backend: backend.__name__)
def build(request: pytest.FixtureRequest) -> Build:
    made: Build = request.param
    return made


def sample(build: Build, removed: Sequence[int] = ()) -> VectorIndex:
    return build(IDS, documents(TEXTS), removed)


def ids_of(hits: Sequence[Hit]) -> list[int]:
    return [hit.chunk_id for hit in hits]


@pytest.mark.parametrize("place", range(len(TEXTS)))
def test_an_identical_text_ranks_first_with_score_1(build: Build, place: int) -> None:
    best = sample(build).search(EMBEDDER.embed_query(TEXTS[place]), 3, allowed=None)[0]
    assert best.chunk_id == IDS[place]
    assert best.score == pytest.approx(1.0, abs=5e-4)  # half precision


def test_hits_come_best_first_and_at_most_k(build: Build) -> None:
    hits = sample(build).search(EMBEDDER.embed_query("Days of leave carried over"), 3, allowed=None)
    assert len(hits) == 3
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert set(ids_of(hits)[:2]) == {3, 5}


def test_a_removed_chunk_is_never_found(build: Build) -> None:
    index = sample(build, removed=[5, 89])
    assert index.count == 6
    for text in TEXTS:
        vector = EMBEDDER.embed_query(text)
        assert not {5, 89} & set(ids_of(index.search(vector, 100, allowed=None)))
        assert not {5, 89} & set(ids_of(index.search(vector, 100, allowed=array([3, 5, 89]))))
        assert set(index.similarities(vector, [3, 5, 89])) == {3}


def test_k_beyond_the_count_gives_every_chunk_once(build: Build) -> None:
    hits = sample(build).search(EMBEDDER.embed_query("leave"), 10_000, allowed=None)
    assert sorted(ids_of(hits)) == IDS


@pytest.mark.parametrize("k", [0, -1])
def test_no_hits_are_wanted_and_none_come(build: Build, k: int) -> None:
    assert sample(build).search(EMBEDDER.embed_query("leave"), k, allowed=None) == []


def test_an_empty_index_finds_nothing(build: Build) -> None:
    index = build([], np.zeros((0, DIMENSION), dtype=np.float32), [])
    vector = EMBEDDER.embed_query("leave")
    assert index.count == 0
    assert index.search(vector, 10, allowed=None) == []
    assert index.search(vector, 10, allowed=array([1])) == []
    assert index.similarities(vector, [1]) == {}


def test_an_index_with_everything_removed_finds_nothing(build: Build) -> None:
    index = sample(build, removed=IDS)
    assert index.count == 0
    assert index.search(EMBEDDER.embed_query("leave"), 10, allowed=None) == []


def test_who_may_read_nothing_finds_nothing(build: Build) -> None:
    assert sample(build).search(EMBEDDER.embed_query("leave"), 10, allowed=array([])) == []


@pytest.mark.parametrize("k", [1, 7, 99, 100, 150, 399])
def test_equal_scores_are_ordered_by_id_also_where_the_list_is_cut(build: Build, k: int) -> None:
    ids = list(range(1, 401))
    copies = EMBEDDER.embed_documents(["The same boilerplate in every document."] * len(ids))
    hits = build(ids, copies, [5]).search(EMBEDDER.embed_query("the same boilerplate"), k, allowed=None)
    assert ids_of(hits) == [id_ for id_ in ids if id_ != 5][:k]


def test_similarities_are_the_exact_inner_products_of_the_known_ones(build: Build) -> None:
    vector = EMBEDDER.embed_query("a lost laptop with a VPN key")
    found = sample(build).similarities(vector, [13, 8, 8, 4711, -1])
    expected = documents(TEXTS) @ vector
    assert found == {8: pytest.approx(float(expected[2])), 13: pytest.approx(float(expected[3]))}


@pytest.mark.parametrize("backend", BACKENDS)
@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.lists(st.integers(-3, 3), min_size=4, max_size=4), max_size=12),
    query=st.lists(st.integers(-3, 3), min_size=4, max_size=4),
    removed=st.sets(st.integers(1, 12)),
    allowed=st.sets(st.integers(1, 15)),
    k=st.integers(1, 15),
)
def test_a_filtered_search_is_a_filtered_unlimited_search(
    backend: Build, rows: list[list[int]], query: list[int], removed: set[int], allowed: set[int], k: int
) -> None:
    ids = list(range(1, len(rows) + 1))
    gone = sorted(removed & set(ids))
    index = backend(ids, np.array(rows, dtype=np.float32).reshape(-1, 4), gone)
    vector: Vector = np.array(query, dtype=np.float32)
    everything = index.search(vector, len(rows), allowed=None)
    assert sorted(ids_of(everything)) == [id_ for id_ in ids if id_ not in removed]
    assert index.search(vector, k, allowed=None) == everything[:k]
    visible = [hit for hit in everything if hit.chunk_id in allowed]
    assert index.search(vector, k, allowed=array(sorted(allowed))) == visible[:k]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("share", [0.01, 0.1, 0.9])
def test_filters_of_any_selectivity_change_neither_scores_nor_order(backend: Build, share: float) -> None:
    random = np.random.default_rng(7)
    rows = unit(random.standard_normal((300, 24)))
    ids = list(range(1, 301))
    index = backend(ids, rows, [7, 100])
    allowed = array(random.choice(ids, size=round(share * 300), replace=False).tolist())
    for vector in unit(random.standard_normal((20, 24))):
        everything = index.search(vector, 300, allowed=None)
        visible = [hit for hit in everything if hit.chunk_id in allowed]
        assert index.search(vector, 10, allowed=allowed) == visible[:10]


# ----------------------------------------------------------------------------------------- sketches


def unit(rows: NDArray[np.float64]) -> Matrix:
    """Rows of length 1, in half precision."""
    return (
        np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16).astype(np.float32)
    )


def clustered(count: int, *, seed: int = 3, dimension: int = 64) -> Matrix:
    """Vectors around topics, as texts' are."""
    random = np.random.default_rng(seed)
    topics = random.standard_normal((40, dimension))
    return unit(topics[random.integers(40, size=count)] + 0.6 * random.standard_normal((count, dimension)))


COUNT = 6000
ROWS = clustered(COUNT)
QUESTIONS = clustered(50, seed=4)


@pytest.fixture(scope="module")
def sketched() -> DenseSegment:
    return DenseSegment.build("large", np.arange(1, COUNT + 1) * 3, ROWS, sketched_from=1)


def test_a_large_segment_is_searched_by_a_sketch_whose_recall_is_measured(sketched: DenseSegment) -> None:
    assert sketched.index_type == "sketched"
    assert sketched.recall is not None
    assert 0.98 <= sketched.recall <= 1.0
    assert sketched.file_names == ("large", "large.sketch.faiss")


def test_a_sketch_finds_nearly_all_and_every_score_is_the_exact_inner_product(
    sketched: DenseSegment,
) -> None:
    index = SegmentedVectorIndex([sketched], array([]))
    shared = 0
    for vector in QUESTIONS:
        hits = index.search(vector, 10, allowed=None)
        exact = ROWS @ vector
        assert [hit.score for hit in hits] == pytest.approx([exact[hit.chunk_id // 3 - 1] for hit in hits])
        shared += len(set(ids_of(hits)) & {(place + 1) * 3 for place in np.argsort(-exact)[:10]})
    assert shared >= 0.98 * 10 * len(QUESTIONS)


def test_a_filtered_search_of_a_sketched_segment_is_exact(sketched: DenseSegment) -> None:
    index = SegmentedVectorIndex([sketched], array([]))
    for vector in QUESTIONS:
        everything = index.search(vector, COUNT, allowed=None)
        for share in (0.01, 0.1, 0.9):
            kept = np.random.default_rng(1).random(COUNT) < share
            allowed = sketched.ids[kept]
            visible = [hit for hit in everything if kept[hit.chunk_id // 3 - 1]]
            assert index.search(vector, 10, allowed=allowed) == visible[:10]


def test_the_nearest_that_is_left_is_found_when_all_nearer_ones_were_removed(sketched: DenseSegment) -> None:
    vector = QUESTIONS[0]
    ranked = sketched.ids[np.argsort(-(ROWS @ vector))]
    index = SegmentedVectorIndex([sketched], array(ranked[:1000].tolist()))
    assert set(ids_of(index.search(vector, 10, allowed=None))) == set(ranked[1000:1010].tolist())


def test_a_sketch_that_would_miss_too_much_is_not_used(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(segments, "_LEAST_RESCORED", 1)
    monkeypatch.setattr(segments, "_RESCORED", 1)
    made = DenseSegment.build("large", np.arange(COUNT), ROWS, sketched_from=1)
    assert (made.index_type, made.recall, made.file_names) == ("flat", None, ("large",))
    assert "searched one by one" in caplog.text
    best = SegmentedVectorIndex([made], array([])).search(ROWS[17], 1, allowed=None)
    assert ids_of(best) == [17]


# ---------------------------------------------------------------------------- growing and shrinking


def segment(ids: Sequence[int], name: str = "added") -> DenseSegment:
    vectors = EMBEDDER.embed_documents([f"text number {id_}" for id_ in ids])
    return DenseSegment.build(name, np.array(ids, dtype=np.int64), vectors)


def grown(steps: int, *, each: int = 1) -> SegmentedVectorIndex:
    index = SegmentedVectorIndex((), array([]))
    for step in range(steps):
        ids = range(step * each + 1, (step + 1) * each + 1)
        index = extend(index, added=segment(ids), removed=array([]), dimension=DIMENSION, name=f"step-{step}")
    return index


def test_additions_one_by_one_leave_few_segments_and_every_chunk() -> None:
    index = grown(300)
    assert index.count == 300
    assert len(index.segments) <= 12
    vector = EMBEDDER.embed_query("text number 177")
    assert index.search(vector, 1, allowed=None)[0].chunk_id == 177
    assert sorted(ids_of(index.search(vector, 300, allowed=None))) == list(range(1, 301))


def test_extending_leaves_the_old_index_as_it_was() -> None:
    old = grown(3, each=4)
    vector = EMBEDDER.embed_query("text number 2")
    before = old.search(vector, 20, allowed=None)
    new = extend(old, added=segment([13, 14]), removed=array([2, 3]), dimension=DIMENSION, name="new")
    assert old.search(vector, 20, allowed=None) == before
    assert (old.count, new.count) == (12, 12)
    assert 2 not in ids_of(new.search(vector, 20, allowed=None))


def test_removals_are_counted_once_however_often_they_are_told() -> None:
    index = grown(1, each=20)
    for _ in range(3):
        index = extend(index, added=None, removed=array([4, 4711]), dimension=DIMENSION, name="again")
    assert index.count == 19
    assert index.removed.tolist() == [4]


def test_a_segment_that_is_mostly_dead_is_rewritten_without_its_dead() -> None:
    index = extend(
        grown(1, each=20), added=None, removed=array(range(1, 7)), dimension=DIMENSION, name="compact"
    )
    assert index.removed.tolist() == []
    assert [part.count for part in index.segments] == [14]
    assert sorted(ids_of(index.search(EMBEDDER.embed_query("text"), 50, allowed=None))) == list(range(7, 21))


def test_removing_everything_leaves_no_segment() -> None:
    index = extend(
        grown(5, each=4), added=None, removed=array(range(1, 21)), dimension=DIMENSION, name="none"
    )
    assert (index.count, index.segments, index.removed.tolist()) == (0, (), [])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.sets(st.integers(1, 60), max_size=8)), max_size=15))
def test_any_history_of_additions_and_removals_holds_exactly_the_live(
    history: list[tuple[int, set[int]]],
) -> None:
    index = SegmentedVectorIndex((), array([]))
    live: set[int] = set()
    newest = 0
    for step, (count, removed) in enumerate(history):
        ids = list(range(newest + 1, newest + count + 1))
        newest += count
        gone = {id_ for id_ in removed if id_ in live}  # a chunk is removed after it was added, and stays so
        index = extend(
            index,
            added=segment(ids) if ids else None,
            removed=array(sorted(gone)),
            dimension=DIMENSION,
            name=f"step-{step}",
        )
        live = (live - gone) | set(ids)
        assert index.count == len(live)
        found = index.search(EMBEDDER.embed_query("text number"), 100, allowed=None)
        assert sorted(ids_of(found)) == sorted(live)
