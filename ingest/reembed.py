"""Another embedding model or chunker: new chunks beside those that serve, then one switch.

``stored text ─► chunk ─► embed ─► prepare, document by document ─► index ─► switch ─► clear up``. Until the
switch every search, listing and deletion works on the old chunks with the old model. A run that ends in the
middle, however it ends, is gone on with by the next one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.ahead import Ahead
from ingest.chunk import VERSION, chunk
from ingest.layout import stored_document
from ingest.lock import collection_lock
from ingest.progress import SILENT, Progress, Status
from ingest.stages import ChunkDraft
from rag.domain import Access, Collection, DocumentText, NewChunk, Vector, embedded_text
from rag.errors import Conflict, DocumentNotFound
from rag.interfaces import Catalog, Embedder, Indexes

logger = logging.getLogger(__name__)

_GROUP = 256  # chunks embedded together, at least
_SLICE = 128  # the model works on this many at once: how soon a cancellation is heard
_WAITING_WEIGHT = 512  # chunks; a document counts as one more
_PASSES = 5
_EVERYTHING = Access.everything()


@dataclass(frozen=True, kw_only=True, slots=True)
class Reembedded:
    """The outcome of a re-embedding.

    Attributes:
        before, after: the collection; of the same space when there was nothing to do.
        documents: how many were given new chunks, by this run or earlier ones.
        chunks_embedded: chunks that the model was run for; the others had a vector already.
        cancelled: the run was stopped early: the old chunks still serve, the next run goes on.
    """

    before: Collection
    after: Collection
    documents: int
    chunks_embedded: int
    seconds: float
    cancelled: bool = False

    def to_json(self) -> dict[str, Any]:
        """As the command shows it."""
        return {
            "collection": self.after.name,
            "documents": self.documents,
            "chunks": self.after.chunks,
            "chunks_embedded": self.chunks_embedded,
            "seconds": round(self.seconds, 3),
            "cancelled": self.cancelled,
            "from": _shown(self.before),
            "to": _shown(self.after),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class _Draft:
    """A version of a document, cut anew."""

    text: DocumentText
    drafts: tuple[ChunkDraft, ...]

    def embedded_texts(self) -> list[str]:
        return [
            embedded_text(draft.context, self.text.text[draft.start : draft.end]) for draft in self.drafts
        ]

    def chunks(self, vectors: Sequence[Vector]) -> list[NewChunk]:
        return [
            NewChunk(
                ordinal=ordinal,
                start=draft.start,
                end=draft.end,
                text=self.text.text[draft.start : draft.end],
                heading=draft.heading,
                page=draft.page,
                context=draft.context,
                tokens=draft.tokens,
                vector=vector,
            )
            for ordinal, (draft, vector) in enumerate(zip(self.drafts, vectors, strict=True))
        ]


class Reembedder:
    """Brings collections to one embedding model and this chunker.

    Args:
        embedding_model: the setting that loads ``embedder`` again, recorded with the collections.
        locks: folder of the locks that keep two ingestions into one collection apart.
    """

    def __init__(
        self, *, catalog: Catalog, embedder: Embedder, embedding_model: str, indexes: Indexes, locks: Path
    ) -> None:
        self._catalog = catalog
        self._embedder = embedder
        self._embedding_model = embedding_model
        self._indexes = indexes
        self._locks = locks

    def is_due(self, collection: Collection) -> bool:
        """Whether another model or another chunker made its chunks."""
        wanted = (self._embedder.profile.fingerprint, VERSION)
        return (collection.fingerprint, collection.chunker) != wanted

    def foreseen(self, collection: Collection) -> int:
        """How many documents :meth:`run` would re-embed; said in the log too."""
        if not self.is_due(collection) or not collection.documents:
            return 0
        logger.info(
            "The %d documents of %r would be re-embedded first: they are from %s.",
            collection.documents,
            collection.name,
            _short(collection),
        )
        return collection.documents

    def run(
        self,
        collection: Collection,
        *,
        progress: Progress = SILENT,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Reembedded:
        """Re-embed the collection if that is due, and clear up what an earlier run left.

        Raises:
            Busy: an ingestion into the collection is running.
            StorageError, ModelError: the run ended there; the old chunks still serve.
        """
        with collection_lock(self._locks, collection):
            return self.run_locked(collection, progress=progress, cancelled=cancelled)

    def run_locked(
        self, collection: Collection, *, progress: Progress, cancelled: Callable[[], bool]
    ) -> Reembedded:
        """:meth:`run` for a caller that holds the collection's lock."""
        before = self._catalog.collection_by_id(collection.id)
        run = _Run(before, progress, cancelled)
        if self.is_due(before):
            self._reembed(run)
        elif self._catalog.begun_space(before.id) is not None:
            self._catalog.abandon_space(before.id)  # the settings were put back in the middle
        elif before.embedding_model != self._embedding_model:
            self._catalog.name_model(
                before.id, fingerprint=before.fingerprint, embedding_model=self._embedding_model
            )
        clear_up(self._catalog, self._indexes, before)
        after = self._catalog.collection_by_id(before.id)
        return run.result(after, cancelled=self.is_due(after))

    def _reembed(self, run: _Run) -> None:
        target = self._catalog.begin_space(
            run.before.id,
            self._embedder.profile,
            embedding_model=self._embedding_model,
            chunker=VERSION,
        )
        run.begin(target)
        for _ in range(_PASSES):
            self._prepare(target, run)
            if run.cancelled():
                return
            run.enter("index")
            self._indexes.build_beside(target)
            if self._catalog.switch_space(target):
                return
        raise Conflict(
            f"The collection {run.before.name!r} is changed by others as fast as it is re-embedded; "
            f"run `footnote collections reembed {run.before.name}` when they are done."
        )

    def _prepare(self, target: Collection, run: _Run) -> None:
        """Chunks in the target's space for every document that has none there."""
        run.enter("reembed")
        with Ahead(
            self._drafts(target, run),
            limit=_WAITING_WEIGHT,
            weigh=lambda draft: len(draft.drafts) + 1,
            name="chunk",
        ) as drafts:
            for group in _groups(drafts):
                self._prepare_group(target, group, run)
                if run.cancelled():
                    return

    def _drafts(self, target: Collection, run: _Run) -> Generator[_Draft]:
        """The unprepared documents, cut anew; those deleted meanwhile are left out."""
        after: str | None = None
        max_tokens = self._embedder.profile.max_tokens
        while ids := self._catalog.unprepared_documents(target, after=after):
            for document_id in ids:
                try:
                    text = self._catalog.content(document_id, access=_EVERYTHING)
                except DocumentNotFound:
                    run.skipped()
                    continue
                document = stored_document(text)
                drafts = chunk(document, self._embedder.token_offsets, max_tokens=max_tokens)
                yield _Draft(text=text, drafts=drafts)
            after = ids[-1]

    def _prepare_group(self, target: Collection, group: Sequence[_Draft], run: _Run) -> None:
        wanted = list(dict.fromkeys(text for draft in group for text in draft.embedded_texts()))
        vectors = self._catalog.known_vectors(target.fingerprint, wanted)
        new = [text for text in wanted if text not in vectors]
        for start in range(0, len(new), _SLICE):
            if run.cancelled():
                return
            part = new[start : start + _SLICE]
            vectors.update(zip(part, self._embedder.embed_documents(part), strict=True))
            run.embedded(len(part))
        for draft in group:
            chunks = draft.chunks([vectors[text] for text in draft.embedded_texts()])
            self._catalog.prepare_document(target, draft.text, chunks)
            run.prepared(len(chunks))


