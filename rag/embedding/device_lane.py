"""The way to a device and back, beside its computing; the same code on CPU tensors, without a way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

_OUT_OF_MEMORY = ("out of memory", "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED")


class DeviceLane:
    """Copies to and from ``device`` on streams of their own, from and to pinned memory.

    Nothing here waits for the device but :meth:`Arriving.arrays` and :meth:`finish`. A tensor that one
    stream made and another one reads is kept until its batch has arrived: its memory is not used again
    before.
    """

    def __init__(self, device: str) -> None:
        self._device = torch.device(device)
        self._library: Any = torch.get_device_module(self._device)  # torch.cpu does nothing in its place
        self._pins = self._device.type != "cpu"
        self._up = self._library.Stream(self._device)
        self._down = self._library.Stream(self._device)

    def room(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """An empty tensor here that the device can copy from or to by itself.

        PyTorch keeps such memory, and hands it out again only after the copies from and to it are done.
        """
        return torch.empty(shape, dtype=dtype, pin_memory=self._pins)

    def upload(self, features: Mapping[str, Any]) -> dict[str, Any]:
        """The tensors of ``features`` on the device, which waits for them; other values as they are."""
        with self._library.stream(self._up):
            there = {
                name: value.to(self._device, non_blocking=True) if isinstance(value, Tensor) else value
                for name, value in features.items()
            }
        self._library.current_stream(self._device).wait_stream(self._up)
        return there

    def download(self, tensors: Sequence[Tensor], *, kept: object) -> Arriving:
        """Copy ``tensors`` here when they are computed; ``kept`` lives until then."""
        self._down.wait_stream(self._library.current_stream(self._device))
        with self._library.stream(self._down):
            here = [
                self.room(tuple(each.shape), each.dtype).copy_(each, non_blocking=True) for each in tensors
            ]
        arrived = self._library.Event()
        arrived.record(self._down)
        return Arriving(tensors=here, arrived=arrived, kept=(tensors, kept))

    def free_bytes(self) -> int | None:
        """Free memory of the device, what PyTorch holds in reserve included; ``None``: not limited."""
        if not self._pins:
            return None
        reserve = torch.cuda.memory_reserved(self._device) - torch.cuda.memory_allocated(self._device)
        return int(torch.cuda.mem_get_info(self._device)[0]) + reserve

    def finish(self) -> None:
        """Wait until the device has done everything."""
        self._library.synchronize(self._device)

    def give_back(self) -> None:
        """Let the device have the memory that PyTorch holds in reserve."""
        if self._pins:
            torch.cuda.empty_cache()


@dataclass(frozen=True, kw_only=True)
class Arriving:
    """Tensors on their way from the device."""

    tensors: Sequence[Tensor]
    arrived: Any
    kept: object

    def arrays(self) -> list[NDArray[Any]]:
        """The tensors, once they are here; copy what is to be kept, since this memory is wanted again."""
        self.arrived.synchronize()
        return [each.numpy() for each in self.tensors]


def is_out_of_memory(exc: RuntimeError) -> bool:
    """Whether the device, or a library on it, found no memory."""
    return isinstance(exc, torch.OutOfMemoryError) or any(sign in str(exc) for sign in _OUT_OF_MEMORY)
