"""Retrieval quality and speed on a BEIR folder, through the real pipeline in a throw-away data directory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ir_measures
from ir_measures import RR, R, nDCG

from eval.bootstrap import Interval, mean_interval
from eval.metrics import percentiles
from eval.readers import BeirDataset, BeirQuery, LineFailure, read_beir
from eval.records import IngestedRecords, RecordSource, ingest_records
from eval.report import (
    Progress,
    SummaryRow,
    failure_rows,
    failures_json,
    interval,
    number,
    numbers,
    shown,
    silent,
)
from rag.domain import Access, Passage, SearchMode
from rag.errors import InvalidQuestion, InvalidRequest
from rag.factory import NO_RERANKER, Footnote
from rag.interfaces import Embedder, Retriever
from rag.retrieval.hybrid import MAX_K
from rag.settings import Settings

COLLECTION = "evaluation"
DEPTH = 100
"""Distinct documents ranked for every query, at least."""

_PASSAGES = 300  # asked for at first: enough for 100 documents of up to three chunks among the best
_MEASURES = (nDCG @ 10, R @ 1, R @ 5, R @ 10, R @ 100, RR @ 10)

Run = Mapping[str, Sequence[str]]
"""Document ids, best first, by query id."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RetrievalReport:
    """What an evaluation of retrieval found.

    Attributes:
        queries: those judged; each counts, also when it failed or found nothing (as 0).
        metrics: mean over the queries, by name: ``nDCG@10``, ``R@1`` and so on.
        per_query: the metrics of each query by its id.
        ndcg_interval: 95 % interval of ``nDCG@10``, queries resampled.
        latency_ms: percentiles of one retrieval, after one warm-up.
        fingerprint, model: which embedding model, for programs and for people.
        reranker, query_expansion: what was configured beside it; ``none``.
    """

    dataset: str
    mode: SearchMode
    queries: int
    metrics: Mapping[str, float]
    per_query: Mapping[str, Mapping[str, float]]
    ndcg_interval: Interval | None
    latency_ms: Mapping[str, float]
    ingest: IngestedRecords
    fingerprint: str
    model: str
    reranker: str
    query_expansion: str
    failures: tuple[LineFailure, ...]

    def to_json(self) -> dict[str, Any]:
        """The contract's object, with interval, model and failures besides."""
        return {
            "dataset": self.dataset,
            "mode": self.mode.value,
            "documents": self.ingest.documents,
            "chunks": self.ingest.chunks,
            "queries": self.queries,
            **numbers(self.metrics),
            "ci95": {"nDCG@10": interval(self.ndcg_interval)},
            "latency_ms": numbers(self.latency_ms, 2),
            "ingest": self.ingest.to_json(),
            "fingerprint": self.fingerprint,
            "model": self.model,
            "reranker": self.reranker,
            "query_expansion": self.query_expansion,
            **failures_json(self.failures),
        }

    def summary_rows(self) -> list[SummaryRow]:
        """Quality, speed and what went wrong."""
        intervals = {"nDCG@10": self.ndcg_interval}
        latency = " / ".join(f"{number(value, 1)}" for value in self.latency_ms.values())
        rate = self.ingest.chunks / self.ingest.seconds
        return [
            (
                "data set",
                f"{self.dataset}, {self.ingest.documents} documents, {self.queries} queries, {self.mode}",
            ),
            *((name, shown(value, intervals.get(name))) for name, value in self.metrics.items()),
            (f"latency {'/'.join(self.latency_ms)}", f"{latency} ms"),
            (
                "ingestion",
                f"{self.ingest.chunks} chunks in {self.ingest.seconds:.1f} s ({rate:.0f} chunks/s)",
            ),
            *([("not ingested", str(len(self.ingest.failures)))] if self.ingest.failures else []),
            *([("reranker", self.reranker)] if self.reranker != NO_RERANKER else []),
            *([("expansion", self.query_expansion)] if self.query_expansion != "none" else []),
            *failure_rows(self.failures),
        ]


def evaluate_retrieval(
    directory: Path,
    *,
    settings: Settings,
    mode: SearchMode = SearchMode.HYBRID,
    k: int = 10,
    embedder: Embedder | None = None,
    keep_data: Path | None = None,
    run_file: Path | None = None,
    progress: Progress = silent,
) -> RetrievalReport:
    """Ingest a BEIR folder's corpus, ask its judged queries and score the documents that come back.

    The catalog and the data directory of ``settings`` are never touched; the rest of them applies.

    Args:
        k: a cutoff to report beside the fixed ones.
        keep_data: an empty or new folder that becomes the data directory and is kept.
        run_file: where to write the ranking in TREC format, columns separated by tabs.
        progress: counts documents first, then queries, out of both.

    Raises:
        DatasetError: the data cannot be read, or no record of it ingested.
        InvalidRequest: ``k`` out of range, or an unusable ``keep_data`` or ``run_file``.
    """
    _check_request(k=k, keep_data=keep_data, run_file=run_file)
    dataset = read_beir(directory)
    total = len(dataset.documents) + len(dataset.qrels)
    with _workspace(keep_data) as (data_dir, files):
        private = settings.model_copy(update={"data_dir": data_dir, "catalog_url": None})
        with Footnote(private, embedder=embedder) as footnote:
            collection = footnote.open_collection(COLLECTION)
            source = RecordSource(dataset.documents, folder=files, label=dataset.name)
            ingested = ingest_records(
                footnote, source, collection=collection, progress=lambda done, _: progress(done, total)
            )
            asking = _Asking(
                footnote.retriever, mode=mode, depth=max(DEPTH, k), record_ids=ingested.record_ids
            )
            asking.ask(dataset, progress=lambda done: progress(len(dataset.documents) + done, total))
            model, reranker = footnote.embedder.description, footnote.reranker.description
    if run_file is not None:
        _write_run(run_file, asking.run, tag=f"footnote-{mode}")
    per_query = score_run(dataset.qrels, asking.run, k=k)
    return RetrievalReport(
        dataset=dataset.name,
        mode=mode,
        queries=len(dataset.qrels),
        metrics={name: sum(values) / len(values) for name, values in per_query.items()},
        per_query={
            query: {name: values[position] for name, values in per_query.items()}
            for position, query in enumerate(dataset.qrels)
        },
        ndcg_interval=mean_interval(per_query["nDCG@10"]),
        latency_ms=percentiles(asking.latencies_ms, (50, 95, 99)),
        ingest=ingested,
        fingerprint=collection.fingerprint,
        model=model,
        reranker=reranker,
        query_expansion=settings.query_expansion,
        failures=(*dataset.failures, *asking.failures),
    )


