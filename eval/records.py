"""The records of a corpus as files, so that they go through the same ingestion as anybody's documents."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.readers import BeirDocument
from eval.report import FAILURES_SHOWN, Progress, number
from ingest.factory import build_ingestor
from ingest.progress import Status
from ingest.sources import Scan, SourceFile
from rag.domain import Access, Collection, Document
from rag.errors import DatasetError
from rag.factory import Footnote
from rag.interfaces import Catalog

_FILES_PER_FOLDER = 1000
_PAGE = 1000
_NO_TITLE = "."  # says nothing; without any, ingestion would fall back on the file's number
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024  # getrusage counts bytes there, KiB elsewhere


class RecordSource:
    """Each record as one text file below ``folder``, which must exist; the title travels beside it.

    The file's name is a running number: ids may hold anything, and a telling name would be indexed.
    """

    root = "evaluation"
    complete = True

    def __init__(self, documents: Sequence[BeirDocument], *, folder: Path, label: str) -> None:
        self.label = label
        self._documents = documents
        self._folder = folder

    def scan(self) -> Scan:
        """Write the files and list them."""
        return Scan(
            files=tuple(self._write(index, document) for index, document in enumerate(self._documents))
        )

    def record_at(self, path: str) -> BeirDocument:
        """The record written to ``path``."""
        return self._documents[int(path.removesuffix(".txt").replace("/", ""))]

    def _write(self, index: int, document: BeirDocument) -> SourceFile:
        path = f"{index // _FILES_PER_FOLDER:06d}/{index % _FILES_PER_FOLDER:03d}.txt"
        local = self._folder / path
        local.parent.mkdir(exist_ok=True)
        local.write_bytes(document.text.encode())
        facts = local.stat()
        return SourceFile(
            path=path,
            local=local,
            size=facts.st_size,
            mtime_ns=facts.st_mtime_ns,
            title=document.title or _NO_TITLE,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordFailure:
    """A record that could not be ingested, with the ingestion's own code and message."""

    id: str
    code: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class IngestedRecords:
    """What an ingestion of records gave, and what it took.

    Attributes:
        record_ids: id of the record by the catalog's document id.
        seconds: from the first file written to the last index switched; loading the model is not in it.
        peak_rss_mb: most resident memory of this process so far, in MiB; parser processes have their own.
        parser_peak_rss_mb: the same of the largest child process.
    """

    record_ids: Mapping[str, str]
    documents: int
    chunks: int
    seconds: float
    peak_rss_mb: float
    parser_peak_rss_mb: float
    failures: tuple[RecordFailure, ...]

    def to_json(self) -> dict[str, Any]:
        """The ``ingest`` object of the contract, with the failures and the parsers' memory besides."""
        shown = self.failures[:FAILURES_SHOWN]
        return {
            "seconds": number(self.seconds, 3),
            "documents_per_second": number(self.documents / self.seconds, 2),
            "chunks_per_second": number(self.chunks / self.seconds, 2),
            "peak_rss_mb": number(self.peak_rss_mb, 1),
            "parser_peak_rss_mb": number(self.parser_peak_rss_mb, 1),
            "failed": len(self.failures),
            "failures": [{"id": each.id, "code": each.code, "message": each.message} for each in shown],
        }


def ingest_records(
    footnote: Footnote, source: RecordSource, *, collection: Collection, progress: Progress
) -> IngestedRecords:
    """Run the real pipeline over ``source`` and measure it.

    Raises:
        DatasetError: no record could be ingested.
    """
    started = time.perf_counter()
    with build_ingestor(footnote) as ingestor:
        result = ingestor.sync(  # judged by id: a record that repeats another one's text counts too
            source, collection=collection, keep_duplicates=True, progress=_Files(progress)
        )
        seconds = time.perf_counter() - started
    failures = tuple(
        RecordFailure(id=source.record_at(each.path).id, code=each.code, message=each.message)
        for each in result.failures
    )
    if result.documents == 0:
        first = (
            f"{failures[0].id!r} failed with {failures[0].code}: {failures[0].message}" if failures else ""
        )
        raise DatasetError(f"No record of {source.label!r} could be ingested. {first}".strip())
    return IngestedRecords(
        record_ids={
            document.id: source.record_at(document.path).id
            for document in _documents(footnote.catalog, collection)
        },
        documents=result.documents,
        chunks=result.chunks,
        seconds=seconds,
        peak_rss_mb=_peak_rss_mb(resource.RUSAGE_SELF),
        parser_peak_rss_mb=_peak_rss_mb(resource.RUSAGE_CHILDREN),
        failures=failures,
    )


def _documents(catalog: Catalog, collection: Collection) -> Iterator[Document]:
    after = None
    while page := catalog.documents(collection.id, access=Access.everything(), limit=_PAGE, after=after):
        yield from page
        after = page[-1].id


class _Files:
    """Passes an ingestion's progress on as files done and files in all."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def update(self, status: Status) -> None:
        self._progress(status.files_done, status.files_total)


def _peak_rss_mb(who: int) -> float:
    return resource.getrusage(who).ru_maxrss * _RSS_UNIT / 2**20
