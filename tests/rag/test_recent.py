"""What was made of an array is found again by the array, and the one that comes again stays longest."""

from __future__ import annotations

import gc

import numpy as np

from rag.domain import ChunkIds
from rag.index.recent import Recent


def ids(*numbers: int) -> ChunkIds:
    return np.array(numbers, dtype=np.int64)


def made(kept: Recent[str], key: ChunkIds) -> bool:
    """Whether the value had to be made."""
    calls: list[str] = []

    def make() -> str:
        calls.append("made")
        return str(key)

    assert kept.of(key, make) == str(key)
    return bool(calls)


def test_a_value_is_made_once_for_an_array_and_again_for_one_that_is_equal() -> None:
    kept: Recent[str] = Recent(2)
    mine, equal = ids(1, 2), ids(1, 2)
    assert made(kept, mine)
    assert not made(kept, mine)
    assert made(kept, equal)


def test_what_came_once_goes_first_and_what_came_again_in_the_end() -> None:
    kept: Recent[str] = Recent(2)
    often, once, other = ids(1), ids(2), ids(3)
    assert [made(kept, key) for key in (often, often, once, other)] == [True, False, True, True]
    assert not made(kept, often)
    assert made(kept, once)
    assert [made(kept, key) for key in (once, ids(4), once)] == [False, True, False]
    assert made(kept, often)  # two others came again since


def test_the_value_of_an_array_that_is_gone_makes_room_first() -> None:
    kept: Recent[str] = Recent(2)
    gone, stays = ids(1), ids(2)
    made(kept, gone)
    made(kept, gone)
    made(kept, stays)
    del gone
    gc.collect()
    assert made(kept, ids(3))
    assert not made(kept, stays)
