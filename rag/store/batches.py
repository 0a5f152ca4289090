"""Batches of values for ``IN (…)``: SQLite takes a limited number of variables per statement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

BATCH = 500

Value = TypeVar("Value")


def in_batches(values: Sequence[Value]) -> Iterator[Sequence[Value]]:
    """``values`` in order, at most ``BATCH`` at a time."""
    for first in range(0, len(values), BATCH):
        yield values[first : first + BATCH]
