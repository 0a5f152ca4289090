"""Embeds chunks in groups that reach across files; a file comes out with the vectors of all its chunks."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence

import numpy as np

from ingest.stages import ChunkedFile, FailedFile, VectorizedFile
from ingest.stopwatch import Stopwatch
from rag.domain import Matrix, Vector
from rag.interfaces import Embedder

_FIRST_GROUP = 64
_CALLS_A_GROUP = 2

KnownVectors = Callable[[Sequence[str]], dict[str, Vector]]


def embed(
    files: Iterable[ChunkedFile | FailedFile],
    embedder: Embedder,
    *,
    known: KnownVectors,
    watch: Stopwatch,
    stop: Callable[[], bool],
) -> Generator[VectorizedFile | FailedFile]:
    """Files with their vectors, in order within a group; files that failed pass through.

    The model is run once for each text that ``known`` has no vector for. Groups start small, so that it has
    work soon, and grow: it sorts a group by length, which spares it padding. When ``stop`` says so, files not
    embedded yet are left out.
    """
    source = iter(files)
    waiting: list[ChunkedFile] = []
    target = _FIRST_GROUP
    while not stop():
        with watch.stage("parse_wait"):
            file = next(source, None)
        if isinstance(file, FailedFile):
            yield file
        elif file is not None:
            waiting.append(file)
        if waiting and (file is None or sum(one.chunks for one in waiting) >= target):
            yield from _vectorized(waiting, embedder, known=known, watch=watch, stop=stop)
            waiting, target = [], min(2 * target, _CALLS_A_GROUP * embedder.texts_at_once)
        if file is None:
            return


def _vectorized(
    group: list[ChunkedFile],
    embedder: Embedder,
    *,
    known: KnownVectors,
    watch: Stopwatch,
    stop: Callable[[], bool],
) -> Generator[VectorizedFile]:
    texts = [[document.embedded_texts() for document in one.documents] for one in group]
    wanted = list(dict.fromkeys(text for file in texts for document in file for text in document))
    with watch.stage("embed"):
        vectors = known(wanted)
    new = [text for text in wanted if text not in vectors]
    at_once = embedder.texts_at_once  # how soon a cancellation is heard
    for start in range(0, len(new), at_once):
        if stop():
            break
        part = new[start : start + at_once]
        with watch.stage("embed"):
            vectors.update(zip(part, embedder.embed_documents(part), strict=True))
    uncounted = set(new)
    for one, documents in zip(group, texts, strict=True):
        of_file = {text for document in documents for text in document}
        if not of_file <= vectors.keys():
            return
        yield VectorizedFile(
            chunked=one,
            vectors=tuple(_matrix(document, vectors, embedder.profile.dimension) for document in documents),
            embedded=len(of_file & uncounted),
        )
        uncounted -= of_file


def _matrix(texts: Sequence[str], vectors: dict[str, Vector], dimension: int) -> Matrix:
    if not texts:
        return np.empty((0, dimension), dtype=np.float32)
    return np.stack([vectors[text] for text in texts])
