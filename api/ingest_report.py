"""What an ingestion did, as the command prints it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from api.console import Run
from ingest.result import Change, IngestFailure, IngestResult

COUNTS = ("added", "modified", "moved", "deleted", "unchanged", "duplicates", "failed")
CHUNK_COUNTS = ("chunks_embedded", "chunks_reused", "chunks_removed", "vectors_removed", "reembedded")
SHOWN_CHANGES = 200


def combined(results: Sequence[IngestResult]) -> dict[str, Any]:
    """One object for all paths: counts added up, the collection's totals as after the last."""
    last = results[-1]
    committed = sum(one.chunks_embedded + one.chunks_reused for one in results)
    seconds = sum(one.seconds for one in results)
    return last.to_json() | {
        **{name: sum(getattr(one, name) for one in results) for name in (*COUNTS, *CHUNK_COUNTS)},
        "seconds": round(seconds, 3),
        "chunks_per_second": round(committed / seconds, 1) if seconds else 0.0,
        "changes": [change for one in results for change in one.to_json()["changes"]],
        "failures": [failure for one in results for failure in one.to_json()["failures"]],
        "stages": {
            name: round(sum(one.stages.get(name, 0.0) for one in results), 3)
            for name in dict.fromkeys(stage for one in results for stage in one.stages)
        },
    }


def show_results(run: Run, results: Sequence[IngestResult]) -> None:
    """Print what changed, what failed and one line for each path."""
    for result in results:
        for change in result.changes[:SHOWN_CHANGES]:
            run.out.print(_change(change), markup=False)
        if len(result.changes) > SHOWN_CHANGES:
            run.out.print(f"… and {len(result.changes) - SHOWN_CHANGES:,} more (--json lists all)")
        for failure in result.failures:
            _show_failure(run, failure)
        if result.stages:  # paths that could not be opened have none
            run.out.print(summary(result), markup=False)


def _change(change: Change) -> str:
    from_or_of = {"moved": " from ", "duplicate": " of "}.get(change.change, "")
    return f"{change.change:<9} {change.path}{from_or_of}{change.other or ''}"


def _show_failure(run: Run, failure: IngestFailure) -> None:
    run.err.print(f"failed  {failure.path}: {failure.message} ({failure.code})", markup=False, style="red")


def summary(result: IngestResult) -> str:
    """One line."""
    changed = result.added + result.modified + result.moved + result.deleted
    if not changed and not result.failed:
        if not result.unchanged:
            return "Nothing to do: no document was found there."
        copies = f", {result.duplicates:,} left out as copies" if result.duplicates else ""
        return f"Nothing to do: {result.unchanged:,} documents unchanged{copies}."
    verb = "Would change" if result.dry_run else "Ingested into"
    counts = ", ".join(f"{getattr(result, name):,} {name}" for name in COUNTS if getattr(result, name))
    total = f"{result.documents:,} documents, {result.chunks:,} chunks"
    rate = (
        f" in {result.seconds:.1f} s ({result.chunks_per_second:.0f} chunks/s)" if not result.dry_run else ""
    )
    return f"{verb} {result.collection!r}: {counts}{rate}; it holds {total}."
