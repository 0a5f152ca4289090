"""The part of a page that a measurement writes, between two marks; the rest is written by people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def write_part(page: Path, lines: Sequence[str], *, begin: str, end: str) -> None:
    """Replace what stands between ``begin`` and ``end`` in ``page``.

    Raises:
        ValueError: the page does not hold both marks.
    """
    before, first, rest = page.read_text(encoding="utf-8").partition(begin)
    _, last, after = rest.partition(end)
    if not first or not last:
        raise ValueError(f"{page} does not hold the marks {begin!r} and {end!r}.")
    written = "\n".join(lines)
    page.write_text(f"{before}{begin}\n\n{written}\n\n{end}{after}", encoding="utf-8")
