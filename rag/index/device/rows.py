"""Vectors in a device's memory, all of them compared with many questions at once, in plain PyTorch.

The device works in half precision, so its scores are off by a known bound. It returns every row that the
bound leaves in the race; who asked compares those exactly. So nothing is missed, and a score does not depend
on where it was found.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rag.domain import Matrix
from rag.index.segments import Mask, Places

ERRORS = {torch.float16: 1.1e-3, torch.float32: 4e-6}
"""How far an inner product of unit vectors can be off: the question and the result are rounded once each."""

_SPARE = 64
"""Rows beyond those wanted, so that the bound is mostly passed at the first attempt."""

_GROUP = 64
"""Rows whose highest score stands for them while the best groups are picked."""

_SCORES_AT_ONCE = 2**28
"""Scores in memory at once: rows beyond are compared after."""


class DeviceRows:
    """The vectors of a segment on ``device``.

    Args:
        rows: unit vectors, shape ``(count, dimension)``.
        dtype: a key of :data:`ERRORS`.

    Raises:
        torch.OutOfMemoryError: the device has no room for them.
    """

    def __init__(self, rows: NDArray[Any], *, device: str, dtype: torch.dtype = torch.float16) -> None:
        self._rows = torch.from_numpy(np.ascontiguousarray(rows)).to(device=device, dtype=dtype)
        self._error = ERRORS[dtype]
        self._masked: tuple[Mask, Tensor] | None = None

    @property
    def bytes(self) -> int:
        """Memory that the vectors take."""
        return self._rows.numel() * self._rows.element_size()

    def nearest(self, questions: Matrix, k: int, *, mask: Mask | None) -> list[Places]:
        """For each question the rows that may be among its ``k`` nearest or tie with the last, unordered.

        Args:
            questions: unit vectors, shape ``(questions, dimension)``.
            mask: which rows may be found; ``None``: all.

        Raises:
            torch.OutOfMemoryError: the device has no room for the scores.
        """
        count = len(self._rows)
        asked = torch.from_numpy(np.ascontiguousarray(questions)).to(self._rows)
        allowed = None if mask is None else self._on_device(mask)
        found: list[Places] = [np.empty(0, dtype=np.int64)] * len(questions)
        left = list(range(len(questions)))
        wanted = min(k, count)
        with torch.inference_mode():
            while left and wanted:
                wanted = min(wanted + max(_SPARE, wanted // 4), count)
                scores, places = self._best(asked[left], wanted, allowed)
                bound = scores[:, min(k, count) - 1] - 2 * self._error
                last = scores[:, -1]
                is_complete = ((last < bound) | (last == -torch.inf) | (wanted == count)).tolist()
                is_candidate = ((scores >= bound[:, None]) & (scores > -torch.inf)).cpu().numpy()
                for line, row in enumerate(places.cpu().numpy()):
                    if is_complete[line]:
                        found[left[line]] = row[is_candidate[line]]
                left = [question for question, done in zip(left, is_complete, strict=True) if not done]
                wanted *= 4
        return found

    def _best(self, asked: Tensor, wanted: int, allowed: Tensor | None) -> tuple[Tensor, Tensor]:
        """Scores, highest first, and places of the ``wanted`` best of each question."""
        most = max(_GROUP, _SCORES_AT_ONCE // len(asked) // _GROUP * _GROUP)
        scores: list[Tensor] = []
        places: list[Tensor] = []
        for first in range(0, len(self._rows), most):
            some = asked @ self._rows[first : first + most].T
            if allowed is not None:
                some.masked_fill_(~allowed[first : first + most], -torch.inf)
            best, where = _highest(some, min(wanted, some.shape[1]))
            scores.append(best.float())
            places.append(where + first)
        if len(scores) == 1:
            return scores[0], places[0]
        best, where = torch.cat(scores, dim=1).topk(wanted, dim=1)
        return best, torch.cat(places, dim=1).gather(1, where)

    def _on_device(self, mask: Mask) -> Tensor:
        """``mask`` on the device; the last one is kept, since most searches of a generation have the same."""
        if self._masked is None or self._masked[0] is not mask:
            self._masked = (mask, torch.from_numpy(mask).to(self._rows.device))
        return self._masked[1]


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
