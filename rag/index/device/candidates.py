"""Which rows may be among the nearest, told from scores that are off by a known bound.

A device compares in half precision or less. Of two rows whose scores lie further apart than the bound allows
for, the order is certain; every row for which it is not stays in the race, and who asked compares those
exactly. So nothing is missed, and a score does not depend on where it was found.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rag.domain import Matrix, Vector
from rag.index.segments import Places

HALF_ERROR = 1.1e-3
"""How far an inner product can be off, as a share of the two lengths, where question and result are rounded
to half precision and the sum is kept in single precision: 2 × 2⁻¹¹, and room for the sum's own rounding."""

_SPARE = 64
"""Rows beyond those wanted, so that the bound is mostly passed at the first attempt."""


class Fetched(NamedTuple):
    """For each question some rows with the highest scores.

    Attributes:
        scores: shape ``(questions, rows)``, in any order; -inf: a row that may not be found.
        places: of the same shape.
        rest: no row that was not fetched scores more, shape ``(questions,)``; -inf: there is none.
    """

    scores: NDArray[Any]
    places: Places
    rest: Vector


Fetch = Callable[[Matrix, int], Fetched]
"""``(questions, wanted)`` to at least the ``wanted`` best rows, or all."""


def candidates(
    fetch: Fetch, questions: Matrix, k: int, *, error: float, most: int, first: int | None = None
) -> list[Places | None]:
    """For each question every row that may be among its ``k`` nearest or tie with the last, unordered.

    Args:
        questions: shape ``(questions, dimension)``.
        error: how far a score can be off, for a question of length 1.
        most: rows beyond which ``fetch`` does not go.
        first: rows worth fetching at the first attempt, when ``k`` of them will not do.

    Returns:
        ``None`` for a question whose rows could not be told from ``most`` of them.
    """
    found: list[Places | None] = [None] * len(questions)
    if not most:
        return [np.empty(0, dtype=np.int64)] * len(questions)
    errors = error * np.linalg.norm(questions, axis=1)
    left = np.arange(len(questions))
    wanted = k if first is None else first
    while left.size:
        wanted = min(wanted + max(_SPARE, wanted // 4), most)
        scores, places, rest = fetch(questions[left], wanted)
        bound = _least_of_best(scores, k) - 2 * errors[left]
        is_complete = (rest < bound) | (rest == -np.inf)
        is_candidate = (scores >= bound[:, None]) & (scores > -np.inf)
        for line in np.flatnonzero(is_complete):
            found[left[line]] = places[line][is_candidate[line]]
        if wanted == most:
            break
        left = left[~is_complete]
        wanted *= 4
    return found


def _least_of_best(scores: NDArray[Any], k: int) -> Vector:
    """The ``k``-th highest score of each line; -inf where there are fewer."""
    if k > scores.shape[1]:
        return np.full(len(scores), -np.inf, dtype=np.float32)
    return np.asarray(np.partition(scores, -k, axis=1)[:, -k])
