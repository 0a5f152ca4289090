"""``footnote ingest``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.console import FAILURE, AsJson, CollectionName, DataDir, Run, command
from api.ingest_progress import ProgressBar
from ingest.result import Change, IngestFailure, IngestResult
from rag.errors import SourceError

if TYPE_CHECKING:
    from ingest.sources import Source

COUNTS = ("added", "modified", "moved", "deleted", "unchanged", "duplicates", "failed")
CHUNK_COUNTS = ("chunks_embedded", "chunks_reused", "chunks_removed", "vectors_removed")
SHOWN_CHANGES = 200
KEPT = "Documents committed so far are kept; run the same command again to go on."


def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Folders or files.", metavar="PATH…")],
    collection: CollectionName = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    groups: Annotated[str, typer.Option("--groups", help="Access groups, by commas; unset: everyone.")] = "",
    no_delete: Annotated[
        bool, typer.Option("--no-delete", help="Keep documents whose file is gone.")
    ] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Sync folders into a collection: new, changed and removed files; unchanged ones are left alone.

    Example: footnote ingest handbook/ --collection handbook
    """
    with command(as_json=as_json, data_dir=data_dir, kept=KEPT) as run:
        options = {
            "groups": frozenset(filter(None, (group.strip() for group in groups.split(",")))),
            "delete_missing": not no_delete,
            "dry_run": dry_run,
        }
        sources, refused = _open(paths)
        if not sources and not as_json:
            raise SourceError(refused[0].code, refused[0].message)
        results = _sync(run, sources, collection or run.collection, options) if sources else []
        if refused:
            results.insert(0, _refusals(run, refused, collection or run.collection, dry_run=dry_run))
        if as_json:
            run.print_json(_combined(results))
        else:
            _show(run, results)
        if _nothing_ingested(results):
            raise typer.Exit(FAILURE)


def _open(paths: list[Path]) -> tuple[list[Source], list[IngestFailure]]:
    """What can be read, and why the rest cannot."""
    from ingest.sources import open_source

    sources: list[Source] = []
    refused = []
    for path in paths:
        try:
            sources.append(open_source(path))
        except SourceError as error:
            refused.append(IngestFailure(path=str(path), code=error.source_code, message=str(error)))
    return sources, refused


def _refusals(run: Run, refused: list[IngestFailure], collection: str, *, dry_run: bool) -> IngestResult:
    """The paths that could not be opened, as the result of a sync that did nothing."""
    held = {found.name: found for found in run.footnote.catalog.collections()}.get(collection)
    return IngestResult(
        collection=collection,
        added=0,
        modified=0,
        deleted=0,
        unchanged=0,
        failed=len(refused),
        documents=held.documents if held else 0,
        chunks=held.chunks if held else 0,
        chunks_embedded=0,
        seconds=0.0,
        chunks_per_second=0.0,
        failures=tuple(refused),
        dry_run=dry_run,
    )


def _sync(run: Run, sources: list[Source], collection: str, options: dict[str, Any]) -> list[IngestResult]:
    from ingest.factory import build_ingestor, target_collection

    results = []
    with build_ingestor(run.footnote) as ingestor:  # first: its parsers start while the model loads
        target = target_collection(run.footnote, collection, dry_run=options["dry_run"])
        for source in sources:
            with ProgressBar(run.err, shown=run.err.is_terminal) as progress:
                results.append(ingestor.sync(source, collection=target, progress=progress, **options))
    return results


def _nothing_ingested(results: list[IngestResult]) -> bool:
    """Every file failed."""
    taken = sum(
        result.added + result.modified + result.moved + result.unchanged + result.duplicates
        for result in results
    )
    return taken == 0 and any(result.failed for result in results)


def _combined(results: list[IngestResult]) -> dict[str, Any]:
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


def _show(run: Run, results: list[IngestResult]) -> None:
    for result in results:
        for change in result.changes[:SHOWN_CHANGES]:
            run.out.print(_change(change), markup=False)
        if len(result.changes) > SHOWN_CHANGES:
            run.out.print(f"… and {len(result.changes) - SHOWN_CHANGES:,} more (--json lists all)")
        for failure in result.failures:
            _show_failure(run, failure)
        if result.stages:  # paths that could not be opened have none
            run.out.print(_summary(result), markup=False)


def _change(change: Change) -> str:
    from_or_of = {"moved": " from ", "duplicate": " of "}.get(change.change, "")
    return f"{change.change:<9} {change.path}{from_or_of}{change.other or ''}"


def _show_failure(run: Run, failure: IngestFailure) -> None:
    run.err.print(f"failed  {failure.path}: {failure.message} ({failure.code})", markup=False, style="red")


def _summary(result: IngestResult) -> str:
    changed = result.added + result.modified + result.moved + result.deleted
    if not changed and not result.failed:
        if not result.unchanged:
            return "Nothing to do: no document was found there."
        return f"Nothing to do: {result.unchanged:,} documents unchanged."
    verb = "Would change" if result.dry_run else "Ingested into"
    counts = ", ".join(f"{getattr(result, name):,} {name}" for name in COUNTS if getattr(result, name))
    total = f"{result.documents:,} documents, {result.chunks:,} chunks"
    rate = (
        f" in {result.seconds:.1f} s ({result.chunks_per_second:.0f} chunks/s)" if not result.dry_run else ""
    )
    return f"{verb} {result.collection!r}: {counts}{rate}; it holds {total}."
