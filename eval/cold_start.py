"""What a process takes that starts with an index on disk: time to its first answer, and memory."""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from eval.memory import resident_mb
from rag.domain import Access
from rag.factory import Footnote
from rag.interfaces import Embedder
from rag.settings import Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class ColdStart:
    """A process of its own.

    Attributes:
        model_seconds: to load the embedding model; libraries are imported before.
        index_seconds: to verify and open the collection's index.
        first_search_ms: the first search after both.
        before_mb, serving_mb: resident memory with the model loaded, and with the index too after the search.
    """

    model_seconds: float
    index_seconds: float
    first_search_ms: float
    before_mb: float
    serving_mb: float


def cold_start(settings: Settings, collection: str, question: str, embedder: Embedder | None) -> ColdStart:
    """Start a process over the data directory of ``settings`` and have it answer ``question``."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as processes:
        return processes.submit(_start, settings, collection, question, embedder).result()


def _start(settings: Settings, collection: str, question: str, embedder: Embedder | None) -> ColdStart:
    with Footnote(settings, embedder=embedder) as footnote:
        started = time.perf_counter()
        footnote.embedder.embed_query("warm-up")
        loaded, before = time.perf_counter(), resident_mb()
        footnote.indexes.snapshot(footnote.catalog.collection(collection))
        opened = time.perf_counter()
        footnote.retriever.retrieve(question, collection=collection, k=10, access=Access.everything())
        answered = time.perf_counter()
        return ColdStart(
            model_seconds=round(loaded - started, 2),
            index_seconds=round(opened - loaded, 3),
            first_search_ms=round(1000 * (answered - opened), 1),
            before_mb=round(before, 1),
            serving_mb=round(resident_mb(), 1),
        )
