"""Which segments go onto the GPU; PyTorch is loaded when the first one does."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rag.index.device import WORTH_IT_FROM
from rag.index.segments import DenseSegment

if TYPE_CHECKING:
    from rag.index.device.accelerator import Accelerator

_MIB = 2**20


class GpuPlacement:
    """Copies large segments onto the GPU of the settings; does nothing where there is none.

    Args:
        device: the setting, ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        memory_mb: what copies may take together; 0: most of what is free.
        library: the setting, ``torch`` or ``faiss``: what searches vectors in half precision.
    """

    def __init__(self, device: str, memory_mb: int, library: str = "torch") -> None:
        self._device = device
        self._memory_mb = memory_mb
        self._library = library
        self._guard = threading.Lock()
        self._accelerator: Accelerator | None = None

    def place(self, segments: Sequence[DenseSegment]) -> None:
        """Give those of ``segments`` that are worth it a copy on the GPU.

        Raises:
            SettingsError: the settings name a GPU, and there is none, or FAISS sees none.
        """
        if self._device == "cpu" or all(each.count < WORTH_IT_FROM for each in segments):
            return
        with self._guard:
            accelerator = self._accelerator = self._accelerator or self._opened()
        if accelerator is not None:
            accelerator.hold(segments)

    def close(self) -> None:
        """End the thread that searches on the GPU."""
        with self._guard:
            if self._accelerator is not None:
                self._accelerator.close()
                self._accelerator = None

    def _opened(self) -> Accelerator | None:
        from rag.embedding.sentence_transformer import choose_device  # torch takes seconds to import
        from rag.index.device.accelerator import Accelerator
        from rag.index.device.forms import BYTES, HALVES

        device = choose_device(self._device)
        if device == "cpu":
            return None
        memory = self._memory_mb * _MIB or None
        if self._library != "faiss":
            return Accelerator(device, memory=memory, forms=(HALVES, BYTES))
        from rag.index.device.faiss_rows import faiss_form

        return Accelerator(device, memory=memory, forms=(faiss_form(device), BYTES))
