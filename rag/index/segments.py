"""Immutable sets of vectors: small ones as they are, large ones in half precision with a sketch.

Whatever finds the candidates, every score is the exact inner product with the stored vector, computed in one
way, so that a hit's score does not depend on how it was found.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import faiss
import numpy as np
from numpy.typing import NDArray

from rag.domain import ChunkIds, Matrix, Vector
from rag.errors import IndexDamaged
from rag.index.sketch import Sketch

logger = logging.getLogger(__name__)

SKETCHED_FROM = 30_000
"""Vectors in a segment from which on a sketch is scanned first."""

LEAST_RECALL = 0.98
"""Recall@10 of a sketch, measured when it is built, below which it is not used."""

FLAT = "flat"
SKETCHED = "sketched"
INDEX_TYPES = {
    FLAT: "every vector is compared, exact",
    SKETCHED: f"segments of {SKETCHED_FROM:,} vectors and more are searched by a sketch of 4 bits for two "
    "numbers, and the best candidates compared exactly; a filtered search compares every allowed vector",
}
"""How vectors are searched, as the manifest names it and `footnote doctor` explains it."""

Places = NDArray[np.int64]
"""Rows of a segment."""

Mask = NDArray[np.bool_]
"""Which rows of a segment may be found, shape ``(count,)``."""

_NOISE = 4e-6  # of an inner product of unit vectors, between two ways to add it up
_SPARE = 8  # further hits, so that those that tie with the last within the noise are mostly there
_RESCORED = 5  # candidates of a sketch for each hit wanted
_LEAST_RESCORED = 500
_GATHERED = 40  # one row picked out costs as much as this many scanned
_LOOKED_UP = 6  # looking an id up costs as much as passing this many rows
_SAMPLE = 64
_threads = threading.local()


def _one_thread() -> None:
    """Keep faiss from starting threads of its own; its setting holds for the calling thread alone."""
    if not hasattr(_threads, "is_set"):
        faiss.omp_set_num_threads(1)
        _threads.is_set = True


class DeviceUnavailable(Exception):
    """A copy cannot be searched; the segment itself is, and nobody else hears of it."""


class SegmentCopy(Protocol):
    """The same vectors elsewhere, such as in a GPU's memory."""

    def nearest(self, vector: Vector, k: int, *, mask: Mask | None) -> Places | None:
        """All rows that may be among the ``k`` nearest or tie with the last, unordered.

        ``None``: it cannot tell; the segment is to search for itself this once.

        Raises:
            DeviceUnavailable: it cannot be searched any more.
        """
        ...


