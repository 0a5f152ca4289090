"""Embeds chunks in groups that reach across documents; a document comes out with all its vectors."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable

import numpy as np

from ingest.stages import ChunkedDocument, EmbeddedDocument, FailedFile
from ingest.stopwatch import Stopwatch
from rag.domain import Matrix
from rag.interfaces import Embedder

_FIRST_GROUP = 64
_GROUP = 256
_SLICE = 128  # the model works on this many at once: how soon a cancellation is heard


def embed(
    documents: Iterable[ChunkedDocument | FailedFile],
    embedder: Embedder,
    *,
    watch: Stopwatch,
    stop: Callable[[], bool],
) -> Generator[EmbeddedDocument | FailedFile]:
    """Documents with their vectors, in order within a group; files that failed pass through.

    Groups start small, so that the model has work soon, and grow: the model sorts a group by length, which
    spares it padding. When ``stop`` says so, documents not embedded yet are left out.
    """
    source = iter(documents)
    waiting: list[ChunkedDocument] = []
    target = _FIRST_GROUP
    while not stop():
        with watch.stage("parse_wait"):
            document = next(source, None)
        if isinstance(document, FailedFile):
            yield document
        elif document is not None:
            waiting.append(document)
        if waiting and (document is None or sum(len(one.drafts) for one in waiting) >= target):
            yield from _embedded(waiting, embedder, watch=watch, stop=stop)
            waiting, target = [], min(2 * target, _GROUP)
        if document is None:
            return


def _embedded(
    group: list[ChunkedDocument], embedder: Embedder, *, watch: Stopwatch, stop: Callable[[], bool]
) -> Generator[EmbeddedDocument]:
    texts = [
        f"{draft.context}\n{one.document.text[draft.start : draft.end]}"
        for one in group
        for draft in one.drafts
    ]
    slices: list[Matrix] = []
    for start in range(0, len(texts), _SLICE):
        if stop():
            break
        with watch.stage("embed"):
            slices.append(embedder.embed_documents(texts[start : start + _SLICE]))
    if not slices:
        return
    vectors = np.concatenate(slices)
    end = 0
    for one in group:
        start, end = end, end + len(one.drafts)
        if end > len(vectors):
            return
        yield EmbeddedDocument(
            file=one.file, document=one.document, drafts=one.drafts, vectors=vectors[start:end]
        )
