"""A process that works on a data directory until it is killed, and tells what it did over a pipe."""

from __future__ import annotations

import os
import random
import time
import traceback
from collections.abc import Callable, Generator, Iterable
from multiprocessing.connection import Connection
from pathlib import Path

from ingest.parsing.process import ParsedFile
from ingest.parsing.read import read_file
from ingest.pipeline import Ingestor
from ingest.sources import SourceFile, open_source
from ingest.stages import FailedFile
from rag.domain import Access
from rag.errors import CollectionNotFound
from rag.index.generations import CollectionIndexes
from tests.faults import bugs
from tests.faults.load import (
    COLLECTION,
    EMBEDDER,
    Identities,
    Ledger,
    Operation,
    keywords_in,
    revision_of,
    text_of,
    versions_of,
)
from tests.faults.oracle import open_place
from tests.sources import ROOT

_PATHS = [f"put-{n}.zip" for n in range(12)]
_FILES = [f"file-{n}.txt" for n in range(8)]
_WEIGHTS = {"put": 8, "delete": 3, "move": 1, "refresh": 6, "query": 4, "sync": 3, "reopen": 1}


Tell = Callable[[tuple[str, object]], None]


class InlineParsers:
    """The parser pool's part without its processes, which take longer to start than a worker lives."""

    def read(
        self, files: Iterable[SourceFile], *, stop: Callable[[], bool]
    ) -> Generator[ParsedFile | FailedFile]:
        for file in files:
            if stop():
                return
            yield file, read_file(file.local, file.path, file.title)

    def close(self) -> None:
        """Nothing to end."""


