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
    """For each question some of the rows that may score most.

    Attributes:
        scores: the most that a row can score, shape ``(questions, rows)``, in any order; all may be off by
            one and the same number. -inf: a row that may not be found.
        doubt: how much less than that it can be, of the same shape or one number for all.
        places: of the shape of ``scores``.
        rest: no row that was not fetched can score more, shape ``(questions,)``; -inf: there is none.
    """

    scores: NDArray[Any]
    doubt: NDArray[Any] | float
    places: Places
    rest: Vector


Fetch = Callable[[Matrix, int], Fetched]
"""``(questions of length 1, wanted)`` to at least the ``wanted`` rows that may score most, or all."""


def candidates(
    fetch: Fetch, questions: Matrix, k: int, *, most: int, first: int | None = None
) -> list[Places | None]:
    """For each question every row that may be among its ``k`` nearest or tie with the last, unordered.

    Args:
        questions: shape ``(questions, dimension)``.
        most: rows beyond which ``fetch`` does not go.
        first: rows worth fetching at the first attempt, when ``k`` of them will not do.

    Returns:
        ``None`` for a question whose rows could not be told from ``most`` of them.
    """
    found: list[Places | None] = [None] * len(questions)
    if not most:
        return [np.empty(0, dtype=np.int64)] * len(questions)
    lengths = np.linalg.norm(questions, axis=1, keepdims=True)
    asked = np.asarray(questions / np.where(lengths > 0, lengths, 1), dtype=np.float32)
    left = np.arange(len(questions))
    wanted = k if first is None else first
    while left.size:
        wanted = min(wanted + max(_SPARE, wanted // 4), most)
        scores, doubt, places, rest = fetch(asked[left], wanted)
        bound = _least_of_best(scores - doubt, k)
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
