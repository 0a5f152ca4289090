"""``footnote bench query`` and ``index``: how fast a collection of any size is searched (made-up chunks)."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import numpy as np

from eval.cold_start import ColdStart, cold_start
from eval.memory import MemoryWatch
from eval.metrics import percentiles
from eval.report import SummaryRow
from eval.synthetic import SEED, Synthesizer
from rag.domain import Access, Collection, Matrix, SearchMode
from rag.errors import InvalidRequest
from rag.factory import Footnote
from rag.index.generations import CollectionIndexes
from rag.interfaces import Embedder, VectorIndex
from rag.settings import Settings

T = TypeVar("T")

COLLECTION = "footnote-bench"
_RANKS = (50, 95, 99)
_K = 10
_DENSE_K = 100  # what a hybrid search of ten passages asks of the vectors
_RECALLED = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """What so many clients got who searched at once, each as soon as it had its answer."""

    clients: int
    searches_per_second: float
    latency_ms: dict[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class QueryBench:
    """Searches of synthetic chunks; every question is another one and nothing is kept from search to search.

    Attributes:
        latency_ms: by mode, end to end, embedding included, one client.
        dense_ms: the vector index alone.
        kept_ms: a question asked again, from the cache.
        recall_at_10: of the vector index, against comparing every vector.
        speedup: searches per second of all clients, over those of one.
        p99_over_p50: of all clients.
    """

    chunks: int
    queries: int
    caches: str
    index_type: str
    latency_ms: dict[str, dict[str, float]]
    embed_ms: dict[str, float]
    dense_ms: dict[str, float]
    kept_ms: dict[str, float]
    one_client: Load
    all_clients: Load
    speedup: float
    p99_over_p50: float
    recall_at_10: float
    index_seconds: float
    cold_start: ColdStart
    index_mb: float
    peak_rss_mb: float
    model: str

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)

    def summary_rows(self) -> list[SummaryRow]:
        """For people."""
        rows: list[SummaryRow] = [
            ("synthetic chunks", f"{self.chunks:,}, index type {self.index_type}"),
            ("model", self.model),
            ("caches", self.caches),
        ]
        timed = {
            **self.latency_ms,
            "embedding alone": self.embed_ms,
            "vector index alone": self.dense_ms,
            "asked again, kept": self.kept_ms,
        }
        rows += [(name, shown(values)) for name, values in timed.items()]
        start = self.cold_start
        for load in (self.one_client, self.all_clients):
            clients = "one client" if load.clients == 1 else f"{load.clients} clients"
            rows.append((clients, f"{load.searches_per_second:.1f} searches/s, {shown(load.latency_ms)}"))
        rows += [
            ("throughput", f"{self.speedup:.2f} times one client's, p99 {self.p99_over_p50:.1f} times p50"),
            ("recall@10", f"{self.recall_at_10:.4f} of exact search"),
            ("index", f"{self.index_seconds:.1f} s to build, {self.index_mb:,.0f} MB"),
            (
                "cold start",
                f"model {start.model_seconds:.1f} s, index verified and opened {start.index_seconds:.2f} s, "
                f"first search {start.first_search_ms:.0f} ms",
            ),
            (
                "memory",
                f"{start.serving_mb:,.0f} MB to serve ({start.before_mb:,.0f} without the index), "
                f"{self.peak_rss_mb:,.0f} MB while the index is built",
            ),
        ]
        return rows


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexBench:
    """Building and opening the indexes of a collection of synthetic chunks."""

    chunks: int
    index_type: str
    build_seconds: float
    chunks_per_second: float
    open_seconds: float
    dense_search_ms: dict[str, float]
    recall_at_10: float
    disk_mb: float
    peak_rss_mb: float

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)

    def summary_rows(self) -> list[SummaryRow]:
        """For people."""
        return [
            ("synthetic chunks", f"{self.chunks:,}, index type {self.index_type}"),
            ("build", f"{self.build_seconds:.1f} s ({self.chunks_per_second:,.0f} chunks/s)"),
            ("open, every file verified", f"{self.open_seconds:.2f} s"),
            ("vector search", shown(self.dense_search_ms)),
            ("recall@10", f"{self.recall_at_10:.4f} of exact search"),
            ("on disk", f"{self.disk_mb:,.0f} MB"),
            ("peak memory", f"{self.peak_rss_mb:,.0f} MB"),
        ]


def bench_query(
    chunks: int,
    *,
    queries: int,
    settings: Settings,
    clients: int = 16,
    keep: Path | None = None,
    embedder: Embedder | None = None,
) -> QueryBench:
    """Search ``chunks`` synthetic chunks: by mode, by one client and by ``clients`` at once.

    Args:
        keep: data directory whose chunks a later run finds again; the index is built each time.
    """
    with MemoryWatch() as memory, filled(chunks, settings, embedder, keep) as (footnote, collection):
        index_seconds, _ = _seconds(lambda: footnote.indexes.refresh(collection.id))
        collection = footnote.catalog.collection_by_id(collection.id)
        questions = Synthesizer(collection.dimension, seed=SEED + 1)
        snapshot = footnote.indexes.snapshot(collection)
        start = cold_start(footnote.settings, COLLECTION, questions.questions(1)[0], embedder)
        _search(footnote, questions.questions(1)[0])
        measured = _measured(footnote, collection, questions, queries=queries, clients=clients)
        return QueryBench(
            chunks=chunks,
            queries=queries,
            caches="off, but for the last line of the latencies",
            index_type=snapshot.manifest.index_type,
            dense_ms=milliseconds(_dense_seconds(snapshot.dense, questions.vectors(queries))),
            recall_at_10=_recall(snapshot.dense, questions.vectors(_RECALLED)),
            index_seconds=round(index_seconds, 2),
            cold_start=start,
            index_mb=_size_mb(footnote.settings.data_dir / "indexes"),
            peak_rss_mb=round(memory.own_mb, 1),
            model=footnote.embedder.description,
            **measured,
        )


def _measured(
    footnote: Footnote, collection: Collection, questions: Synthesizer, *, queries: int, clients: int
) -> dict[str, Any]:
    """The latencies and loads of a :class:`QueryBench`."""

    def texts() -> list[str]:
        return questions.questions(queries)

    latency = {
        mode.value: milliseconds(_each(texts(), partial(_search, footnote, mode=mode))) for mode in SearchMode
    }
    embedded = _each(texts(), footnote.query_embedder_for(collection).embed_query)
    # By turns, so that a machine that is busy now and then slows down both.
    loads = [_load(footnote, texts(), among) for among in (1, clients, clients, 1)]
    one, all_ = _merged(loads[0], loads[3]), _merged(loads[1], loads[2])
    return {
        "latency_ms": latency,
        "embed_ms": milliseconds(embedded),
        "kept_ms": _kept(footnote, texts()[:100]),
        "one_client": one,
        "all_clients": all_,
        "speedup": round(all_.searches_per_second / one.searches_per_second, 3),
        "p99_over_p50": round(all_.latency_ms["p99"] / all_.latency_ms["p50"], 2),
    }


def bench_index(
    chunks: int,
    *,
    queries: int,
    settings: Settings,
    keep: Path | None = None,
    embedder: Embedder | None = None,
) -> IndexBench:
    """Build the indexes of ``chunks`` synthetic chunks from the catalog, open them, search the dense one."""
    with MemoryWatch() as memory, filled(chunks, settings, embedder, keep) as (footnote, collection):
        built, _ = _seconds(lambda: footnote.indexes.refresh(collection.id))
        collection = footnote.catalog.collection_by_id(collection.id)
        opened, snapshot = _seconds(lambda: _reopened(footnote, collection))
        vectors = Synthesizer(collection.dimension, seed=SEED + 2).vectors(max(queries, _RECALLED))
        return IndexBench(
            chunks=chunks,
            index_type=snapshot.manifest.index_type,
            build_seconds=round(built, 3),
            chunks_per_second=round(chunks / built, 1),
            open_seconds=round(opened, 3),
            dense_search_ms=milliseconds(_dense_seconds(snapshot.dense, vectors[:queries])),
            recall_at_10=_recall(snapshot.dense, vectors[:_RECALLED]),
            disk_mb=_size_mb(footnote.settings.data_dir / "indexes"),
            peak_rss_mb=round(memory.own_mb, 1),
        )


# ---------------------------------------------------------------------------------------- the house


@contextmanager
def filled(
    chunks: int, settings: Settings, embedder: Embedder | None, keep: Path | None
) -> Iterator[tuple[Footnote, Collection]]:
    """A collection of synthetic chunks without indexes, thrown away afterwards or kept in ``keep``.

    Raises:
        InvalidRequest: ``keep`` is the data directory of something else.
    """
    kept = nullcontext(str(keep)) if keep else TemporaryDirectory(prefix="footnote-bench-")
    with kept as folder:
        private = settings.model_copy(
            update={"data_dir": Path(folder), "catalog_url": None, "cached_searches": 0}
        )
        with Footnote(private, embedder=embedder) as footnote:
            others = {found.name for found in footnote.catalog.collections()} - {COLLECTION}
            if others:
                raise InvalidRequest(
                    f"{folder} holds other collections ({', '.join(sorted(others))}); "
                    "keep the benchmark's chunks in a folder of their own."
                )
            collection = footnote.open_collection(COLLECTION)
            footnote.indexes.drop(collection.id)
            if collection.chunks != chunks:
                footnote.catalog.delete_collection(COLLECTION)
                collection = footnote.open_collection(COLLECTION)
                Synthesizer(collection.dimension).fill(footnote.catalog, collection, chunks)
            yield footnote, collection


def _reopened(footnote: Footnote, collection: Collection) -> Any:
    return CollectionIndexes(footnote.settings.data_dir / "indexes", footnote.catalog).snapshot(collection)


def _size_mb(folder: Path) -> float:
    return round(sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 2**20, 1)


# ----------------------------------------------------------------------------------------- searches


def _search(footnote: Footnote, text: str, *, mode: SearchMode = SearchMode.HYBRID) -> None:
    footnote.retriever.retrieve(text, collection=COLLECTION, k=_K, access=Access.everything(), mode=mode)


def _dense_seconds(index: VectorIndex, vectors: Matrix) -> list[float]:
    return _each([*vectors], lambda vector: index.search(vector, _DENSE_K, allowed=None))


def _kept(footnote: Footnote, texts: Sequence[str]) -> dict[str, float]:
    """The same questions twice, with the caches on: what the second time took."""
    caching = footnote.settings.model_copy(update={"cached_searches": len(texts)})
    with Footnote(caching, embedder=footnote.embedder) as other:
        for _ in range(2):
            seconds = _each(texts, lambda text: _search(other, text))
        return milliseconds(seconds)


def _load(footnote: Footnote, texts: Sequence[str], clients: int) -> tuple[Load, list[float]]:
    with ThreadPoolExecutor(clients) as pool:
        spent, seconds = _seconds(
            lambda: [*pool.map(lambda text: _seconds(lambda: _search(footnote, text))[0], texts)]
        )
    load = Load(clients=clients, searches_per_second=len(texts) / spent, latency_ms=milliseconds(seconds))
    return load, seconds


def _merged(*turns: tuple[Load, list[float]]) -> Load:
    searches = [len(seconds) for _, seconds in turns]
    spent = [count / load.searches_per_second for count, (load, _) in zip(searches, turns, strict=True)]
    return Load(
        clients=turns[0][0].clients,
        searches_per_second=round(sum(searches) / sum(spent), 2),
        latency_ms=milliseconds([*itertools.chain.from_iterable(seconds for _, seconds in turns)]),
    )


def _recall(index: VectorIndex, vectors: Matrix) -> float:
    """Share of the ten nearest that are found; a filter that lets everything pass makes a search exact."""
    everything = index.search(vectors[0], index.count, allowed=None)
    allowed = np.sort(np.array([hit.chunk_id for hit in everything], dtype=np.int64))
    shared = 0.0
    for vector in vectors:
        exact = {hit.chunk_id for hit in index.search(vector, _K, allowed=allowed)}
        shared += len(exact & {hit.chunk_id for hit in index.search(vector, _K, allowed=None)}) / len(exact)
    return round(shared / len(vectors), 4)


# ------------------------------------------------------------------------------------------ figures


def _seconds(call: Callable[[], T]) -> tuple[float, T]:
    started = time.perf_counter()
    result = call()
    return time.perf_counter() - started, result


def _each(items: Sequence[T], call: Callable[[T], object]) -> list[float]:
    """Seconds that the call took with each item."""
    return [_seconds(partial(call, item))[0] for item in items]


def milliseconds(seconds: Sequence[float]) -> dict[str, float]:
    """Percentiles by name."""
    found = percentiles([1000 * value for value in seconds], _RANKS)
    return {name: round(value, 2) for name, value in found.items()}


def shown(values: dict[str, float]) -> str:
    """Percentiles for people."""
    return " / ".join(f"{name} {value:.1f} ms" for name, value in values.items())
