"""In which forms vectors can lie in a GPU's memory, the dearest first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import torch
from numpy.typing import NDArray

from rag.domain import Matrix
from rag.index.device.rows import DeviceRows
from rag.index.segments import Mask, Places


class RowsThere(Protocol):
    """The vectors of a segment on a device, searched by one thread."""

    @property
    def bytes(self) -> int:
        """Memory of the device that they take."""
        ...

    def nearest(self, questions: Matrix, k: int, *, mask: Mask | None) -> list[Places | None]:
        """For each question every row that may be among its ``k`` nearest or tie with the last, unordered.

        ``None``: they cannot be told from what the device gives out.

        Raises:
            RuntimeError: the device failed, or has no memory left.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """One way to keep vectors on a device.

    Attributes:
        name: for people.
        size: ``(count, dimension)`` to the bytes that they take.
        rows: ``(vectors, device)`` to their copy there. Raises: RuntimeError, where the device has no room.
        scratch: bytes that searching takes beside them, once for all.
    """

    name: str
    size: Callable[[int, int], int]
    rows: Callable[[NDArray[Any], str], RowsThere]
    scratch: int = 0


def torch_form(dtype: torch.dtype, name: str) -> Form:
    """Vectors as a tensor of ``dtype``, a key of :data:`rag.index.device.rows.ERRORS`."""
    return Form(
        name=name,
        size=partial(DeviceRows.size, dtype=dtype),
        rows=lambda vectors, device: DeviceRows(vectors, device=device, dtype=dtype),
    )


HALVES = torch_form(torch.float16, "half precision")
BYTES = torch_form(torch.int8, "bytes")
