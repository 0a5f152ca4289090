"""The ingestion: ``folder ─► plan ─► parse ─► clean ─► chunk ─► embed ─► commit ─► index``.

Parsing and cleaning run in processes of their own, chunking and embedding in a thread each, committing in the
caller's: each stage works a bounded amount ahead of the next, so the embedding model is never idle for long
and memory does not grow with the folder.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType

from ingest.ahead import Ahead
from ingest.chunk import chunk
from ingest.embed import embed
from ingest.lock import collection_lock
from ingest.parsing.process import ParsedFile, ParserPool
from ingest.plan import Plan, make_plan
from ingest.progress import SILENT, Progress
from ingest.result import IngestResult
from ingest.run import Run
from ingest.sources import Source
from ingest.stages import ChunkedDocument, EmbeddedDocument, FailedFile
from rag.domain import Access, Collection, NewChunk, NewVersion
from rag.errors import DocumentNotFound
from rag.interfaces import Catalog, Embedder, Indexes

_WAITING_WEIGHT = 512  # chunks; a file counts as 8 more, so that at most 64 files wait
_FILE_WEIGHT = 8


def never() -> bool:
    """Nobody cancels."""
    return False


class Ingestor:
    """Brings collections in line with sources; owns the parser processes, so close it, or use ``with``."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        embedder: Embedder,
        indexes: Indexes,
        parsers: ParserPool,
        locks: Path,
        max_file_mb: int,
    ) -> None:
        self._catalog = catalog
        self._embedder = embedder
        self._indexes = indexes
        self._parsers = parsers
        self._locks = locks
        self._max_file_mb = max_file_mb

    def sync(
        self,
        source: Source,
        *,
        collection: Collection,
        groups: frozenset[str] = frozenset(),
        delete_missing: bool = True,
        dry_run: bool = False,
        progress: Progress = SILENT,
        cancelled: Callable[[], bool] = never,
    ) -> IngestResult:
        """Add new files, replace changed ones, remove documents whose file is gone.

        Each document is committed in one transaction as soon as its vectors are there. ``cancelled`` and
        Ctrl-C end the run early; what is committed by then stays and is searchable.

        Args:
            groups: who may read the documents; empty for everyone.
            delete_missing: whether documents of the same root without a file are removed.
            dry_run: only tell what would be done.

        Raises:
            Busy: another ingestion into the collection is running.
            SourceError: the root cannot be read any more.
            StorageError, ModelError: the run ended there; what was committed before stays.
        """
        if dry_run:
            run = Run(collection=collection, progress=progress, cancelled=cancelled)
            plan = self._plan(source, run, groups=groups, delete_missing=delete_missing)
            return run.foreseen(plan, collection)
        with collection_lock(self._locks, collection):
            run = Run(collection=collection, progress=progress, cancelled=cancelled)
            plan = self._plan(source, run, groups=groups, delete_missing=delete_missing)
            try:
                self._apply(plan, source, run, groups=groups)
            except KeyboardInterrupt:
                self._index(run)
                raise
            self._index(run)
            return run.result(plan, self._catalog.collection(collection.name))

    def _plan(self, source: Source, run: Run, *, groups: frozenset[str], delete_missing: bool) -> Plan:
        run.enter("plan")
        with run.watch.stage("plan"):
            return make_plan(
                source.scan(),
                self._catalog.source_states(run.collection.id, source.root),
                groups=groups,
                delete_missing=delete_missing and source.complete,
                max_file_mb=self._max_file_mb,
            )

    def _apply(self, plan: Plan, source: Source, run: Run, *, groups: frozenset[str]) -> None:
        """Everything the plan says, changed groups first and removals last."""
        for touch in plan.touched:
            self._catalog.touch_source(
                touch.document_id, size=touch.size, mtime_ns=touch.mtime_ns, groups=groups
            )
        run.begin(plan)
        parsed = self._parsers.read(plan.to_read, stop=run.should_stop)
        with (
            Ahead(self._chunk(parsed), limit=_WAITING_WEIGHT, weigh=_weight, name="chunk") as chunked,
            Ahead(
                embed(chunked, self._embedder, watch=run.watch, stop=run.should_stop),
                limit=_WAITING_WEIGHT,
                weigh=_weight,
                name="embed",
            ) as embedded,
        ):
            try:
                self._commit(embedded, source, run, groups=groups)
            except KeyboardInterrupt:
                run.stop()
                self._commit(embedded, source, run, groups=groups)  # what is embedded already
                raise
            except BaseException:
                run.stop()  # the stages' threads end with their present work
                raise
        if not run.should_stop():
            self._remove(plan, run)

    def _chunk(self, parsed: Generator[ParsedFile | FailedFile]) -> Generator[ChunkedDocument | FailedFile]:
        """Chunks of each parsed document, by the embedding model's own word pieces."""
        max_tokens = self._embedder.profile.max_tokens
        with closing(parsed):
            for item in parsed:
                if isinstance(item, FailedFile):
                    yield item
                    continue
                file, read = item
                document = read.documents[0]
                drafts = chunk(document, self._embedder.token_offsets, max_tokens=max_tokens)
                yield ChunkedDocument(file=file, document=document, drafts=drafts)

    def _commit(
        self,
        embedded: Iterable[EmbeddedDocument | FailedFile],
        source: Source,
        run: Run,
        *,
        groups: frozenset[str],
    ) -> None:
        """Store each document in one transaction, and make long runs searchable from time to time."""
        for item in embedded:
            if isinstance(item, FailedFile):
                run.failed(item)
                continue
            with run.watch.stage("commit"):
                self._catalog.put_version(run.collection.id, new_version(item, source, groups=groups))
            run.committed(item)
            if run.index_is_due and not run.should_stop():
                self._index(run)

    def _remove(self, plan: Plan, run: Run) -> None:
        for state in plan.deleted:
            with suppress(DocumentNotFound):  # somebody else removed it since
                self._catalog.delete_document(state.document_id, access=Access.everything())
            run.removed()

    def _index(self, run: Run) -> None:
        """Bring the indexes up to what is committed, if anything is."""
        if run.is_index_stale:
            run.enter("index")
            with run.watch.stage("index"):
                self._indexes.refresh(run.collection.id)
            run.indexed()

    def close(self) -> None:
        """End the parser processes."""
        self._parsers.close()

    def __enter__(self) -> Ingestor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def new_version(embedded: EmbeddedDocument, source: Source, *, groups: frozenset[str]) -> NewVersion:
    """The embedded document as the catalog takes it."""
    file, document = embedded.file, embedded.document
    return NewVersion(
        root=source.root,
        path=file.path,
        source_uri=f"{source.label}/{file.path}",
        sha256=document.sha256,
        size=file.size,
        mtime_ns=file.mtime_ns,
        media_type=document.media_type,
        title=document.title,
        language=document.language,
        text=document.text,
        page_starts=document.page_starts,
        metadata=document.metadata,
        groups=groups,
        chunks=tuple(
            NewChunk(
                ordinal=ordinal,
                start=draft.start,
                end=draft.end,
                text=document.text[draft.start : draft.end],
                heading=draft.heading,
                page=draft.page,
                context=draft.context,
                tokens=draft.tokens,
                vector=vector,
            )
            for ordinal, (draft, vector) in enumerate(zip(embedded.drafts, embedded.vectors, strict=True))
        ),
    )


def _weight(item: ChunkedDocument | EmbeddedDocument | FailedFile) -> int:
    return _FILE_WEIGHT + (0 if isinstance(item, FailedFile) else len(item.drafts))
