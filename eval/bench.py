"""``footnote bench query`` and ``index``, over synthetic chunks.

Sizes beyond the documents at hand: random unit vectors, and words drawn from a Zipf distribution.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from eval.metrics import percentiles
from eval.report import SummaryRow, number
from rag.domain import Access, Collection, Matrix, NewChunk, NewVersion, SearchMode
from rag.factory import Footnote
from rag.index.generations import CollectionIndexes
from rag.settings import Settings

_COLLECTION = "bench"
_SEED = 20261121
_VOCABULARY = 20_000
_WORDS = 120
_CHUNKS_PER_DOCUMENT = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class QueryBench:
    """Latency of one search over synthetic chunks, by mode, in milliseconds."""

    chunks: int
    queries: int
    latency_ms: dict[str, dict[str, float]]
    embed_ms: dict[str, float]
    model: str

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)

    def summary_rows(self) -> list[SummaryRow]:
        """For people."""
        rows: list[SummaryRow] = [("synthetic chunks", f"{self.chunks:,}"), ("model", self.model)]
        for name, values in {**self.latency_ms, "embedding alone": self.embed_ms}.items():
            rows.append((name, " / ".join(f"{key} {value:.1f} ms" for key, value in values.items())))
        return rows


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexBench:
    """Building and opening the indexes of a collection of synthetic chunks."""

    chunks: int
    build_seconds: float
    chunks_per_second: float
    open_seconds: float
    dense_search_ms: dict[str, float]
    disk_mb: float
    peak_rss_mb: float

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)

    def summary_rows(self) -> list[SummaryRow]:
        """For people."""
        search = " / ".join(f"{key} {value:.2f} ms" for key, value in self.dense_search_ms.items())
        return [
            ("synthetic chunks", f"{self.chunks:,}"),
            ("build", f"{self.build_seconds:.1f} s ({self.chunks_per_second:,.0f} chunks/s)"),
            ("open, every file verified", f"{self.open_seconds:.2f} s"),
            ("exact dense search", search),
            ("on disk", f"{self.disk_mb:.0f} MB"),
            ("peak memory", f"{self.peak_rss_mb:.0f} MB"),
        ]


def bench_query(chunks: int, *, queries: int, settings: Settings) -> QueryBench:
    """Latency of searching ``chunks`` synthetic chunks, embedding the query included."""
    with _workspace(settings) as footnote:
        collection = _synthetic(footnote, chunks)
        footnote.indexes.refresh(collection.id)
        texts = [" ".join(words) for words in _words(np.random.default_rng(_SEED + 1), queries, 8)]
        latency = {}
        for mode in SearchMode:
            _search(footnote, texts[:3], mode)
            latency[mode.value] = percentiles(_search(footnote, texts, mode), (50, 95, 99))
        embedding = []
        for text in texts:
            started = time.perf_counter()
            footnote.embedder.embed_query(text)
            embedding.append((time.perf_counter() - started) * 1000)
        return QueryBench(
            chunks=chunks,
            queries=queries,
            latency_ms=latency,
            embed_ms=percentiles(embedding, (50, 95, 99)),
            model=footnote.embedder.description,
        )


def bench_index(chunks: int, *, queries: int, settings: Settings) -> IndexBench:
    """Build the indexes of ``chunks`` synthetic chunks from the catalog, open them, search the dense one."""
    with _workspace(settings) as footnote:
        collection = _synthetic(footnote, chunks)
        started = time.perf_counter()
        footnote.indexes.refresh(collection.id)
        built = time.perf_counter() - started
        collection = footnote.catalog.collection(_COLLECTION)
        root = footnote.settings.data_dir / "indexes"
        started = time.perf_counter()
        snapshot = CollectionIndexes(root, footnote.catalog).snapshot(collection)
        opened = time.perf_counter() - started
        vectors = _unit(np.random.default_rng(_SEED + 2), queries, collection.dimension)
        times = []
        for vector in vectors:
            started = time.perf_counter()
            snapshot.dense.search(vector, 100, allowed=None)
            times.append((time.perf_counter() - started) * 1000)
        size = sum(file.stat().st_size for file in root.rglob("*") if file.is_file())
        return IndexBench(
            chunks=chunks,
            build_seconds=round(built, 3),
            chunks_per_second=round(chunks / built, 1),
            open_seconds=round(opened, 3),
            dense_search_ms=percentiles(times, (50, 95, 99)),
            disk_mb=round(size / 2**20, 1),
            peak_rss_mb=_peak_rss_mb(),
        )


class _workspace:  # noqa: N801  used like a function
    """A :class:`Footnote` over a throw-away data directory and catalog."""

    def __init__(self, settings: Settings) -> None:
        self._folder = TemporaryDirectory(prefix="footnote-bench-")
        private = settings.model_copy(update={"data_dir": Path(self._folder.name), "catalog_url": None})
        self._footnote = Footnote(private)

    def __enter__(self) -> Footnote:
        return self._footnote

    def __exit__(self, *_: object) -> None:
        self._footnote.close()
        self._folder.cleanup()


def _search(footnote: Footnote, texts: Sequence[str], mode: SearchMode) -> list[float]:
    times = []
    for text in texts:
        found = footnote.retriever.retrieve(
            text, collection=_COLLECTION, k=10, access=Access.everything(), mode=mode
        )
        times.append(found.timings_ms["total"])
    return times


def _synthetic(footnote: Footnote, chunks: int) -> Collection:
    """A collection of ``chunks`` synthetic chunks, committed through the catalog."""
    collection = footnote.open_collection(_COLLECTION)
    random = np.random.default_rng(_SEED)
    for number_, start in enumerate(range(0, chunks, _CHUNKS_PER_DOCUMENT)):
        count = min(_CHUNKS_PER_DOCUMENT, chunks - start)
        texts = [" ".join(words) for words in _words(random, count, _WORDS)]
        vectors = _unit(random, count, collection.dimension)
        footnote.catalog.put_source(collection.id, [_version(number_, texts, vectors)])
    return collection


def _version(number_: int, texts: Sequence[str], vectors: Matrix) -> NewVersion:
    chunks = []
    offset = 0
    for ordinal, (text, vector) in enumerate(zip(texts, vectors, strict=True)):
        chunks.append(
            NewChunk(
                ordinal=ordinal,
                start=offset,
                end=offset + len(text),
                text=text,
                heading="",
                page=None,
                context=f"Document {number_}",
                tokens=_WORDS,
                vector=vector,
            )
        )
        offset += len(text) + 1
    return NewVersion(
        root=_COLLECTION,
        path=f"{number_}.txt",
        source_uri=f"{_COLLECTION}/{number_}.txt",
        sha256=f"{number_:064x}",
        size=offset,
        mtime_ns=0,
        media_type="text/plain",
        title=f"Document {number_}",
        language="en",
        text="\n".join(texts),
        chunks=tuple(chunks),
    )


def _words(random: np.random.Generator, texts: int, length: int) -> Iterator[list[str]]:
    ranks = np.minimum(random.zipf(1.2, size=(texts, length)), _VOCABULARY)
    return ([f"w{rank}" for rank in row] for row in ranks.tolist())


def _unit(random: np.random.Generator, count: int, dimension: int) -> Matrix:
    vectors = random.standard_normal((count, dimension), dtype=np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def _peak_rss_mb() -> float:
    return float(number(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1) or 0.0)
