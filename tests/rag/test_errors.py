"""The drawing of the error tree, and what travels with an error."""

from __future__ import annotations

import pickle
import re

import rag.errors
from rag.errors import FootnoteError, SourceError


def descendants(kind: type[FootnoteError]) -> list[type[FootnoteError]]:
    return [found for child in kind.__subclasses__() for found in (child, *descendants(child))]


def ours() -> list[type[FootnoteError]]:
    return [kind for kind in descendants(FootnoteError) if kind.__module__ == "rag.errors"]


def test_the_drawing_shows_every_error_below_its_parent() -> None:
    drawn: dict[str, str] = {}
    above = ["FootnoteError"]
    for line in (rag.errors.__doc__ or "").splitlines():
        match = re.match(r"\s{4}((?:│   |    )*)[├└]── (\w+)", line)
        if match:
            depth = len(match[1]) // 4 + 1
            above[depth:] = [match[2]]
            drawn[match[2]] = above[depth - 1]
    assert drawn == {kind.__name__: kind.__bases__[0].__name__ for kind in ours()}


def test_every_error_has_a_code_of_its_own() -> None:
    codes = [kind.code for kind in ours()]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in codes)
    assert [kind.__name__ for kind in ours() if not (kind.__doc__ or "").strip()] == []


def test_a_source_error_crosses_a_process_boundary_whole() -> None:
    arrived = pickle.loads(pickle.dumps(SourceError("too_large", "It has 300 MB, at most 200 are read.")))
    assert (arrived.source_code, str(arrived)) == ("too_large", "It has 300 MB, at most 200 are read.")
