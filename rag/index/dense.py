"""Vector search over immutable segments with tombstones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rag.domain import ChunkIds, Hit, Vector
from rag.index.recent import Recent
from rag.index.segments import FLAT, SKETCHED, DenseSegment, Mask

_FILTERS_KEPT = 4


class SegmentedVectorIndex:
    """Several segments searched as one index, minus the removed ids."""

    def __init__(self, segments: Sequence[DenseSegment], removed: ChunkIds) -> None:
        self.segments = tuple(segments)
        self.removed = removed
        self._live = [_live(segment, removed) for segment in self.segments]
        self._filtered: Recent[list[Mask]] = Recent(_FILTERS_KEPT)

    @property
    def count(self) -> int:
        """Live vectors."""
        return sum(segment.count for segment in self.segments) - int(self.removed.size)

    @property
    def index_type(self) -> str:
        """How its largest segments are searched, a key of :data:`rag.index.segments.INDEX_TYPES`."""
        is_sketched = any(segment.index_type == SKETCHED for segment in self.segments)
        return SKETCHED if is_sketched else FLAT

    def search(self, vector: Vector, k: int, *, allowed: ChunkIds | None) -> list[Hit]:
        """The ``k`` largest inner products among live (and allowed) chunks, best first.

        Exact among ``allowed``; otherwise a sketched segment may miss a few.
        """
        if k <= 0 or (allowed is not None and not allowed.size):
            return []
        ids: list[ChunkIds] = [np.empty(0, dtype=np.int64)]
        scores: list[Vector] = [np.empty(0, dtype=np.float32)]
        for segment, mask in zip(self.segments, self._masks(allowed), strict=True):
            places, found = segment.nearest(vector, k, mask=mask, exact=allowed is not None)
            ids.append(segment.ids[places])
            scores.append(found)
        return _best(np.concatenate(ids), np.concatenate(scores), k)

    def _masks(self, allowed: ChunkIds | None) -> Sequence[Mask | None]:
        """What may be found of each segment: the same arrays while the same ``allowed`` comes again."""
        if allowed is None:
            return self._live
        return self._filtered.of(
            allowed,
            lambda: [
                _both(segment.mask(allowed), live)
                for segment, live in zip(self.segments, self._live, strict=True)
            ],
        )

    def similarities(self, vector: Vector, chunk_ids: Sequence[int]) -> dict[int, float]:
        """Exact inner products with the given chunks; unknown or removed ids are absent."""
        wanted = np.unique(np.asarray(chunk_ids, dtype=np.int64))
        found: dict[int, float] = {}
        for segment, live in zip(self.segments, self._live, strict=True):
            places = segment.places(wanted)
            places = places if live is None else places[live[places]]
            scores = segment.scores(np.asarray(vector, dtype=np.float32), places)
            found.update(zip(segment.ids[places].tolist(), scores.tolist(), strict=True))
        return found


def _live(segment: DenseSegment, removed: ChunkIds) -> Mask | None:
    """Which rows are not removed; ``None``: all."""
    places = segment.places(removed)
    if not places.size:
        return None
    mask = np.ones(segment.count, dtype=np.bool_)
    mask[places] = False
    return mask


def _both(mask: Mask, live: Mask | None) -> Mask:
    return mask if live is None else mask & live


def _best(ids: ChunkIds, scores: Vector, k: int) -> list[Hit]:
    """The ``k`` best, of equal ones those with the lower ids."""
    order = np.lexsort((ids, -scores))[:k]
    return [
        Hit(chunk_id=chunk_id, score=score)
        for chunk_id, score in zip(ids[order].tolist(), scores[order].tolist(), strict=True)
    ]


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
        dead = len(segment.places(tombstones))
        if dead * 4 > segment.count:
            segments[place] = _merge([segment], tombstones, dimension, f"{place}-{name}")
    segments = [segment for segment in segments if segment.count]
    held = np.concatenate([segment.ids for segment in segments]) if segments else np.empty(0, dtype=np.int64)
    return SegmentedVectorIndex(segments, tombstones[np.isin(tombstones, held)])


def _merge(parts: Sequence[DenseSegment], tombstones: ChunkIds, dimension: int, name: str) -> DenseSegment:
    ids = np.concatenate([part.ids for part in parts])
    vectors = np.concatenate([part.vectors().reshape(-1, dimension) for part in parts])
    live = ~np.isin(ids, tombstones)
    return DenseSegment.build(f"dense-{name}.faiss", ids[live], vectors[live])