class _Run:
    """What one re-embedding has done so far."""

    def __init__(self, before: Collection, progress: Progress, cancelled: Callable[[], bool]) -> None:
        self.before = before
        self.cancelled = cancelled
        self._progress = progress
        self._started = time.monotonic()
        self._stage = "reembed"
        self._documents = self._prepared_before = 0
        self._chunks = 0
        self._embedded = 0

    def begin(self, target: Collection) -> None:
        """``target`` counts what an earlier run prepared."""
        self._documents = self._prepared_before = target.documents
        if self.before.documents:
            logger.info(
                "Re-embedding %d documents of %r, from %s to %s; the old chunks serve until all are done.",
                self.before.documents - target.documents,
                self.before.name,
                _short(self.before),
                _short(target),
            )

    def enter(self, stage: str) -> None:
        self._stage = stage
        self._tell()

    def embedded(self, chunks: int) -> None:
        self._embedded += chunks

    def prepared(self, chunks: int) -> None:
        self._documents += 1
        self._chunks += chunks
        self._tell()

    def skipped(self) -> None:
        self._documents += 1

    def result(self, after: Collection, *, cancelled: bool) -> Reembedded:
        return Reembedded(
            before=self.before,
            after=after,
            documents=self._documents,
            chunks_embedded=self._embedded,
            seconds=time.monotonic() - self._started,
            cancelled=cancelled,
        )

    def _tell(self) -> None:
        elapsed = time.monotonic() - self._started
        left = self.before.documents - self._documents
        done = self._documents - self._prepared_before
        self._progress.update(
            Status(
                stage=self._stage,
                files_total=self.before.documents,
                files_done=self._documents,
                chunks=self._chunks,
                rate=self._chunks / elapsed if elapsed else 0.0,
                eta_s=left * elapsed / done if done else None,
            )
        )


def clear_up(catalog: Catalog, indexes: Indexes, collection: Collection) -> int:
    """Remove what re-embeddings that ended, well or badly, left over; returns the number of chunks.

    One that goes on is left alone. Cheap when there is nothing.
    """
    removed = 0
    while batch := catalog.remove_left_over(collection.id):
        removed += batch
    if catalog.begun_space(collection.id) is None:
        indexes.drop_other_spaces(catalog.collection_by_id(collection.id))
    return removed


def _groups(drafts: Iterable[_Draft]) -> Generator[list[_Draft]]:
    group: list[_Draft] = []
    for draft in drafts:
        group.append(draft)
        if sum(len(one.drafts) for one in group) >= _GROUP:
            yield group
            group = []
    if group:
        yield group


def _shown(collection: Collection) -> dict[str, Any]:
    names = ("embedding_model", "fingerprint", "dimension", "chunker")
    return {name: getattr(collection, name) for name in names}


def _short(collection: Collection) -> str:
    return f"{collection.fingerprint[:40]} (chunker {collection.chunker})"
