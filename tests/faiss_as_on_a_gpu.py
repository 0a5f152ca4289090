"""FAISS's flat index in half precision with all that its GPU index lacks, on the CPU.

Rows and questions are halves and sums are single precision, as there. It knows no filter, gives out at most
2,048 rows, and must not be called by two threads at once. That the real one is made as it should be, only a
GPU can tell.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from rag.domain import Matrix
from rag.index.device.faiss_rows import MOST_GIVEN_OUT, form_of
from rag.index.device.forms import Form


class IndexAsOnAGpu:
    """An index of ``dimension`` numbers by inner product; ``busy`` is shared by all of one device."""

    pause = 0.0
    """Seconds that a call takes longer, for others to come in between."""

    def __init__(self, dimension: int, busy: threading.Lock) -> None:
        kind = faiss.ScalarQuantizer.QT_fp16
        self._index = faiss.IndexScalarQuantizer(dimension, kind, faiss.METRIC_INNER_PRODUCT)
        self._busy = busy

    def add(self, rows: Matrix) -> None:
        self._alone(lambda: self._index.add(rows))

    def search(self, questions: Matrix, k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        assert 0 < k <= MOST_GIVEN_OUT, f"GPU index only supports min/max-K selection up to 2048 (got {k})"
        halves = questions.astype(np.float16).astype(np.float32)
        found: tuple[NDArray[np.float32], NDArray[np.int64]] = self._alone(
            lambda: self._index.search(halves, k)
        )
        return found

    def __del__(self) -> None:
        self._alone(lambda: None)  # frees memory of the device

    def _alone(self, call: Callable[[], Any]) -> Any:
        assert self._busy.acquire(blocking=False), "two threads call FAISS at once"
        try:
            time.sleep(self.pause)
            return call()
        finally:
            self._busy.release()


def form_as_on_a_gpu() -> Form:
    """What ``faiss_form`` makes on a GPU, made on the CPU."""
    busy = threading.Lock()
    return form_of(lambda dimension: IndexAsOnAGpu(dimension, busy), threading.RLock())
