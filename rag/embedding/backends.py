"""Which engine runs the embedding model: a GPU, OpenVINO where it is installed and faster, else PyTorch."""

from __future__ import annotations

import logging

from rag.embedding.device_embedding import DeviceEmbedder
from rag.embedding.device_lane import is_out_of_memory
from rag.embedding.openvino_embedding import PRECISIONS, OpenVinoEmbedder, is_installed
from rag.embedding.sentence_transformer import (
    DEFAULT_MODEL,
    SentenceTransformerEmbedder,
    choose_device,
    choose_precision,
)
from rag.errors import ModelUnavailable, SettingsError
from rag.interfaces import Embedder

logger = logging.getLogger(__name__)


def load_embedder(
    model: str = DEFAULT_MODEL,
    *,
    backend: str = "auto",
    device: str = "auto",
    precision: str = "auto",
    threads: int = 0,
) -> Embedder:
    """The embedding model, loaded; its vectors do not depend on the engine.

    Args:
        backend: ``torch``, ``openvino``, or ``auto``: OpenVINO on a CPU if installed and able to run it.
        device, precision, threads, model: as :mod:`rag.embedding.sentence_transformer` takes them.

    Raises:
        ModelUnavailable: the model is not there, or OpenVINO is wanted and missing or cannot run it.
        SettingsError: the device does not exist, or OpenVINO is wanted for what it does not do here.
    """
    device = choose_device(device)
    precision = choose_precision(precision, device)
    is_possible = device == "cpu" and precision in PRECISIONS
    if backend == "openvino" and not is_possible:
        raise SettingsError(
            "FOOTNOTE_EMBEDDING_BACKEND is openvino, which computes on the CPU in "
            f"{' or '.join(PRECISIONS)}, not on {device} in {precision}; use auto or torch."
        )
    by_openvino = backend == "openvino" or (backend == "auto" and is_possible and is_installed())
    try:
        if by_openvino:
            return OpenVinoEmbedder(model, precision=precision, threads=threads)
    except ModelUnavailable as exc:
        if backend == "openvino":
            raise
        by_torch = _torch(model, device, precision, threads)  # raises if it is the model that is missing
        logger.warning("%s PyTorch runs it meanwhile.", exc)
        return by_torch
    if device != "cpu":
        return _on_gpu(model, device, precision, threads)
    return _torch(model, device, precision, threads)


def _torch(model: str, device: str, precision: str, threads: int) -> SentenceTransformerEmbedder:
    return SentenceTransformerEmbedder(model, device=device, precision=precision, threads=threads)


def _on_gpu(model: str, device: str, precision: str, threads: int) -> Embedder:
    """On the GPU, or with a warning on the CPU when the GPU has no memory for the model."""
    try:
        return DeviceEmbedder(model, device=device, precision=precision, threads=threads)
    except (ModelUnavailable, RuntimeError) as exc:
        cause = exc.__cause__ if isinstance(exc, ModelUnavailable) else exc
        if not isinstance(cause, RuntimeError) or not is_out_of_memory(cause):
            raise
        logger.warning("%s has no memory for the embedding model: %s. The CPU runs it.", device, cause)
    return load_embedder(model, device="cpu", threads=threads)
