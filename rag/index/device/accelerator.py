"""Copies of segments in a GPU's memory, within a budget, and the one thread that searches them."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from rag.domain import Vector
from rag.index.device import WORTH_IT_FROM
from rag.index.device.rows import DeviceRows
from rag.index.segments import DenseSegment, DeviceUnavailable, Mask, Places
from rag.microbatching import MicroBatcher

logger = logging.getLogger(__name__)

_MOST_AT_ONCE = 4096
_SHARE_OF_FREE = 0.6
"""Of the memory that is free at the start: the embedding model and the scores of a search need the rest."""


class _Search(NamedTuple):
    rows: DeviceRows
    vector: Vector
    k: int
    mask: Mask | None


class DeviceCopy:
    """A segment's vectors on the device, searched through the accelerator's thread."""

    def __init__(self, rows: DeviceRows, searches: MicroBatcher[_Search, Places]) -> None:
        self._rows = rows
        self._searches = searches

    def nearest(self, vector: Vector, k: int, *, mask: Mask | None) -> Places:
        """Rows that may be among the ``k`` nearest, see :meth:`DeviceRows.nearest`.

        Raises:
            DeviceUnavailable: the device has no memory left, or failed.
        """
        try:
            return self._searches.result(_Search(self._rows, vector, k, mask))
        except RuntimeError as exc:  # what PyTorch raises, out of memory included
            raise DeviceUnavailable(f"The GPU did not search: {exc}.") from exc


class Accelerator:
    """Keeps segments on a device while they are open, and searches them there.

    Safe to share between threads: one thread of its own uses the device, for all that wait together.

    Args:
        device: as PyTorch names it.
        memory: bytes that copies may take together; ``None``: most of what is free on the GPU.
        dtype: half precision unless tests want another.
        worth_it_from: instead of :data:`rag.index.device.WORTH_IT_FROM`.
    """

    def __init__(
        self,
        device: str,
        *,
        memory: int | None = None,
        dtype: torch.dtype = torch.float16,
        worth_it_from: int = WORTH_IT_FROM,
    ) -> None:
        self.device = device
        self.memory = int(_SHARE_OF_FREE * torch.cuda.mem_get_info(device)[0]) if memory is None else memory
        self._dtype = dtype
        self._worth_it_from = worth_it_from
        self._held: weakref.WeakValueDictionary[str, DeviceRows] = weakref.WeakValueDictionary()
        self._guard = threading.Lock()
        self._searches = MicroBatcher("footnote-device", _search, most=_MOST_AT_ONCE)

    @property
    def used(self) -> int:
        """Bytes that copies take."""
        return sum(rows.bytes for rows in list(self._held.values()))

    def hold(self, segments: Sequence[DenseSegment]) -> None:
        """Give each of ``segments`` that is worth it a copy on the device, the largest first.

        A copy that is held for another generation is shared. One that the budget or the device has no room
        for is left out with a warning: that segment is searched on the CPU.
        """
        for segment in sorted(segments, key=lambda each: each.count, reverse=True):
            if segment.count >= self._worth_it_from:
                rows = self._rows_of(segment)
                if rows is not None:
                    segment.copy = DeviceCopy(rows, self._searches)

    def close(self) -> None:
        """End the thread."""
        self._searches.close()

    def _rows_of(self, segment: DenseSegment) -> DeviceRows | None:
        with self._guard:
            held = self._held.get(segment.name)
            if held is not None:
                return held
            size = segment.count * segment.dimension * self._dtype.itemsize
            if self.used + size > self.memory:
                logger.warning(
                    "%s vectors (%.1f GB) exceed the GPU's budget of %.1f GB; the CPU searches them.",
                    f"{segment.count:,}",
                    size / 1e9,
                    self.memory / 1e9,
                )
                return None
            try:
                rows = DeviceRows(segment.stored(), device=self.device, dtype=self._dtype)
            except RuntimeError as exc:
                logger.warning("The GPU could not take %s vectors: %s", f"{segment.count:,}", exc)
                return None
            self._held[segment.name] = rows
            return rows


def _search(jobs: Sequence[_Search]) -> list[Places]:
    """Those of the same rows and mask together."""
    found: list[Places] = [np.empty(0, dtype=np.int64)] * len(jobs)
    together: dict[tuple[int, int, int], list[int]] = {}
    for place, job in enumerate(jobs):
        together.setdefault((id(job.rows), id(job.mask), job.k), []).append(place)
    for places in together.values():
        first = jobs[places[0]]
        questions = np.stack([jobs[place].vector for place in places])
        for place, nearest in zip(
            places, first.rows.nearest(questions, first.k, mask=first.mask), strict=True
        ):
            found[place] = nearest
    return found
