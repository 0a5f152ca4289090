"""Vectors as the catalog stores them: IEEE half precision, little-endian, two bytes per number."""

from __future__ import annotations

import hashlib

import numpy as np

from rag.domain import NewChunk, Vector
from rag.errors import EmbeddingMismatch, InvalidRequest

_STORED = np.dtype("<f2")
BYTES_PER_NUMBER = _STORED.itemsize


def encode(chunk: NewChunk, dimension: int) -> bytes:
    """The chunk's vector as bytes.

    Raises:
        EmbeddingMismatch: it does not have ``dimension`` numbers.
        InvalidRequest: a number is not finite.
    """
    vector = np.asarray(chunk.vector)
    if vector.shape != (dimension,):
        raise EmbeddingMismatch(
            f"Chunk {chunk.ordinal} has a vector of shape {vector.shape}, its collection ({dimension},): "
            "use the collection's embedding model, or a new collection."
        )
    if not np.isfinite(vector).all():
        raise InvalidRequest(f"The vector of chunk {chunk.ordinal} holds a number that is not finite.")
    return vector.astype(_STORED).tobytes()


def decode(data: bytes) -> Vector:
    """The vector as float32, brought back to unit length (a null vector stays null)."""
    vector = np.frombuffer(data, dtype=_STORED).astype(np.float32)
    length = float(np.linalg.norm(vector))
    return vector / np.float32(length) if length else vector


def embedding_key(fingerprint: str, text: str) -> bytes:
    """16 bytes that stand for the vector which the model ``fingerprint`` gives ``text``."""
    return hashlib.blake2b(f"{fingerprint}\n{text}".encode(), digest_size=16).digest()
