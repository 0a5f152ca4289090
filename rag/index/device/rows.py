"""Vectors in a device's memory, all of them compared with many questions at once, in plain PyTorch.

Kept as halves, or as bytes: whole numbers from -127 to 127 with one factor a row, in half the memory. How far
a row of bytes is off is known when it is coded, and kept with it: bytes leave more rows in the race than
halves do, and miss none.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rag.domain import Matrix
from rag.index.device.candidates import HALF_ERROR, Fetched, candidates
from rag.index.recent import Recent
from rag.index.segments import Mask, Places

ERRORS = {torch.float16: HALF_ERROR, torch.int8: HALF_ERROR + 6e-4, torch.float32: 4e-6}
"""How far an inner product with a row as it is kept can be off, as a share of the two lengths. What
a row of bytes is off is added in half precision, which rounds once more."""

MASKS_KEPT = 4
"""Masks on the device: that of the generation, and those of the filters that come again."""

_GROUP = 64
"""Rows whose highest score stands for them while the best groups are picked."""

_SCORES_AT_ONCE = 2**28
"""Scores in memory at once: rows beyond are compared after."""

_NUMBERS_AT_ONCE = 2**26
"""Numbers of rows in memory at once beside those that are kept, while rows are coded and decoded."""

_LEVELS = 127


class DeviceRows:
    """The vectors of a segment on ``device``.

    Args:
        rows: shape ``(count, dimension)``.
        dtype: a key of :data:`ERRORS`.

    Raises:
        torch.OutOfMemoryError: the device has no room for them.
    """

    def __init__(self, rows: NDArray[Any], *, device: str, dtype: torch.dtype = torch.float16) -> None:
        count, dimension = rows.shape
        extra = count if dtype == torch.int8 else 0
        self._rows = torch.empty((count, dimension), dtype=dtype, device=device)
        self._factors = torch.empty(extra, dtype=torch.float16, device=device)
        self._off = torch.empty(extra, dtype=torch.float16, device=device)
        self._error = 0.0
        self._compared_in = torch.float16 if dtype == torch.int8 else dtype
        self._most = max(1, _NUMBERS_AT_ONCE // max(1, dimension))
        step = -(-self._most // 4)  # in single precision, and a few times over
        for first in range(0, count, step):
            some = torch.from_numpy(np.ascontiguousarray(rows[first : first + step]))
            self._keep(some.to(device=device, dtype=torch.float32), first)
        self._masks: Recent[Tensor] = Recent(MASKS_KEPT)

    @staticmethod
    def size(count: int, dimension: int, dtype: torch.dtype = torch.float16) -> int:
        """Bytes that ``count`` vectors take, masks included."""
        beside = 2 * torch.float16.itemsize if dtype == torch.int8 else 0
        return count * (dimension * dtype.itemsize + beside + MASKS_KEPT)

    @property
    def bytes(self) -> int:
        """Memory that the vectors take, masks included."""
        count, dimension = self._rows.shape
        return self.size(count, dimension, self._rows.dtype)

    def nearest(self, questions: Matrix, k: int, *, mask: Mask | None) -> list[Places | None]:
        """For each question the rows that may be among its ``k`` nearest or tie with the last, unordered.

        Args:
            questions: shape ``(questions, dimension)``.
            mask: which rows may be found; ``None``: all.

        Raises:
            torch.OutOfMemoryError: the device has no room for the scores.
        """
        device = self._rows.device
        allowed = None if mask is None else self._masks.of(mask, lambda: torch.from_numpy(mask).to(device))

        def fetch(asked: Matrix, wanted: int) -> Fetched:
            there = torch.from_numpy(np.ascontiguousarray(asked)).to(device, self._compared_in)
            with torch.inference_mode():
                best, where = self._best(there, wanted, allowed)
                doubt = 2 * (self._off[where].float().cpu().numpy() if self._off.numel() else self._error)
            scores, places = best.cpu().numpy(), where.cpu().numpy()
            rest = scores[:, -1] if wanted < len(self._rows) else np.full(len(asked), -np.inf)
            return Fetched(scores, doubt, places, rest)

        return candidates(fetch, questions, k, most=len(self._rows))

    def _keep(self, exact: Tensor, first: int) -> None:
        """Write the rows from ``first`` on as they are kept, and how far a score with them can be off."""
        last = first + len(exact)
        if self._rows.dtype == torch.int8:
            factors = (exact.abs().amax(dim=1) / _LEVELS).half()
            self._factors[first:last] = factors
            steps = exact / factors.float().clamp(min=torch.finfo(torch.float32).tiny)[:, None]
            self._rows[first:last] = steps.round_().clamp_(-_LEVELS, _LEVELS)
        else:
            self._rows[first:last] = exact
        off = (exact - self._kept(first, last).float()).norm(dim=1)
        off += ERRORS[self._rows.dtype] * (exact.norm(dim=1) + off)
        if self._rows.dtype == torch.int8:
            self._off[first:last] = off * 1.001 + 1e-6  # rounded up
        else:
            self._error = max(self._error, float(off.max()))

    def _kept(self, first: int, last: int) -> Tensor:
        """Rows as they are compared."""
        rows = self._rows[first:last]
        return rows.half().mul_(self._factors[first:last, None]) if rows.dtype == torch.int8 else rows

    def _best(self, asked: Tensor, wanted: int, allowed: Tensor | None) -> tuple[Tensor, Tensor]:
        """Scores, highest first, and places of the ``wanted`` of each question that may score most."""
        most = max(_GROUP, _SCORES_AT_ONCE // len(asked) // _GROUP * _GROUP)
        if self._rows.dtype == torch.int8:
            most = min(most, self._most)
        scores: list[Tensor] = []
        places: list[Tensor] = []
        for first in range(0, len(self._rows), most):
            some = asked @ self._kept(first, first + most).T
            if self._off.numel():
                some += self._off[first : first + most]
            if allowed is not None:
                some.masked_fill_(~allowed[first : first + most], -torch.inf)
            best, where = _highest(some, min(wanted, some.shape[1]))
            scores.append(best.float())
            places.append(where + first)
        if len(scores) == 1:
            return scores[0], places[0]
        best, where = torch.cat(scores, dim=1).topk(wanted, dim=1)
        return best, torch.cat(places, dim=1).gather(1, where)


def _highest(scores: Tensor, wanted: int) -> tuple[Tensor, Tensor]:
    """The ``wanted`` highest of each line, by groups: the best rows lie in the groups with the best rows.

    To look at every score once and sort one in :data:`_GROUP` takes a fraction of sorting them all.
    """
    lines, count = scores.shape
    whole = count // _GROUP
    if whole <= 2 * wanted:
        return _topk(scores, wanted)
    grouped = scores[:, : whole * _GROUP].view(lines, whole, _GROUP)
    groups = grouped.amax(dim=2).topk(wanted, dim=1, sorted=False).indices
    inside = grouped.gather(1, groups[:, :, None].expand(-1, -1, _GROUP)).flatten(1)
    starts = groups[:, :, None] * _GROUP + torch.arange(_GROUP, device=scores.device)
    rest = torch.arange(whole * _GROUP, count, device=scores.device).expand(lines, -1)
    places = torch.cat([starts.flatten(1), rest], dim=1)
    best, where = _topk(torch.cat([inside, scores[:, whole * _GROUP :]], dim=1), wanted)
    return best, places.gather(1, where)


def _topk(scores: Tensor, wanted: int) -> tuple[Tensor, Tensor]:
    found = scores.topk(wanted, dim=1)
    return found.values, found.indices
