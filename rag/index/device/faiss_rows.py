"""Vectors in a GPU's memory, searched by FAISS: its exact flat index in half precision.

Its GPU indexes know no filter, which they ignore without a word, give out at most 2,048 rows, and allow one
call at a time. So more rows are fetched than wanted and those that may not be found are dropped here, until
it is proven that none is missing; where the 2,048 of every part do not prove it, the CPU searches.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import faiss
import numpy as np
from numpy.typing import NDArray

from rag.domain import Matrix
from rag.errors import SettingsError
from rag.index.device.candidates import HALF_ERROR, Fetched, candidates
from rag.index.device.forms import Form
from rag.index.segments import Mask, Places

T = TypeVar("T")

MOST_GIVEN_OUT = 2048
"""Rows of an index that a GPU finds at most for a question (GPU_MAX_SELECTION_K)."""

_PART = 2**20
"""Rows of an index: more take longer to add, fewer need more calls to search."""

_NORM = 4
"""Bytes that a row's length takes; FAISS keeps it for every metric."""

_AT_ONCE = 1024
"""Questions in a call, so that what comes back fits in memory."""

_SCRATCH = 2**29


class FaissRows:
    """The vectors of a segment in FAISS indexes.

    Args:
        rows: shape ``(count, dimension)``.
        new_index: a dimension to an empty index by inner product, of at least half precision.
        guard: held while FAISS is called; the same one for all that share a device.

    Raises:
        RuntimeError: the device has no room for them.
    """

    def __init__(
        self,
        rows: NDArray[Any],
        *,
        new_index: Callable[[int], Any],
        guard: threading.RLock,
        part: int = _PART,
    ) -> None:
        self._count, self._dimension = map(int, rows.shape)
        self._guard = guard
        self._part_size = part
        self._parts: list[Any] = []
        weakref.finalize(self, _release, self._parts, guard).atexit = False
        longest = off = 0.0
        for first in range(0, self._count, part):
            exact = rows[first : first + part].astype(np.float32)
            halves = exact if rows.dtype == np.float16 else exact.astype(np.float16).astype(np.float32)
            longest = max(longest, float(np.linalg.norm(exact, axis=1).max()))
            if halves is not exact:
                off = max(off, float(np.linalg.norm(exact - halves, axis=1).max()))
            self._parts.append(_alone(guard, lambda: new_index(self._dimension)))
            _alone(guard, partial(self._add, halves))
        self._error = HALF_ERROR * (longest + off) + off
        self._most = min(MOST_GIVEN_OUT, part, self._count)

    @staticmethod
    def size(count: int, dimension: int) -> int:
        """Bytes that ``count`` vectors take."""
        return count * (dimension * np.dtype(np.float16).itemsize + _NORM)

    @property
    def bytes(self) -> int:
        """Memory that the vectors take."""
        return self.size(self._count, self._dimension)

    def nearest(self, questions: Matrix, k: int, *, mask: Mask | None) -> list[Places | None]:
        """For each question the rows that may be among its ``k`` nearest or tie with the last, unordered.

        ``None`` where FAISS does not give out enough rows to tell: for a large ``k``, or when ``mask``
        allows so few that most of the rows it gives out are dropped.

        Raises:
            RuntimeError: the device failed, or has no room for the scores.
        """
        share = 1.0 if mask is None else np.count_nonzero(mask) / max(1, self._count)
        expected = min(self._count, int(k / share)) if share else self._count
        if expected > self._most * len(self._parts):
            return [None] * len(questions)

        def fetch(asked: Matrix, wanted: int) -> Fetched:
            return self._fetch(asked, wanted, mask)

        found: list[Places | None] = []
        for first in range(0, len(questions), _AT_ONCE):
            some = np.ascontiguousarray(questions[first : first + _AT_ONCE], dtype=np.float32)
            found += candidates(fetch, some, k, most=self._most, first=expected)
        return found

    def _fetch(self, asked: Matrix, wanted: int, mask: Mask | None) -> Fetched:
        """The ``wanted`` best of every part, those that may not be found with a score of -inf."""
        scores: list[NDArray[np.float32]] = []
        places: list[Places] = []
        rest = np.full(len(asked), -np.inf, dtype=np.float32)
        for number in range(len(self._parts)):
            best, where = _alone(self._guard, partial(self._part, number, asked, wanted))
            if best.shape[1] < self._held(number):
                rest = np.maximum(rest, best[:, -1])
            scores.append(best)
            places.append(where + number * self._part_size)
        all_places = np.concatenate(places, axis=1)
        all_scores = np.concatenate(scores, axis=1)
        if mask is not None:
            all_scores[~mask[all_places]] = -np.inf
        return Fetched(all_scores, 2 * self._error, all_places, rest)

    def _add(self, halves: Matrix) -> None:
        self._parts[-1].add(halves)

    def _part(self, number: int, asked: Matrix, wanted: int) -> tuple[NDArray[np.float32], Places]:
        found: tuple[NDArray[np.float32], Places] = self._parts[number].search(
            asked, min(wanted, self._held(number))
        )
        return found

    def _held(self, number: int) -> int:
        """Rows of a part."""
        return min(self._part_size, self._count - number * self._part_size)


def _alone(guard: threading.RLock, call: Callable[[], T]) -> T:
    """What ``call`` gives, while nobody else calls FAISS."""
    with guard:
        try:
            return call()
        except RuntimeError as exc:  # its frames hold an index, which is to go while nobody calls FAISS
            failure = str(exc)
    raise RuntimeError(failure)


def _release(parts: list[Any], guard: threading.RLock) -> None:
    """Give the memory back while nobody else calls FAISS, in whichever thread the last user went."""
    with guard:
        parts.clear()


def faiss_form(device: str) -> Form:
    """Vectors in FAISS's flat index on ``device``, ``cuda`` or ``cuda:N``.

    Raises:
        SettingsError: this FAISS sees no such GPU.
    """
    number = int(device.partition(":")[2] or 0)
    seen = faiss.get_num_gpus() if hasattr(faiss, "StandardGpuResources") else 0
    if number >= seen:
        raise SettingsError(
            f"FOOTNOTE_DEVICE_INDEX is faiss, and FAISS {faiss.__version__} sees {seen} GPUs, not number "
            f"{number}. Install faiss-gpu in place of faiss-cpu (extra gpu), or set it to torch."
        )
    resources = faiss.StandardGpuResources()
    resources.setTempMemory(_SCRATCH)
    guard = threading.RLock()

    def new_index(dimension: int) -> Any:
        config = faiss.GpuIndexFlatConfig()
        config.device = number
        config.useFloat16 = True
        return faiss.GpuIndexFlatIP(resources, dimension, config)

    return form_of(new_index, guard, scratch=_SCRATCH)


def form_of(new_index: Callable[[int], Any], guard: threading.RLock, *, scratch: int = 0) -> Form:
    """Vectors in the indexes that ``new_index`` makes, see :class:`FaissRows`."""
    return Form(
        name="half precision, by FAISS",
        size=FaissRows.size,
        rows=lambda vectors, _: FaissRows(vectors, new_index=new_index, guard=guard),
        scratch=scratch,
    )
