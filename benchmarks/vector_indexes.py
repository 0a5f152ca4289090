"""Which index finds the nearest vectors, how surely and how fast: the table of decision 0005.

    python benchmarks/vector_indexes.py 1000000 flat half sketch          # random unit vectors
    python benchmarks/vector_indexes.py 1000000 sketch --vectors DOCS.npy --questions QUESTIONS.npy

With ``--vectors`` (rows of real texts, by the model in use) further ones are made between and around pairs of
them; questions are those of ``--questions``. One thread; recall@10 is against comparing every float32 vector.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import faiss
import numpy as np

from rag.domain import Matrix

DIMENSION = 384
PRODUCT = faiss.METRIC_INNER_PRODUCT
QUESTIONS = 200
_BATCH = 50_000
_NOISE = 0.015

Search = Callable[[Matrix], np.ndarray]
"""A question, shape ``(1, dimension)``, to the places of the ten nearest."""

Found = Iterator[tuple[str, Search]]
"""An index with the settings tried, by name."""


def unit(rows: Matrix) -> Matrix:
    """The rows at length 1."""
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def around(real: Matrix, count: int, random: np.random.Generator) -> Matrix:
    """``count`` vectors between pairs of real ones, nearer to the first, with some noise."""
    blocks = []
    for start in range(0, count, _BATCH):
        size = min(_BATCH, count - start)
        first, second = (real[random.integers(len(real), size=size)] for _ in range(2))
        share = random.uniform(0.5, 1, size=(size, 1)).astype(np.float32)
        noise = random.standard_normal(first.shape, dtype=np.float32) * _NOISE
        blocks.append(unit(share * first + (1 - share) * second + noise))
    return np.concatenate(blocks)


def refined(index: faiss.Index, vectors: Matrix, count: int) -> Search:
    """The ten best of an index's ``count`` candidates, compared in half precision."""
    halves = vectors.astype(np.float16)

    def search(question: Matrix) -> np.ndarray:
        places = index.search(question, count)[1][0]
        places = places[places >= 0]
        scores = halves[places].astype(np.float32) @ question[0]
        return places[np.argsort(-scores)[:10]]

    return search


def plain(index: faiss.Index) -> Search:
    """The ten best of an index itself."""
    return lambda question: index.search(question, 10)[1][0]


def flat(vectors: Matrix) -> Found:
    """Every vector as it is."""
    yield "flat, float32", plain(filled(faiss.IndexFlatIP(vectors.shape[1]), vectors))


def half(vectors: Matrix) -> Found:
    """Every vector in half precision."""
    index = faiss.IndexScalarQuantizer(vectors.shape[1], faiss.ScalarQuantizer.QT_fp16, PRODUCT)
    yield "flat, float16", plain(filled(index, vectors))


def sketch(vectors: Matrix) -> Found:
    """Four bits for each two or four numbers, all of them scanned."""
    dimension = vectors.shape[1]
    for parts in (dimension // 4, dimension // 2):
        index = filled(faiss.IndexPQFastScan(dimension, parts, 4, PRODUCT), vectors)
        for count in (200, 500, 1000):
            yield f"sketch of {parts // 2} bytes, {count} compared", refined(index, vectors, count)


def bits(vectors: Matrix) -> Found:
    """One bit a number, all of them scanned."""
    index = filled(faiss.index_factory(vectors.shape[1], "RR,RaBitQfs", PRODUCT), vectors)
    for count in (500, 1000, 2000):
        yield f"a bit a number (RaBitQ), {count} compared", refined(index, vectors, count)


def ivf(vectors: Matrix) -> Found:
    """Inverted lists."""
    dimension, lists = vectors.shape[1], int(4 * len(vectors) ** 0.5)
    precision = faiss.ScalarQuantizer.QT_fp16
    coarse = faiss.IndexFlatIP(dimension)
    index = filled(faiss.IndexIVFScalarQuantizer(coarse, dimension, lists, precision, PRODUCT), vectors)
    for index.nprobe in (16, 64, 256):
        yield f"IVF, {index.nprobe} of {lists} lists", plain(index)


def hnsw(vectors: Matrix) -> Found:
    """A graph."""
    index = faiss.IndexHNSWSQ(vectors.shape[1], faiss.ScalarQuantizer.QT_fp16, 32, PRODUCT)
    index.hnsw.efConstruction = 80
    filled(index, vectors)
    for index.hnsw.efSearch in (128, 400, 1000):
        yield f"HNSW, 32 links, ef {index.hnsw.efSearch}", plain(index)


KINDS = {kind.__name__: kind for kind in (flat, half, sketch, bits, ivf, hnsw)}


def filled(index: faiss.Index, vectors: Matrix) -> faiss.Index:
    """The index with all vectors, and a line that says how long that took."""
    started = time.perf_counter()
    if not index.is_trained:
        index.train(vectors[:100_000])
    index.add(vectors)
    print(f"  built in {time.perf_counter() - started:.1f} s", flush=True)
    return index


def main() -> None:
    """Print a line per index and setting."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("count", type=int)
    parser.add_argument("kinds", nargs="+", choices=list(KINDS))
    parser.add_argument("--vectors", type=Path)
    parser.add_argument("--questions", type=Path)
    arguments = parser.parse_args()
    faiss.omp_set_num_threads(1)
    random = np.random.default_rng(1)
    if arguments.vectors:
        vectors = around(np.load(arguments.vectors), arguments.count, random)
        asked = np.load(arguments.questions)
        questions = np.ascontiguousarray(asked[random.choice(len(asked), QUESTIONS, replace=False)])
    else:
        vectors = unit(random.standard_normal((arguments.count, DIMENSION), dtype=np.float32))
        questions = unit(random.standard_normal((QUESTIONS, DIMENSION), dtype=np.float32))
    exact = filled(faiss.IndexFlatIP(vectors.shape[1]), vectors).search(questions, 10)[1]
    for kind in arguments.kinds:
        for name, search in KINDS[kind](vectors):
            found, milliseconds = [], []
            for place in range(QUESTIONS):
                started = time.perf_counter()
                found.append(search(questions[place : place + 1]))
                milliseconds.append(1000 * (time.perf_counter() - started))
            recall = np.mean(
                [len({*ours} & {*theirs}) / 10 for ours, theirs in zip(found, exact, strict=True)]
            )
            median, least = np.median(milliseconds), min(milliseconds)
            print(f"{name}: recall@10 {recall:.4f}, p50 {median:.2f} ms, least {least:.2f} ms", flush=True)


if __name__ == "__main__":
    main()
