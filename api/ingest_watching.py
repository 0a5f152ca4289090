"""``footnote ingest --watch``: sync, then apply what changes, until Ctrl-C."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from api.console import Run
from api.ingest_progress import ProgressBar
from api.ingest_report import show_results
from ingest.factory import build_ingestor, target_collection
from ingest.pipeline import Ingestor
from ingest.result import IngestResult
from ingest.sources import FolderSource
from ingest.watch import changed_folders
from rag.domain import Collection
from rag.errors import Busy, SourceError

SECONDS_UNTIL_RETRY = 5.0  # when another ingestion holds the collection


def watch_folders(
    run: Run, sources: Sequence[FolderSource], collection: str, options: dict[str, Any]
) -> None:
    """Sync the folders whenever something in them has changed; a line, or a JSON object, for each sync.

    Ctrl-C ends it: what is committed by then stays.

    Raises:
        SourceError: the folders cannot be watched.
        StorageError, ModelError: as in a single sync.
    """
    folders = {Path(source.root): source for source in sources}
    with build_ingestor(run.footnote) as ingestor:  # first: its parsers start while the model loads
        target = target_collection(run.footnote, collection, dry_run=False)
        _say(run, f"Watching {', '.join(map(str, folders))}; Ctrl-C ends it.")
        before: dict[Path, IngestResult] = {}
        with _ctrl_c() as stop:
            for changed in changed_folders(list(folders), stop=stop):
                for folder in changed:
                    result = _sync(run, ingestor, folders[folder], target, options, stop)
                    if result and _has_news(result, before.get(folder)):
                        _show(run, result)
                    if result:
                        before[folder] = result
        _say(run, "Stopped watching; what is committed stays.")


@contextmanager
def _ctrl_c() -> Iterator[threading.Event]:
    """An event that Ctrl-C sets; pressed again, it interrupts as usual.

    The exception may come at any place, also where it is swallowed, such as in a finaliser.
    """
    stop = threading.Event()

    def handle(signum: int, frame: FrameType | None) -> None:
        stop.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


def _sync(
    run: Run,
    ingestor: Ingestor,
    source: FolderSource,
    collection: Collection,
    options: dict[str, Any],
    stop: threading.Event,
) -> IngestResult | None:
    """One sync; nothing when the folder has vanished meanwhile: its documents stay until it is back."""
    while not stop.is_set():
        try:
            with ProgressBar(run.err, shown=run.err.is_terminal) as progress:
                return ingestor.sync(
                    source, collection=collection, progress=progress, cancelled=stop.is_set, **options
                )
        except Busy as error:
            _say(run, f"{error} Trying again in {SECONDS_UNTIL_RETRY:.0f} seconds.")
            stop.wait(SECONDS_UNTIL_RETRY)
        except SourceError as error:
            _say(run, f"{error} Its documents stay.")
            return None
    return None


def _has_news(result: IngestResult, before: IngestResult | None) -> bool:
    """Whether a sync did anything, or failed at something else than the one before it."""
    changed = result.added or result.modified or result.moved or result.deleted
    return bool(changed) or before is None or result.failures != before.failures


def _show(run: Run, result: IngestResult) -> None:
    if run.as_json:
        run.print_json(result.to_json())
    else:
        show_results(run, [result])


def _say(run: Run, sentence: str) -> None:
    run.err.print(sentence, markup=False)
