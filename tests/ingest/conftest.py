"""A folder, a real catalog and real parser processes (one pool for all tests: its imports take seconds)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ingest.parsing.process import ParserPool
from ingest.pipeline import Ingestor
from ingest.result import IngestFailure, IngestResult
from ingest.sources import FolderSource, SourceFile
from ingest.stages import CleanDocument, FailedFile, ReadFile
from rag.domain import Access, Collection, Document, StoredChunk
from rag.interfaces import Catalog
from rag.store.catalog import open_catalog
from tests.fakes import HashedEmbedder
from tests.patience import LONG_S

EVERYONE = Access.everything()


@dataclass
class RecordingIndexes:
    """Remembers which collections were brought up to date."""

    refreshed: list[str] = field(default_factory=list)

    def refresh(self, collection_id: str) -> Any:
        self.refreshed.append(collection_id)

    def snapshot(self, collection: Collection) -> Any:
        raise AssertionError("an ingestion does not search")

    def build_beside(self, target: Collection) -> None:
        raise AssertionError("nothing is to be re-embedded")

    def drop(self, collection_id: str) -> None:
        raise AssertionError("an ingestion does not drop indexes")

    def drop_other_spaces(self, collection: Collection) -> None:
        """There are none."""


@dataclass
class Workshop:
    """Everything an ingestion needs, with the questions a user would ask afterwards."""

    folder: Path
    catalog: Catalog
    embedder: HashedEmbedder
    indexes: RecordingIndexes
    ingestor: Ingestor
    collection: Collection

    def write(self, path: str, content: str | bytes) -> Path:
        """Put a file into the folder."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def sync(self, **options: Any) -> IngestResult:
        return self.ingestor.sync(FolderSource(self.folder), collection=self.collection, **options)

    def documents(self) -> dict[str, Document]:
        found = self.catalog.documents(self.collection.id, access=EVERYONE)
        return {document.path: document for document in found}

    def text(self, path: str) -> str:
        return self.catalog.content(self.documents()[path].id, access=EVERYONE).text

    def chunks(self, path: str) -> list[StoredChunk]:
        return self.catalog.document_chunks(self.documents()[path].id, access=EVERYONE)


@pytest.fixture(scope="session")
def parsers() -> Iterator[ParserPool]:
    with ParserPool(workers=1, timeout_s=LONG_S, memory_mb=4096) as pool:
        yield pool


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    opened = open_catalog(f"sqlite:///{tmp_path / 'catalog.sqlite3'}")
    yield opened
    opened.close()


@pytest.fixture
def workshop(tmp_path: Path, catalog: Catalog, embedder: HashedEmbedder, parsers: ParserPool) -> Workshop:
    folder = tmp_path / "handbook"
    folder.mkdir()
    indexes = RecordingIndexes()
    return Workshop(
        folder=folder,
        catalog=catalog,
        embedder=embedder,
        indexes=indexes,
        ingestor=Ingestor(
            catalog=catalog,
            embedder=embedder,
            indexes=indexes,
            parsers=parsers,
            locks=tmp_path / "locks",
            max_file_mb=1,
        ),
        collection=catalog.create_collection("handbook", embedder.profile),
    )


def parse(pool: ParserPool, file: Path) -> CleanDocument:
    """The cleaned document of a file without others inside it."""
    read = read_whole(pool, file)
    assert len(read.documents) == 1, read
    assert not read.failures
    return read.documents[0]


def read_whole(pool: ParserPool, file: Path) -> ReadFile:
    """The documents of the file and of the files in it, as the pipeline gets them."""
    outcome = _read(pool, file)
    assert not isinstance(outcome, FailedFile), outcome
    read: ReadFile = outcome[1]
    return read


def refuse(pool: ParserPool, file: Path) -> IngestFailure:
    """Why the file is refused."""
    outcome = _read(pool, file)
    assert isinstance(outcome, FailedFile), outcome
    return outcome.failure


def _read(pool: ParserPool, file: Path) -> Any:
    source = SourceFile(path=file.name, local=file, size=file.stat().st_size, mtime_ns=0)
    return next(pool.read([source], stop=lambda: False))
