"""A compact copy of many vectors, scanned in place of them to find the few that are worth an exact look.

A product quantiser with 4 bits for every two numbers, scanned in registers ("fast scan": André, Kermarrec,
Le Scouarnec, "Quicker ADC", TPAMI 2021). A quarter byte a number, so a vector of 384 takes 96 bytes, and a
million are scanned in a few milliseconds. Against graphs and inverted lists: docs/decisions/0005-….
"""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np

from rag.domain import ChunkIds, Matrix

_BITS = 4
_TRAINING = 50_000


class Sketch:
    """Approximate nearest neighbours by inner product over chunk ids."""

    def __init__(self, index: Any) -> None:
        self._index = index

    @classmethod
    def build(cls, ids: ChunkIds, vectors: Matrix) -> Sketch:
        """A sketch of ``vectors`` keyed by ``ids``; the same every time."""
        dimension = vectors.shape[1]
        parts = dimension // 2 if dimension % 2 == 0 else dimension
        quantiser = faiss.IndexPQFastScan(dimension, parts, _BITS, faiss.METRIC_INNER_PRODUCT)
        quantiser.pq.cp.min_points_per_centroid = 1  # says nothing about few rows, which tests have
        index = faiss.IndexIDMap(quantiser)
        training = vectors[:: -(-len(vectors) // _TRAINING)]
        index.train(
            np.resize(training, (max(len(training), 2**_BITS), dimension))
        )  # it wants a row a centroid
        index.add_with_ids(vectors, ids)
        return cls(index)

    @classmethod
    def read(cls, path: str) -> Sketch:
        """Read the file ``path``, which has been verified. Raises: RuntimeError, as faiss does."""
        return cls(faiss.read_index(path))

    def to_bytes(self) -> memoryview:
        """The file's bytes."""
        return memoryview(np.asarray(faiss.serialize_index(self._index)).data).cast("B")

    @property
    def shape(self) -> tuple[int, int]:
        """``(vectors, dimension)``."""
        return int(self._index.ntotal), int(self._index.d)

    def candidates(self, query: Matrix, count: int) -> ChunkIds:
        """Ids of about the ``count`` nearest to ``query``, shape ``(1, dimension)``; unordered."""
        _, found = self._index.search(query, min(count, self._index.ntotal))
        return np.asarray(found[0][found[0] >= 0], dtype=np.int64)
