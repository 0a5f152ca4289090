"""``footnote bench ingest``: the whole pipeline, against embedding the same chunks and nothing else.

The two take turns, each time with an empty catalog, so that a machine that is busy with other things now and
then slows down both.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from eval.memory import MemoryWatch
from eval.report import SummaryRow
from ingest.factory import build_ingestor
from ingest.pipeline import Ingestor
from ingest.result import IngestResult
from ingest.sources import Source, open_source
from rag.domain import Access, Collection, embedded_text
from rag.errors import InvalidRequest
from rag.factory import Footnote
from rag.interfaces import Catalog, Embedder
from rag.settings import Settings

ROUNDS = 2
_COLLECTION = "bench"
_FILES_PER_FOLDER = 1000
_PAGE = 500
_PAGELESS = "text/plain"  # what is generated; its texts need not be read to count pages


@dataclass(frozen=True, kw_only=True, slots=True)
class IngestBench:
    """What was measured, over all rounds.

    Attributes:
        files, failed, documents, pages, chunks: of one round; pages only where the format has them.
        seconds: of all rounds' ingestions, end to end.
        ratio: chunks embedded a second end to end, over those of the bare model.
        stages: seconds per stage; ``stage_shares`` are those over ``seconds``. Stages overlap: ``embed``
            runs in one thread, ``plan``, ``commit`` and ``index`` in another, and ``parse_wait`` is what
            the model waited for chunks.
        resync_seconds: a run that finds all files unchanged.
        peak_rss_mb: most memory of the command and its parser processes together.
    """

    source: str
    rounds: int
    files: int
    failed: int
    documents: int
    pages: int
    chunks: int
    seconds: float
    documents_per_second: float
    pages_per_second: float
    chunks_per_second: float
    raw_chunks_per_second: float
    ratio: float
    stages: Mapping[str, float]
    stage_shares: Mapping[str, float]
    resync_seconds: float
    peak_rss_mb: float
    own_peak_rss_mb: float
    parsers_peak_rss_mb: float
    model: str

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)

    def summary_rows(self) -> list[SummaryRow]:
        """For people."""
        pages = f", {self.pages_per_second:.1f} pages/s" if self.pages else ""
        shares = ", ".join(f"{name} {share:.0%}" for name, share in self.stage_shares.items())
        return [
            (
                "source",
                f"{self.source}: {self.files:,} files ({self.failed:,} failed), "
                f"{self.documents:,} documents, {self.chunks:,} chunks, {self.rounds} rounds",
            ),
            ("model", self.model),
            (
                "end to end",
                f"{self.chunks_per_second:.1f} chunks/s, {self.documents_per_second:.1f} documents/s{pages}",
            ),
            ("raw embedding", f"{self.raw_chunks_per_second:.1f} chunks/s"),
            ("ratio", f"{self.ratio:.2f}"),
            ("share of the time", shares),
            ("second run", f"{self.resync_seconds:.2f} s, nothing to do"),
            (
                "peak memory",
                f"{self.peak_rss_mb:.0f} MB ({self.own_peak_rss_mb:.0f} + parsers "
                f"{self.parsers_peak_rss_mb:.0f})",
            ),
        ]


def bench_ingest(
    path: Path | None,
    *,
    settings: Settings,
    files: int = 0,
    rounds: int = ROUNDS,
    embedder: Embedder | None = None,
) -> IngestBench:
    """Ingest a folder or a file, or ``files`` generated ones, into throw-away collections.

    Raises:
        SourceError: the path is missing or unreadable.
        InvalidRequest: nothing in it could be ingested, or neither path nor ``files`` is given, or both.
    """
    if (path is None) == (files == 0):
        raise InvalidRequest("Give either a folder to ingest, or --files N to have N small files generated.")
    with ExitStack() as stack:
        memory = stack.enter_context(MemoryWatch())
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="footnote-bench-")))
        if path is None:
            path = folder / f"{files} files"
            generate(path, files)
        private = settings.model_copy(update={"data_dir": folder / "data", "catalog_url": None})
        footnote = stack.enter_context(Footnote(private, embedder=embedder))
        ingestor = stack.enter_context(build_ingestor(footnote))  # parsers start first, as in `ingest`
        return _measure(footnote, ingestor, open_source(path), rounds=rounds, memory=memory)


def generate(folder: Path, files: int) -> None:
    """Write ``files`` text files of one short chunk each, none like another."""
    for number in range(files):
        below = folder / f"{number // _FILES_PER_FOLDER:04d}"
        below.mkdir(parents=True, exist_ok=True)
        (below / f"note-{number:07d}.txt").write_text(
            f"Note {number}.\n\nLocker {number} in building {number % 89} has key {number * 7919}.\n",
            encoding="utf-8",
        )


def _measure(
    footnote: Footnote, ingestor: Ingestor, source: Source, *, rounds: int, memory: MemoryWatch
) -> IngestBench:
    footnote.embedder.embed_query("warm-up")
    results: list[IngestResult] = []
    embedded, raw_seconds = 0, 0.0
    for number in range(rounds):
        if number:  # its vectors would be known otherwise
            footnote.indexes.drop(footnote.catalog.collection(_COLLECTION).id)
            footnote.catalog.delete_collection(_COLLECTION)
        collection = footnote.open_collection(_COLLECTION)
        results.append(ingestor.sync(source, collection=collection))
        if not results[-1].chunks:
            raise InvalidRequest(
                f"Nothing in {source.label!r} could be ingested; name a folder with documents."
            )
        texts = _texts(footnote.catalog, collection)
        embedded += len(texts)
        raw_seconds += _seconds_bare(footnote.embedder, texts)
    resync = ingestor.sync(source, collection=collection)
    pages = _pages(footnote.catalog, collection)
    last, seconds = results[-1], sum(result.seconds for result in results)
    stages = {name: sum(result.stages[name] for result in results) for name in last.stages}
    raw = embedded / raw_seconds
    return IngestBench(
        source=source.label,
        rounds=rounds,
        files=last.added + last.failed,
        failed=last.failed,
        documents=last.documents,
        pages=pages,
        chunks=last.chunks,
        seconds=round(seconds, 3),
        documents_per_second=round(rounds * last.documents / seconds, 2),
        pages_per_second=round(rounds * pages / seconds, 2),
        chunks_per_second=round(rounds * last.chunks / seconds, 2),
        raw_chunks_per_second=round(raw, 2),
        ratio=round(sum(result.chunks_embedded for result in results) / seconds / raw, 3),
        stages={name: round(spent, 2) for name, spent in stages.items()},
        stage_shares={name: round(spent / seconds, 3) for name, spent in stages.items()},
        resync_seconds=round(resync.seconds, 3),
        peak_rss_mb=round(memory.total_mb, 1),
        own_peak_rss_mb=round(memory.own_mb, 1),
        parsers_peak_rss_mb=round(memory.children_mb, 1),
        model=footnote.embedder.description,
    )


def _texts(catalog: Catalog, collection: Collection) -> list[str]:
    """What the model read, each text once, in the order of the commits."""
    read = (
        embedded_text(chunk.context, chunk.text)
        for batch in catalog.chunks_added_since(collection.id, 0, upto=2**62)
        for chunk in batch
    )
    return list(dict.fromkeys(read))


def _seconds_bare(embedder: Embedder, texts: Sequence[str]) -> float:
    started = time.perf_counter()
    at_once = embedder.texts_at_once  # as the pipeline does
    for start in range(0, len(texts), at_once):
        embedder.embed_documents(texts[start : start + at_once])
    return time.perf_counter() - started


def _pages(catalog: Catalog, collection: Collection) -> int:
    pages, after = 0, None
    while found := catalog.documents(collection.id, access=Access.everything(), limit=_PAGE, after=after):
        for document in found:
            if document.media_type != _PAGELESS:
                pages += len(catalog.content(document.id, access=Access.everything()).page_starts)
        after = found[-1].id
    return pages
