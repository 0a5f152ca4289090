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
from rag.index.device.forms import BYTES, HALVES, Form, RowsThere
from rag.index.segments import DenseSegment, DeviceUnavailable, Mask, Places
from rag.microbatching import MicroBatcher

logger = logging.getLogger(__name__)

_MOST_AT_ONCE = 4096
_SHARE_OF_FREE = 0.6
"""Of the memory that is free at the start: the embedding model and the scores of a search need the rest."""


class _Search(NamedTuple):
    rows: RowsThere
    vector: Vector
    k: int
    mask: Mask | None


class DeviceCopy:
    """A segment's vectors on the device, searched through the accelerator's thread."""

    def __init__(self, rows: RowsThere, searches: MicroBatcher[_Search, Places | None]) -> None:
        self._rows = rows
        self._searches = searches

    def nearest(self, vector: Vector, k: int, *, mask: Mask | None) -> Places | None:
        """Rows that may be among the ``k`` nearest, see :meth:`RowsThere.nearest`.

        Raises:
            DeviceUnavailable: the device has no memory left, or failed.
        """
        try:
            return self._searches.result(_Search(self._rows, vector, k, mask))
        except RuntimeError as exc:  # what PyTorch and FAISS raise, out of memory included
            raise DeviceUnavailable(f"The GPU did not search: {exc}.") from exc


class Accelerator:
    """Keeps segments on a device while they are open, and searches them there.

    Safe to share between threads: one thread of its own uses the device, for all that wait together.

    Args:
        device: as PyTorch names it.
        memory: bytes that copies may take together; ``None``: most of what is free on the GPU.
        forms: how vectors may lie there, the dearest first.
        worth_it_from: instead of :data:`rag.index.device.WORTH_IT_FROM`.
    """

    def __init__(
        self,
        device: str,
        *,
        memory: int | None = None,
        forms: Sequence[Form] = (HALVES, BYTES),
        worth_it_from: int = WORTH_IT_FROM,
    ) -> None:
        self.device = device
        free = int(_SHARE_OF_FREE * torch.cuda.mem_get_info(device)[0]) if memory is None else memory
        self.memory = free - sum(form.scratch for form in forms)
        self._forms = tuple(forms)
        self._worth_it_from = worth_it_from
        self._held: weakref.WeakValueDictionary[str, RowsThere] = weakref.WeakValueDictionary()
        self._guard = threading.Lock()
        self._searches = MicroBatcher("footnote-device", _search, most=_MOST_AT_ONCE)
        # Else a GPU may add up parts of a product in half precision, which the known bound has no room for.
        torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = False

    @property
    def used(self) -> int:
        """Bytes that copies take."""
        return sum(rows.bytes for rows in list(self._held.values()))

    def hold(self, segments: Sequence[DenseSegment]) -> None:
        """Give each of ``segments`` that is worth it a copy on the device, the largest first.

        Each takes the dearest form that leaves room for the others in the cheapest. A copy that is held for
        another generation is shared. One that the budget or the device has no room for is left out with a
        warning: that segment is searched on the CPU.
        """
        worth_it = [each for each in segments if each.count >= self._worth_it_from]
        worth_it.sort(key=lambda each: each.count, reverse=True)
        for place, segment in enumerate(worth_it):
            rows = self._rows_of(segment, before=worth_it[place + 1 :])
            if rows is not None:
                segment.copy = DeviceCopy(rows, self._searches)

    def close(self) -> None:
        """End the thread."""
        self._searches.close()

    def _rows_of(self, segment: DenseSegment, *, before: Sequence[DenseSegment]) -> RowsThere | None:
        """Its copy, held already or made now; ``before``: what is to find room after it."""
        with self._guard:
            held = self._held.get(segment.name)
            if held is not None:
                return held
            later = sum(_size(self._forms[-1], each) for each in before if each.name not in self._held)
            free = self.memory - self.used
            fitting = [form for form in self._forms if _size(form, segment) + later <= free]
            if not fitting and _size(self._forms[-1], segment) <= free:
                fitting = [self._forms[-1]]
            if not fitting:
                logger.warning(
                    "%s vectors (%.1f GB as %s) exceed the GPU's budget of %.1f GB; the CPU searches them.",
                    f"{segment.count:,}",
                    _size(self._forms[-1], segment) / 1e9,
                    self._forms[-1].name,
                    self.memory / 1e9,
                )
            for form in fitting:
                rows = self._made(segment, form)
                if rows is not None:
                    self._held[segment.name] = rows
                    return rows
            return None

    def _made(self, segment: DenseSegment, form: Form) -> RowsThere | None:
        try:
            return form.rows(segment.stored(), self.device)
        except RuntimeError as exc:
            logger.warning(
                "The GPU could not take %s vectors as %s: %s", f"{segment.count:,}", form.name, exc
            )
            return None


def _size(form: Form, segment: DenseSegment) -> int:
    return form.size(segment.count, segment.dimension)


def _search(jobs: Sequence[_Search]) -> list[Places | None]:
    """Those of the same rows and mask together."""
    found: list[Places | None] = [None] * len(jobs)
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
