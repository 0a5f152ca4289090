"""A suite that a request names: read once, with nothing in it from outside the allowed folders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from eval.suite.config import Suite, read_suite
from ingest.allowed import allowed_path
from rag.errors import Forbidden


def requested_suite(given: str, roots: Sequence[Path]) -> Suite:
    """The suite at a path that a request names.

    Raises:
        Forbidden: the suite, or anything it names, lies outside the allowed roots, links followed.
        InvalidRequest: there is no such file.
        SuiteError: it is malformed, or names what is not there.
    """
    suite = read_suite(allowed_path(given, roots), accept=lambda path: _require_allowed(path, roots))
    require_allowed(suite, roots)
    return suite


def require_allowed(suite: Suite, roots: Sequence[Path]) -> None:
    """Raises: Forbidden unless all that the suite reads lies in the allowed roots, links followed."""
    for _, path in suite.paths():
        for each in _read(path):
            _require_allowed(each, roots)


def _read(path: Path) -> Iterator[Path]:
    """A file; or a folder and what is in it, whose links may lead anywhere."""
    yield path
    if path.is_dir():
        yield from path.rglob("*")


def _require_allowed(path: Path, roots: Sequence[Path]) -> None:
    real = path.resolve()
    if not any(real.is_relative_to(root.resolve()) for root in roots):
        raise Forbidden(
            f"The suite names {path.name[:80]!r}, which does not lie below an allowed root; "
            "the operator sets FOOTNOTE_ALLOWED_ROOTS."
        )
