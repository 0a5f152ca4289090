"""Another embedding model or chunker: new chunks beside those that serve, then one switch.

``stored text ─► chunk ─► embed ─► prepare, document by document ─► index ─► switch ─► clear up``. Until the
switch every search, listing and deletion works on the old chunks with the old model. A run that ends in the
middle, however it ends, is gone on with by the next one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ingest.ahead import Ahead
from ingest.chunk import VERSION, chunk
from ingest.layout import stored_document
from ingest.lock import collection_lock
from ingest.progress import SILENT, Progress
from ingest.reembed_run import Reembedded, ReembeddingRun, shown_model
from ingest.stages import ChunkDraft
from rag.domain import Access, Collection, DocumentText, NewChunk, Vector, embedded_text
from rag.errors import Conflict, DocumentNotFound
from rag.interfaces import Catalog, Embedder, Indexes

logger = logging.getLogger(__name__)

_CALLS_A_GROUP = 2
_WAITING_WEIGHT = 512  # chunks; a document counts as one more
_PASSES = 5
_EVERYTHING = Access.everything()


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
            shown_model(collection),
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
        run = ReembeddingRun(before, progress, cancelled)
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

    def _reembed(self, run: ReembeddingRun) -> None:
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

    def _prepare(self, target: Collection, run: ReembeddingRun) -> None:
        """Chunks in the target's space for every document that has none there."""
        run.enter("reembed")
        with Ahead(
            self._drafts(target, run),
            limit=_WAITING_WEIGHT,
            weigh=lambda draft: len(draft.drafts) + 1,
            name="chunk",
        ) as drafts:
            for group in _groups(drafts, _CALLS_A_GROUP * self._embedder.texts_at_once):
                self._prepare_group(target, group, run)
                if run.cancelled():
                    return

    def _drafts(self, target: Collection, run: ReembeddingRun) -> Generator[_Draft]:
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

    def _prepare_group(self, target: Collection, group: Sequence[_Draft], run: ReembeddingRun) -> None:
        wanted = list(dict.fromkeys(text for draft in group for text in draft.embedded_texts()))
        vectors = self._catalog.known_vectors(target.fingerprint, wanted)
        new = [text for text in wanted if text not in vectors]
        at_once = self._embedder.texts_at_once  # how soon a cancellation is heard
        for start in range(0, len(new), at_once):
            if run.cancelled():
                return
            part = new[start : start + at_once]
            vectors.update(zip(part, self._embedder.embed_documents(part), strict=True))
            run.embedded(len(part))
        for draft in group:
            chunks = draft.chunks([vectors[text] for text in draft.embedded_texts()])
            self._catalog.prepare_document(target, draft.text, chunks)
            run.prepared(len(chunks))


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


def _groups(drafts: Iterable[_Draft], chunks: int) -> Generator[list[_Draft]]:
    """Drafts with so many chunks together, at least."""
    group: list[_Draft] = []
    for draft in drafts:
        group.append(draft)
        if sum(len(one.drafts) for one in group) >= chunks:
            yield group
            group = []
    if group:
        yield group
