"""Arrays, as every package means them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]
"""One embedding, shape ``(dimension,)``, unit length."""

Matrix = NDArray[np.float32]
"""Embeddings, shape ``(n, dimension)``, rows of unit length."""

ChunkIds = NDArray[np.int64]
"""Chunk ids, shape ``(n,)``."""
