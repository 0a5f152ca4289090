"""``footnote ingest``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.console import FAILURE, AsJson, CollectionName, DataDir, Run, command
from api.ingest_progress import ProgressBar
from api.ingest_report import combined, show_results
from ingest.result import IngestFailure, IngestResult
from rag.errors import InvalidRequest, SourceError

if TYPE_CHECKING:
    from ingest.sources import Source

KEPT = "Documents committed so far are kept; run the same command again to go on."


def ingest(
    paths: Annotated[
        list[str], typer.Argument(help="Folders, files, or URLs such as s3://bucket/folder.", metavar="PATH…")
    ],
    collection: CollectionName = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    groups: Annotated[str, typer.Option("--groups", help="Access groups, by commas; unset: everyone.")] = "",
    no_delete: Annotated[
        bool, typer.Option("--no-delete", help="Keep documents whose file is gone.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on: apply changes as they happen, until Ctrl-C.")
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
        if watch:
            _watch(run, sources, refused, collection or run.collection, options)
            return
        if not sources and not as_json:
            raise SourceError(refused[0].code, refused[0].message)
        results = _sync(run, sources, collection or run.collection, options) if sources else []
        if refused:
            results.insert(0, _refusals(run, refused, collection or run.collection, dry_run=dry_run))
        if as_json:
            run.print_json(combined(results))
        else:
            show_results(run, results)
        if _nothing_ingested(results):
            raise typer.Exit(FAILURE)


def _open(paths: list[str]) -> tuple[list[Source], list[IngestFailure]]:
    """What can be read, and why the rest cannot."""
    from ingest.remote import open_location, shown

    sources: list[Source] = []
    refused = []
    for path in paths:
        try:
            sources.append(open_location(path))
        except SourceError as error:
            refused.append(IngestFailure(path=shown(path), code=error.source_code, message=str(error)))
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


def _watch(
    run: Run,
    sources: list[Source],
    refused: list[IngestFailure],
    collection: str,
    options: dict[str, Any],
) -> None:
    from api.ingest_watching import watch_folders
    from ingest.sources import FolderSource

    if refused:
        raise SourceError(refused[0].code, refused[0].message)
    folders = [source for source in sources if isinstance(source, FolderSource)]
    if options["dry_run"] or len(folders) < len(sources):
        raise InvalidRequest(
            "--watch takes folders of this machine, without --dry-run; files and URLs tell nobody that they "
            "have changed: run the command again when they may have, for instance from a timer."
        )
    options.pop("dry_run")
    watch_folders(run, folders, collection, options)


def _nothing_ingested(results: list[IngestResult]) -> bool:
    """Every file failed."""
    taken = sum(
        result.added + result.modified + result.moved + result.unchanged + result.duplicates
        for result in results
    )
    return taken == 0 and any(result.failed for result in results)
