"""What was made of the last few arrays, found again by the array itself."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from numpy.typing import NDArray

V = TypeVar("V")


@dataclass(kw_only=True, slots=True)
class _Kept(Generic[V]):
    key: weakref.ref[NDArray[Any]]
    value: V
    came_again: bool = False


class Recent(Generic[V]):
    """Keeps ``keep`` values by the identity of the arrays they were made of; safe to share between threads.

    An array that came once goes before one that came again. So a row of different ones does not push out the
    one that most searches have.
    """

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._guard = threading.Lock()
        self._kept: OrderedDict[int, _Kept[V]] = OrderedDict()

    def of(self, key: NDArray[Any], make: Callable[[], V]) -> V:
        """The value of ``key``, made by ``make`` when it is not kept.

        ``key`` is not kept alive, and is not to be changed.
        """
        with self._guard:
            kept = self._kept.get(id(key))
            if kept is not None and kept.key() is key:
                kept.came_again = True
                self._kept.move_to_end(id(key))
                return kept.value
        value = make()
        with self._guard:
            self._kept.pop(id(key), None)
            while len(self._kept) >= self._keep:
                del self._kept[self._least_wanted()]
            self._kept[id(key)] = _Kept(key=weakref.ref(key), value=value)
        return value

    def _least_wanted(self) -> int:
        """One whose array is gone, else the oldest that came once, else the oldest."""
        order = sorted(self._kept, key=lambda name: self._rank(self._kept[name]))  # stable: oldest first
        return order[0]

    @staticmethod
    def _rank(kept: _Kept[V]) -> int:
        return 0 if kept.key() is None else 1 + kept.came_again