def score_run(qrels: Mapping[str, Mapping[str, int]], run: Run, *, k: int = 10) -> dict[str, list[float]]:
    """One value per judged query, in the order of ``qrels``, by metric.

    Computed by ir-measures (MacAvaney et al. 2022, https://arxiv.org/abs/2111.13466): nDCG with linear
    gains, recall, reciprocal rank. A query missing from ``run`` has the value 0. Ranks count, not scores.

    Args:
        k: further cutoff of nDCG, recall and reciprocal rank.
    """
    measures = dict.fromkeys((*_MEASURES, nDCG @ k, R @ k, RR @ k))
    scored = {
        query: {document: float(len(ranking) - rank) for rank, document in enumerate(ranking)}
        for query, ranking in run.items()
    }
    found = {str(measure): dict.fromkeys(qrels, 0.0) for measure in measures}
    for metric in ir_measures.iter_calc(
        list(measures), {query: dict(each) for query, each in qrels.items()}, scored
    ):
        found[str(metric.measure)][metric.query_id] = float(metric.value)
    return {name: list(values.values()) for name, values in found.items()}


class _Asking:
    """Asks the judged queries and keeps rankings, times and failures."""

    def __init__(
        self, retriever: Retriever, *, mode: SearchMode, depth: int, record_ids: Mapping[str, str]
    ) -> None:
        self._retriever = retriever
        self._mode = mode
        self._depth = depth
        self._record_ids = record_ids
        self.run: dict[str, list[str]] = {}
        self.latencies_ms: list[float] = []
        self.failures: list[LineFailure] = []

    def ask(self, dataset: BeirDataset, *, progress: Callable[[int], None]) -> None:
        """Ask every judged query once; an unusable one is a failure and ranks nothing."""
        self._retrieve("warm-up", _PASSAGES)
        for done, query_id in enumerate(dataset.qrels, start=1):
            query = dataset.queries.get(query_id)
            if query is not None:  # a missing one is among the data set's failures
                self._ask(query)
            progress(done)

    def _ask(self, query: BeirQuery) -> None:
        try:
            started = time.perf_counter()
            passages = self._retrieve(query.text, _PASSAGES)
            self.latencies_ms.append((time.perf_counter() - started) * 1000)
        except InvalidQuestion as exc:
            reason = f"the query {query.id!r} was refused and scores 0: {exc}"
            self.failures.append(LineFailure(file=query.file, line=query.line, reason=reason))
            return
        self.run[query.id] = self._rank_documents(query.text, passages)

    def _rank_documents(self, text: str, passages: Sequence[Passage]) -> list[str]:
        """Records by their best passage; asks deeper while long documents crowd the others out."""
        asked = _PASSAGES
        ranking = self._records(passages)
        while len(ranking) < self._depth and len(passages) == asked < MAX_K:
            asked = min(2 * asked, MAX_K)
            passages = self._retrieve(text, asked)
            ranking = self._records(passages)
        return ranking[: self._depth]

    def _records(self, passages: Sequence[Passage]) -> list[str]:
        return list(dict.fromkeys(self._record_ids[passage.document_id] for passage in passages))

    def _retrieve(self, text: str, k: int) -> Sequence[Passage]:
        result = self._retriever.retrieve(
            text, collection=COLLECTION, k=k, access=Access.everything(), mode=self._mode
        )
        return result.passages


def _check_request(*, k: int, keep_data: Path | None, run_file: Path | None) -> None:
    if not 1 <= k <= MAX_K:
        raise InvalidRequest(f"k is {k}, expected 1 to {MAX_K}.")
    if keep_data is not None and keep_data.exists() and (not keep_data.is_dir() or any(keep_data.iterdir())):
        raise InvalidRequest(f"{keep_data} is not an empty folder; name a new one to keep the data in.")
    if run_file is not None and not run_file.absolute().parent.is_dir():
        raise InvalidRequest(f"The folder of {run_file} does not exist; create it or name another file.")


@contextmanager
def _workspace(keep_data: Path | None) -> Iterator[tuple[Path, Path]]:
    """The data directory and an empty folder for the records' files; gone afterwards unless kept."""
    with TemporaryDirectory(prefix="footnote-eval-") as name:
        temporary = Path(name)
        data_dir = keep_data.absolute() if keep_data is not None else temporary / "data"
        data_dir.mkdir(parents=True, exist_ok=True)
        files = temporary / "files"
        files.mkdir()
        yield data_dir, files


def _write_run(path: Path, run: Run, *, tag: str) -> None:
    with path.open("w", encoding="utf-8") as out:
        for query, ranking in run.items():
            for rank, document in enumerate(ranking, start=1):
                out.write(f"{query}\tQ0\t{document}\t{rank}\t{len(ranking) - rank + 1}\t{tag}\n")
