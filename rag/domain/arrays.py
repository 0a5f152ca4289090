"""Arrays, as every package means them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]
"""One embedding, shape ``(dimension,)``, unit length."""

Matrix = NDArray[np.float32]
"""Embeddings, shape ``(n, dimension)``, rows of unit length."""

ChunkIds = NDArray[np.int64]
"""Chunk ids, shape ``(n,)``."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PieceVectors:
    """A text's vector and those of its word pieces where they stand, from one run of a model.

    Attributes:
        text: of the whole text.
        pieces: a row for each word piece that the model read, in order; special tokens have none.
    """

    text: Vector
    pieces: Matrix