class Worker:
    """The real parts over ``place``, doing one operation after the other; ``folder`` holds source files."""

    paths = tuple(_PATHS)

    def __init__(
        self, place: Path, folder: Path, ledger: Ledger, tell: Tell, *, is_open: bool = True
    ) -> None:
        self.place = place
        self.folder = folder
        self.ledger = ledger
        self._tell = tell
        if is_open:
            self.open()

    def open(self) -> None:
        """Everything anew, as a process that starts."""
        self.catalog = open_place(self.place)
        self.indexes = CollectionIndexes(self.place / "indexes", self.catalog)
        try:
            self.collection_id = self.catalog.collection(COLLECTION).id
        except CollectionNotFound:
            self._do(Operation(kind="create"), self._create)

    def close(self) -> None:
        self.catalog.close()

    def step(self, kind: str, choose: random.Random) -> None:
        """One operation of ``kind`` on a random file."""
        {
            "put": self.put,
            "delete": self.delete,
            "move": self.move,
            "refresh": self.refresh,
            "query": self.query,
            "sync": self.sync,
            "reopen": self.reopen,
        }[kind](choose)

    def put(self, choose: random.Random) -> None:
        """A new file, or a new revision."""
        self.store(choose.choice(_PATHS))

    def store(self, path: str) -> None:
        """The next revision of ``path``."""
        revision = self.ledger.next_revision

        def store() -> dict[str, Identities]:
            documents = self.catalog.put_source(self.collection_id, versions_of(path, revision))
            return {path: {document.part: (document.id, document.version) for document in documents}}

        self._do(Operation(kind="put", changes={path: revision}), store)

    def delete(self, choose: random.Random) -> None:
        """A file is gone."""
        path = choose.choice(self._stored() or _PATHS)

        def remove() -> dict[str, Identities]:
            self.catalog.delete_source(self.collection_id, ROOT, path)
            return {}

        self._do(Operation(kind="delete", changes={path: None}), remove)

    def move(self, choose: random.Random) -> None:
        """A file is at another place."""
        free = sorted(set(_PATHS) - set(self._stored()))
        if not self._stored() or not free:
            return
        old, new = choose.choice(self._stored()), choose.choice(free)

        def follow() -> dict[str, Identities]:
            self.catalog.move_source(self.collection_id, ROOT, old, to=new, label="handbook", mtime_ns=1)
            known = self.ledger.identities.get(old)
            return {} if known is None else {new: known}

        self._do(Operation(kind="move", changes={old: None, new: self.ledger.files[old]}), follow)

    def refresh(self, choose: random.Random) -> None:
        """The indexes follow the catalog."""

        def follow() -> dict[str, Identities]:
            self.indexes.refresh(self.collection_id)
            return {}

        self._do(Operation(kind="refresh"), follow)

    def query(self, choose: random.Random) -> None:
        """A question; nothing that is gone may be in the answer."""
        revision = choose.randrange(1, self.ledger.next_revision + 1)
        words = f"rule 9{revision:07d}000 of the handbook"

        def ask() -> dict[str, Identities]:
            opened = self.indexes.snapshot(self.catalog.collection_by_id(self.collection_id))
            hits = opened.keyword.search(words, 10, allowed=None)
            hits += opened.dense.search(EMBEDDER.embed_query(words), 10, allowed=None)
            ids = [hit.chunk_id for hit in hits]
            found = self.catalog.chunks_by_id(self.collection_id, ids, access=Access.everything())
            live = set(self.ledger.files.values())
            for keyword in (keyword for chunk in found.values() for keyword in keywords_in(chunk.text)):
                if revision_of(keyword) not in live:
                    self._tell(("violation", f"{keyword} was found, but is not live"))
            return {}

        self._do(Operation(kind="query"), ask)

    def sync(self, choose: random.Random) -> None:
        """Some files of the folder change, and the whole ingestion runs over it."""
        changes: dict[str, int | None] = {}
        revision = self.ledger.next_revision
        for path in choose.sample(_FILES, choose.randint(1, 3)):
            gone = choose.random() < 0.25
            changes[path] = None if gone else revision
            revision += not gone
        for path in _FILES:  # a sync that was killed may have left some undone
            changes.setdefault(path, self.ledger.files.get(path))

        def ingest() -> dict[str, Identities]:
            self._write_files(changes)
            ingestor = Ingestor(
                catalog=self.catalog,
                embedder=EMBEDDER,
                indexes=self.indexes,
                parsers=InlineParsers(),  # type: ignore[arg-type]
                locks=self.place / "locks",
                max_file_mb=1,
            )
            collection = self.catalog.collection(COLLECTION)
            result = ingestor.sync(open_source(str(self.folder)), collection=collection)
            if result.failures:
                self._tell(("violation", f"the ingestion reported {result.failures}"))
            return {}

        self._do(Operation(kind="sync", changes=changes, is_atomic=False), ingest)

    def reopen(self, choose: random.Random) -> None:
        """The process restarts."""
        self.close()
        self.open()

    def _create(self) -> dict[str, Identities]:
        self.collection_id = self.catalog.create_collection(COLLECTION, EMBEDDER.profile).id
        return {}

    def _stored(self) -> list[str]:
        return sorted(path for path in self.ledger.files if path in _PATHS)

    def _write_files(self, wanted: dict[str, int | None]) -> None:
        self.folder.mkdir(exist_ok=True)
        for path, revision in wanted.items():
            file = self.folder / path
            text = None if revision is None else text_of(path, revision, "")
            if text is None:
                file.unlink(missing_ok=True)
            elif not file.exists() or file.read_text() != text:
                file.write_text(text)

    def _do(self, operation: Operation, act: Callable[[], dict[str, Identities]]) -> None:
        self.ledger.begin(operation)
        self._tell(("begin", operation))
        identities = act()
        if self.indexes.repairs and self.ledger.is_indexed:
            self._tell(("violation", f"the index was damaged: {self.indexes.repairs}"))
        self.ledger.done(identities)
        self._tell(("done", identities))


def work(
    connection: Connection, place: Path, folder: Path, seed: int, ledger: Ledger, bug: str | None
) -> None:
    """The mixed load, until killed; entry point of the process."""
    choose = random.Random(seed)
    try:
        bugs.plant(bug)
        assert len(os.listdir("/proc/self/task")) == 1, "forked beside a running thread"
        worker = Worker(place, folder, ledger, connection.send)
        while True:
            kind = choose.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
            worker.step(kind, choose)
    except Exception:  # noqa: BLE001 - nobody has reason to fail here
        connection.send(("violation", traceback.format_exc()))
    while True:
        time.sleep(60)
