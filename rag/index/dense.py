"""Exact vector search over immutable FAISS segments with tombstones."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from rag.domain import ChunkIds, Hit, Matrix, Vector
from rag.errors import IndexDamaged

# torch brings its own OpenMP pool; one search thread per query keeps the two from fighting over cores.
faiss.omp_set_num_threads(1)


class DenseSegment:
    """An immutable set of vectors with their chunk ids, ascending."""

    def __init__(self, index: Any, name: str) -> None:
        self.name = name
        self.index = index
        self.ids: ChunkIds = faiss.vector_to_array(index.id_map).astype(np.int64)

    @classmethod
    def build(cls, name: str, ids: ChunkIds, vectors: Matrix) -> DenseSegment:
        """A segment of ``vectors`` (unit rows) keyed by ``ids`` (ascending)."""
        index = faiss.IndexIDMap2(faiss.IndexFlatIP(vectors.shape[1]))
        index.add_with_ids(np.ascontiguousarray(vectors, dtype=np.float32), ids)
        return cls(index, name)

    @classmethod
    def read(cls, path: Path, *, dimension: int, count: int) -> DenseSegment:
        """Load a segment whose file has been verified. Raises: IndexDamaged."""
        try:
            segment = cls(faiss.read_index(str(path)), path.name)
        except RuntimeError as exc:
            raise IndexDamaged(f"FAISS cannot read {path.name}: {exc}.") from exc
        if segment.index.d != dimension or segment.index.ntotal != count:
            raise IndexDamaged(
                f"{path.name} holds {segment.index.ntotal} vectors of {segment.index.d} numbers, "
                f"expected {count} of {dimension}."
            )
        return segment

    def to_bytes(self) -> memoryview:
        """The file's bytes; FAISS's own writer neither fsyncs nor reports a full disk."""
        return memoryview(np.asarray(faiss.serialize_index(self.index)).data).cast("B")

    def vectors(self) -> Matrix:
        """All vectors, in id order; shape ``(count, dimension)``."""
        return np.asarray(self.index.index.reconstruct_n(0, self.index.ntotal))

    @property
    def count(self) -> int:
        """Vectors in the segment, removed ones included."""
        return int(self.index.ntotal)


class SegmentedVectorIndex:
    """Several segments searched as one index, minus the removed ids."""

    def __init__(self, segments: Sequence[DenseSegment], removed: ChunkIds) -> None:
        self.segments = tuple(segments)
        self.removed = removed
        self._live = faiss.IDSelectorNot(faiss.IDSelectorBatch(removed)) if removed.size else None

    @property
    def count(self) -> int:
        """Live vectors."""
        return sum(segment.count for segment in self.segments) - int(self.removed.size)

    def search(self, vector: Vector, k: int, *, allowed: ChunkIds | None) -> list[Hit]:
        """The ``k`` largest inner products among live (and allowed) chunks, best first."""
        if k <= 0 or (allowed is not None and not allowed.size):
            return []
        selector = self._selector(allowed)
        parameters = None
        if selector is not None:  # the wrapper, which its stub does not know, keeps the selector alive
            parameters = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
        hits = [hit for segment in self.segments for hit in _segment_hits(segment, vector, k, parameters)]
        return heapq.nsmallest(k, hits, key=_rank)

    def similarities(self, vector: Vector, chunk_ids: Sequence[int]) -> dict[int, float]:
        """Exact inner products with the given chunks; unknown or removed ids are absent."""
        wanted = np.unique(np.asarray(chunk_ids, dtype=np.int64))
        wanted = wanted[~np.isin(wanted, self.removed)]
        found: dict[int, float] = {}
        for segment in self.segments:
            for chunk_id in wanted[np.isin(wanted, segment.ids)]:
                stored = segment.index.reconstruct(int(chunk_id))
                found[int(chunk_id)] = float(np.dot(stored, vector))
        return found

    def _selector(self, allowed: ChunkIds | None) -> faiss.IDSelector | None:
        if allowed is None:
            return self._live
        chosen = faiss.IDSelectorBatch(np.ascontiguousarray(allowed, dtype=np.int64))
        return chosen if self._live is None else faiss.IDSelectorAnd(chosen, self._live)


def _rank(hit: Hit) -> tuple[float, int]:
    return -hit.score, hit.chunk_id


def _segment_hits(
    segment: DenseSegment, vector: Vector, k: int, parameters: faiss.SearchParameters | None
) -> list[Hit]:
    """The best ``k`` of one segment and those that tie with the last: FAISS keeps any of equal scores."""
    query = np.ascontiguousarray(vector, dtype=np.float32)[None, :]
    wanted = k
    while True:
        wanted = min(wanted + 1, segment.count)
        scores, ids = segment.index.search(query, wanted, params=parameters)
        hits = [
            Hit(chunk_id=int(chunk_id), score=float(score))
            for score, chunk_id in zip(scores[0], ids[0], strict=True)
            if chunk_id >= 0
        ]
        if len(hits) <= k or wanted == segment.count or hits[-1].score < hits[k - 1].score:
            return hits
        wanted *= 4


def extend(
    index: SegmentedVectorIndex, *, added: DenseSegment | None, removed: ChunkIds, dimension: int, name: str
) -> SegmentedVectorIndex:
    """The index with ``added`` chunks and without ``removed`` ones, as new segments and tombstones.

    Segments merge like a binary counter (a new segment swallows those at most twice its size), so n chunks
    make O(log n) segments and each vector is rewritten O(log n) times. A segment with more than a quarter of
    its vectors removed is rewritten without them.
    """
    segments = list(index.segments)
    tombstones = np.union1d(index.removed, removed)
    if added is not None:
        group = [added]
        while segments and segments[-1].count <= 2 * sum(part.count for part in group):
            group.insert(0, segments.pop())
        segments.append(_merge(group, tombstones, dimension, name) if len(group) > 1 else added)
    for place, segment in enumerate(segments):
        dead = int(np.isin(segment.ids, tombstones).sum())
        if dead * 4 > segment.count:
            segments[place] = _merge([segment], tombstones, dimension, f"{place}-{name}")
    segments = [segment for segment in segments if segment.count]
    held = np.concatenate([segment.ids for segment in segments]) if segments else np.empty(0, dtype=np.int64)
    return SegmentedVectorIndex(segments, tombstones[np.isin(tombstones, held)])


def _merge(parts: Iterable[DenseSegment], tombstones: ChunkIds, dimension: int, name: str) -> DenseSegment:
    parts = list(parts)
    ids = np.concatenate([part.ids for part in parts])
    vectors = np.concatenate([part.vectors().reshape(-1, dimension) for part in parts])
    live = ~np.isin(ids, tombstones)
    return DenseSegment.build(f"dense-{name}.faiss", ids[live], vectors[live])
