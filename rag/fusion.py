"""Fusing dense and keyword scores into one ranking.

Convex combination with theoretical minima: each score is divided by the best of its list (cosine below 0
counts as 0; BM25 starts at 0), then mixed. Unlike min-max over the candidates it does not depend on how many
were fetched, and it is the least sensitive to the weight (Bruch, Gai, Ingber: "An Analysis of Fusion
Functions for Hybrid Retrieval", ACM TOIS 2023; our own table in docs/quality.md).
"""

from __future__ import annotations

from collections.abc import Mapping

DENSE_WEIGHT = {"fr": 0.4}
"""Share of the dense score by question language for the default encoder, set on the dev sets."""

DEFAULT_DENSE_WEIGHT = 0.5


def dense_weight(language: str) -> float:
    """Share of the dense score, 0 to 1, for a question in ``language``."""
    return DENSE_WEIGHT.get(language, DEFAULT_DENSE_WEIGHT)


def fuse(dense: Mapping[int, float], keyword: Mapping[int, float], *, weight: float) -> dict[int, float]:
    """Fused score, 0 to 1, of every chunk in either list.

    Args:
        dense: cosine by chunk id; a chunk that is absent counts as 0.
        keyword: BM25 by chunk id; likewise.
        weight: share of the dense score.
    """
    best_dense = max(dense.values(), default=0.0)
    best_keyword = max(keyword.values(), default=0.0)
    return {
        chunk_id: weight * _share(dense.get(chunk_id, 0.0), best_dense)
        + (1 - weight) * _share(keyword.get(chunk_id, 0.0), best_keyword)
        for chunk_id in dense.keys() | keyword.keys()
    }


def _share(score: float, best: float) -> float:
    return max(score, 0.0) / best if best > 0 else 0.0