class DenseSegment:
    """An immutable set of vectors with their chunk ids, ascending.

    Attributes:
        recall: recall@10 of the sketch against exact search, when it was built; ``None`` without a sketch.
        copy: searched instead of the segment itself, until it fails.
    """

    def __init__(
        self, index: Any, name: str, *, sketch: Sketch | None = None, recall: float | None = None
    ) -> None:
        self.name = name
        self.ids: ChunkIds = faiss.vector_to_array(index.id_map).astype(np.int64)
        self.recall = recall
        self._index = index
        self._store = faiss.downcast_index(index.index)
        self._rows = _rows_of(self._store)
        self._sketch = sketch
        self.copy: SegmentCopy | None = None

    @classmethod
    def build(
        cls, name: str, ids: ChunkIds, vectors: Matrix, *, sketched_from: int | None = None
    ) -> DenseSegment:
        """A segment of ``vectors`` (unit rows) keyed by ``ids`` (ascending).

        Args:
            sketched_from: instead of :data:`SKETCHED_FROM`.
        """
        _one_thread()
        vectors = np.ascontiguousarray(vectors, dtype=np.float32)
        dimension = vectors.shape[1]
        is_large = len(ids) >= (SKETCHED_FROM if sketched_from is None else sketched_from)
        index = faiss.IndexIDMap(_empty_store(dimension, in_halves=is_large))
        index.add_with_ids(vectors, ids)
        if not is_large:
            return cls(index, name)
        segment = cls(index, name, sketch=Sketch.build(ids, vectors))
        return segment._unless_it_misses()

    @classmethod
    def read(cls, path: Path, *, dimension: int, count: int, recall: float | None = None) -> DenseSegment:
        """Load a segment whose files have been verified; with ``recall``, it has a sketch beside it.

        Raises:
            IndexDamaged: they are not what they should be.
        """
        try:
            sketch = None if recall is None else Sketch.read(str(path.with_name(sketch_name(path.name))))
            segment = cls(faiss.read_index(str(path)), path.name, sketch=sketch, recall=recall)
        except RuntimeError as exc:
            raise IndexDamaged(f"FAISS cannot read {path.name}: {exc}.") from exc
        shapes = {(segment.count, segment.dimension), (count, dimension) if sketch is None else sketch.shape}
        if shapes != {(count, dimension)}:
            raise IndexDamaged(
                f"{path.name} holds {segment.count} vectors of {segment.dimension} numbers, "
                f"expected {count} of {dimension}, and as many in its sketch."
            )
        return segment

    @property
    def file_names(self) -> tuple[str, ...]:
        """Names of its files."""
        return (self.name,) if self._sketch is None else (self.name, sketch_name(self.name))

    def files(self) -> Iterator[tuple[str, memoryview]]:
        """Names and bytes of its files; FAISS's own writer neither fsyncs nor reports a full disk."""
        yield self.name, memoryview(np.asarray(faiss.serialize_index(self._index)).data).cast("B")
        if self._sketch is not None:
            yield sketch_name(self.name), self._sketch.to_bytes()

    def stored(self) -> NDArray[Any]:
        """All vectors as they are stored, without a copy; shape ``(count, dimension)``."""
        return self._rows

    def vectors(self) -> Matrix:
        """All vectors, in id order; shape ``(count, dimension)``."""
        return self._rows.astype(np.float32)

    @property
    def count(self) -> int:
        """Vectors in the segment, removed ones included."""
        return int(self._store.ntotal)

    @property
    def dimension(self) -> int:
        """Numbers per vector."""
        return int(self._store.d)

    @property
    def index_type(self) -> str:
        """A key of :data:`INDEX_TYPES`."""
        return FLAT if self._sketch is None else SKETCHED

    def places(self, chunk_ids: ChunkIds) -> Places:
        """Rows of those of ``chunk_ids`` that are here."""
        places = np.searchsorted(self.ids, chunk_ids)
        places[places == self.count] = 0
        return np.asarray(places[self.ids[places] == chunk_ids] if self.count else places[:0])

    def mask(self, chunk_ids: ChunkIds) -> Mask:
        """Which rows are among ``chunk_ids``."""
        if len(chunk_ids) * _LOOKED_UP > self.count:
            return np.isin(self.ids, chunk_ids)
        mask = np.zeros(self.count, dtype=np.bool_)
        mask[self.places(chunk_ids)] = True
        return mask

    def scores(self, vector: Vector, places: Places) -> Vector:
        """Exact inner products with the rows at ``places``; one row's does not depend on the others."""
        rows = self._rows[places].astype(np.float32, copy=False)
        return np.asarray(np.einsum("ij,j->i", rows, vector))

    def nearest(self, vector: Vector, k: int, *, mask: Mask | None, exact: bool) -> tuple[Places, Vector]:
        """Rows and scores of the ``k`` best, unordered, with all that tie with the last, and maybe others.

        Args:
            mask: what may be found; ``None``: every row.
            exact: do without the sketch; otherwise a few of the best may be missed.
        """
        _one_thread()
        vector = np.ascontiguousarray(vector, dtype=np.float32)
        copied = None if self.copy is None else self._copied(self.copy, vector, k, mask)
        if copied is not None:
            places = copied
        elif not self.count:
            places = np.empty(0, dtype=np.int64)
        elif exact or self._sketch is None or k * _RESCORED >= self.count:
            places = self._scanned(vector, k, mask)
        else:
            places = self._sketched(self._sketch, vector, k, mask)
        return places, self.scores(vector, places)

    def _copied(self, copy: SegmentCopy, vector: Vector, k: int, mask: Mask | None) -> Places | None:
        """What the copy finds; ``None`` when it cannot tell, and for good when it fails."""
        try:
            return copy.nearest(vector, k, mask=mask)
        except DeviceUnavailable as exc:
            logger.warning("%s The CPU searches these %s vectors from now on.", exc, f"{self.count:,}")
            self.copy = None
            return None

    def _scanned(self, vector: Vector, k: int, mask: Mask | None) -> Places:
        parameters = None
        if mask is not None:
            allowed = np.flatnonzero(mask)
            if len(allowed) * _GATHERED < self.count:
                return allowed
            # The wrappers, which their stubs do not know, keep bits and selector alive.
            selector = faiss.IDSelectorBitmap(np.packbits(mask, bitorder="little"))  # type: ignore
            parameters = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
        wanted = k
        while True:
            wanted = min(wanted + _SPARE, self.count)
            scores, places = self._store.search(vector[None, :], wanted, params=parameters)
            found = places[0] >= 0
            scores, places = scores[0][found], places[0][found]
            if len(places) <= k or wanted == self.count or scores[-1] < scores[k - 1] - _NOISE:
                return np.asarray(places)
            wanted *= 4

    def _sketched(self, sketch: Sketch, vector: Vector, k: int, mask: Mask | None) -> Places:
        wanted = max(_LEAST_RESCORED, k * _RESCORED)
        while True:
            places = np.searchsorted(self.ids, sketch.candidates(vector[None, :], wanted))
            living = places if mask is None else places[mask[places]]
            # Where the nearest were removed the others are sought further away.
            if 2 * len(living) >= min(wanted, len(places)) or wanted >= self.count:
                return living
            wanted *= 4

    def _unless_it_misses(self) -> DenseSegment:
        """The segment with the recall of its sketch, or without the sketch if that is too low."""
        sample = np.linspace(0, self.count - 1, min(_SAMPLE, self.count), dtype=np.int64)
        recall = float(np.mean([self._recall_near(place) for place in sample]))
        if recall >= LEAST_RECALL:
            return DenseSegment(self._index, self.name, sketch=self._sketch, recall=recall)
        logger.warning(
            "A sketch of %s vectors finds %.3f of the ten nearest, less than %.2f: they are searched "
            "one by one, which takes longer.",
            f"{self.count:,}",
            recall,
            LEAST_RECALL,
        )
        return DenseSegment(self._index, self.name)

    def _recall_near(self, place: int) -> float:
        """How many of the ten vectors nearest to that at ``place`` the sketch finds, as a share."""
        vector = self._rows[place].astype(np.float32)
        best, found = (
            np.sort(self.nearest(vector, 11, mask=None, exact=exact)[1])[::-1][1:11]
            for exact in (True, False)
        )
        return float(np.mean(found >= best[-1] - _NOISE)) if len(best) else 1.0


def sketch_name(name: str) -> str:
    """Name of the sketch's file beside the segment's file ``name``."""
    return f"{name.removesuffix('.faiss')}.sketch.faiss"


def _empty_store(dimension: int, *, in_halves: bool) -> faiss.Index:
    if not in_halves:
        return faiss.IndexFlatIP(dimension)
    return faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)


def _rows_of(store: Any) -> NDArray[Any]:
    """The stored vectors without a copy; they live as long as ``store``."""
    kind = np.float32 if isinstance(store, faiss.IndexFlat) else np.float16
    if not store.ntotal:
        return np.zeros((0, store.d), dtype=kind)
    return np.asarray(
        faiss.rev_swig_ptr(store.codes.data(), store.codes.size()).view(kind).reshape(-1, store.d)
    )
