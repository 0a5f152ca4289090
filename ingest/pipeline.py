"""The ingestion: ``folder ─► plan ─► parse ─► clean ─► chunk ─► embed ─► commit ─► index``.

Parsing and cleaning run in processes of their own, chunking and embedding in a thread each, committing in the
caller's: each stage works a bounded amount ahead of the next, so the embedding model is never idle for long
and memory does not grow with the folder.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from ingest.ahead import Ahead
from ingest.chunk import chunk
from ingest.embed import embed
from ingest.layout import pack
from ingest.lock import collection_lock
from ingest.parsing.process import ParsedFile, ParserPool
from ingest.plan import Plan, make_plan
from ingest.progress import SILENT, Progress
from ingest.reembed import Reembedder
from ingest.result import IngestResult
from ingest.run import Run
from ingest.sources import Source, SourceFile
from ingest.stages import ChunkedDocument, ChunkedFile, FailedFile, VectorizedFile
from rag.domain import Collection, Matrix, NewChunk, NewVersion, source_uri
from rag.interfaces import Catalog, Embedder, Indexes

_WAITING_WEIGHT = 512  # chunks; a file counts as 8 more, so that at most 64 files wait
_FILE_WEIGHT = 8

ModelFor = Callable[[Collection], tuple[Embedder, str]]
"""Which model embeds a collection's documents, and the setting that loads it."""


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
        embedding_model: str = "",
        model_for: ModelFor | None = None,
    ) -> None:
        """Parts and limits.

        Args:
            embedding_model: the setting that loads ``embedder`` again, recorded with what it re-embeds.
            model_for: which model embeds a collection, and its setting; unset: these two embed every one.
        """
        self._catalog = catalog
        self._indexes = indexes
        self._parsers = parsers
        self._locks = locks
        self._max_file_mb = max_file_mb
        self._model_for = model_for or (lambda collection: (embedder, embedding_model))

    def sync(
        self,
        source: Source,
        *,
        collection: Collection,
        groups: frozenset[str] = frozenset(),
        delete_missing: bool = True,
        keep_duplicates: bool = False,
        dry_run: bool = False,
        progress: Progress = SILENT,
        cancelled: Callable[[], bool] = never,
    ) -> IngestResult:
        """Add new files, replace changed ones, follow moved ones, remove documents whose file is gone.

        A collection that another embedding model or chunker made is re-embedded first.
        All documents of a file are committed in one transaction as soon as their vectors are there; until
        then the old ones serve. ``cancelled`` and Ctrl-C end the run early; what is committed by then stays
        and is searchable.

        Args:
            groups: who may read the documents; empty for everyone.
            delete_missing: whether documents of the same root without a file are removed.
            keep_duplicates: whether files with the same bytes are all taken.
            dry_run: only tell what would be done.

        Raises:
            Busy: another ingestion into the collection is running.
            SourceError: the root cannot be read any more.
            StorageError, ModelError: the run ended there; what was committed before stays.
        """

        def planned(run: Run) -> Plan:
            run.enter("plan")
            with run.watch.stage("plan"):
                return make_plan(
                    source.scan(),
                    self._catalog.source_states(collection.id, source.root),
                    groups=groups,
                    delete_missing=delete_missing and source.complete,
                    keep_duplicates=keep_duplicates,
                    max_file_mb=self._max_file_mb,
                )

        if dry_run:
            reembedder, _ = self._reembedder(collection)
            run = Run(collection=collection, progress=progress, cancelled=cancelled)
            return replace(run.foreseen(planned(run)), reembedded=reembedder.foreseen(collection))
        with collection_lock(self._locks, collection):
            reembedder, embedder = self._reembedder(self._catalog.collection_by_id(collection.id))
            reembedded = reembedder.run_locked(collection, progress=progress, cancelled=cancelled)
            run = Run(collection=reembedded.after, progress=progress, cancelled=cancelled)
            if reembedded.cancelled:
                run.stop()
            plan = planned(run)
            try:
                self._apply(plan, source, run, embedder=embedder, groups=groups)
            except KeyboardInterrupt:
                self._index(run)
                raise
            self._index(run)
            result = run.result(plan, self._catalog.collection_by_id(collection.id))
            return replace(result, reembedded=reembedded.documents)

    def _reembedder(self, collection: Collection) -> tuple[Reembedder, Embedder]:
        """What brings the collection to its model, and that model."""
        embedder, embedding_model = self._model_for(collection)
        reembedder = Reembedder(
            catalog=self._catalog,
            embedder=embedder,
            embedding_model=embedding_model,
            indexes=self._indexes,
            locks=self._locks,
        )
        return reembedder, embedder

    def _apply(
        self, plan: Plan, source: Source, run: Run, *, embedder: Embedder, groups: frozenset[str]
    ) -> None:
        """Everything the plan says: moves and groups first, removals last."""
        self._record(plan, source, run, groups=groups)
        run.begin(plan)
        parsed = self._parsers.read(plan.to_read, stop=run.should_stop)
        with (
            Ahead(
                self._chunk(parsed, embedder), limit=_WAITING_WEIGHT, weigh=_weight, name="chunk"
            ) as chunked,
            Ahead(
                embed(
                    chunked,
                    embedder,
                    known=lambda texts: self._catalog.known_vectors(run.collection.fingerprint, texts),
                    watch=run.watch,
                    stop=run.should_stop,
                ),
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
        self._remove(plan, source, run)

    def _record(self, plan: Plan, source: Source, run: Run, *, groups: frozenset[str]) -> None:
        """What needs no reading: new places, times and groups."""
        collection_id = run.collection.id
        for move in plan.moved:
            if run.should_stop():
                return
            self._catalog.move_source(
                collection_id,
                source.root,
                move.state.path,
                to=move.file.path,
                label=source.label,
                mtime_ns=move.file.mtime_ns,
            )
            run.moved(move.file.path)
        for touch in plan.touched:
            if run.should_stop():
                return
            self._catalog.touch_source(
                collection_id,
                source.root,
                touch.path,
                size=touch.size,
                mtime_ns=touch.mtime_ns,
                groups=groups,
            )

    def _chunk(
        self, parsed: Generator[ParsedFile | FailedFile], embedder: Embedder
    ) -> Generator[ChunkedFile | FailedFile]:
        """Chunks of each parsed document, by the embedding model's own word pieces."""
        max_tokens = embedder.profile.max_tokens
        with closing(parsed):
            for item in parsed:
                if isinstance(item, FailedFile):
                    yield item
                    continue
                file, read = item
                yield ChunkedFile(
                    file=file,
                    documents=tuple(
                        ChunkedDocument(
                            document=document,
                            drafts=chunk(document, embedder.token_offsets, max_tokens=max_tokens),
                        )
                        for document in read.documents
                    ),
                    failures=read.failures,
                )

    def _commit(
        self,
        vectorized: Iterable[VectorizedFile | FailedFile],
        source: Source,
        run: Run,
        *,
        groups: frozenset[str],
    ) -> None:
        """Store each file's documents in one transaction, and make long runs searchable from time to time."""
        for item in vectorized:
            if isinstance(item, FailedFile):
                run.failed(item)
                continue
            with run.watch.stage("commit"):
                self._catalog.put_source(
                    run.collection.id,
                    new_versions(item, source, groups=groups),
                    fingerprint=run.collection.fingerprint,
                )
            run.committed(item)
            if run.index_is_due and not run.should_stop():
                self._index(run)

    def _remove(self, plan: Plan, source: Source, run: Run) -> None:
        for state in plan.deleted:
            if run.should_stop():
                return
            self._catalog.delete_source(run.collection.id, source.root, state.path)
            run.removed(state.path)

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


def new_versions(
    vectorized: VectorizedFile, source: Source, *, groups: frozenset[str]
) -> tuple[NewVersion, ...]:
    """All documents of the file as the catalog takes them."""
    chunked = vectorized.chunked
    return tuple(
        _new_version(one, vectors, chunked.file, source, groups)
        for one, vectors in zip(chunked.documents, vectorized.vectors, strict=True)
    )


def _new_version(
    chunked: ChunkedDocument, vectors: Matrix, file: SourceFile, source: Source, groups: frozenset[str]
) -> NewVersion:
    document = chunked.document
    return NewVersion(
        root=source.root,
        path=file.path,
        part=document.part,
        source_uri=source_uri(source.label, file.path, document.part),
        sha256=document.sha256,
        size=file.size,
        mtime_ns=file.mtime_ns,
        media_type=document.media_type,
        title=document.title,
        language=document.language,
        text=document.text,
        page_starts=document.page_starts,
        layout=pack(document.blocks),
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
            for ordinal, (draft, vector) in enumerate(zip(chunked.drafts, vectors, strict=True))
        ),
    )


def _weight(item: ChunkedFile | VectorizedFile | FailedFile) -> int:
    if isinstance(item, FailedFile):
        return _FILE_WEIGHT
    chunked = item.chunked if isinstance(item, VectorizedFile) else item
    return _FILE_WEIGHT + chunked.chunks
