"""Several threads and processes at one catalog: a reader sees version n or n + 1, whole."""

from __future__ import annotations

import contextlib
import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.process import BaseProcess

import pytest

from rag.domain import Access, Collection
from rag.interfaces import Catalog
from rag.store import changes
from rag.store.catalog import open_catalog
from rag.store.database import Database
from tests.sources import EMBEDDER, ROOT, new_version, put

EVERYTHING = Access.everything()
ROUNDS = 25
SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def handbook(catalog: Catalog) -> Collection:
    return catalog.create_collection("handbook", EMBEDDER.profile)


def text_of(number: int) -> str:
    """A text whose every chunk names the version it belongs to; its length changes too."""
    return " ".join(f"Part {part} of version {number}." for part in range(number % 4 + 2))


def ingest_rounds(url: str, collection_id: str) -> None:
    """What the other process does."""
    catalog = open_catalog(url)
    for number in range(2, ROUNDS + 2):
        put(catalog, collection_id, new_version("a.txt", text_of(number)))
    catalog.close()


def open_and_close(url: str) -> None:
    open_catalog(url).close()


def started(target: object, *arguments: object) -> BaseProcess:
    process = SPAWN.Process(target=target, args=arguments)  # type: ignore[arg-type]
    process.start()
    return process


def test_a_reader_sees_whole_versions_while_another_process_ingests(
    catalog: Catalog, catalog_url: str, handbook: Collection
) -> None:
    document = put(catalog, handbook.id, new_version("a.txt", text_of(1)))
    writer = started(ingest_rounds, catalog_url, handbook.id)
    seen = []
    while not seen or seen[-1] <= ROUNDS:
        alive = writer.is_alive()
        chunks = catalog.document_chunks(document.id, access=EVERYTHING)
        (number,) = {chunk.version for chunk in chunks}
        assert " ".join(chunk.text for chunk in chunks) == text_of(number)
        (batch,) = catalog.chunks_added_since(handbook.id, 0, upto=10_000)
        assert " ".join(chunk.text for chunk in batch) in {text_of(n) for n in range(number, ROUNDS + 2)}
        sequence, live = catalog.live_chunk_count(handbook.id)
        assert live == sequence % 4 + 2
        seen.append(number)
        assert alive or number == ROUNDS + 1, "the writer stopped early"
    writer.join()
    assert writer.exitcode == 0
    assert seen == sorted(seen)
    assert catalog.check() == []


def test_versions_put_at_once_are_numbered_one_after_the_other(
    catalog: Catalog, catalog_url: str, handbook: Collection
) -> None:
    other = open_catalog(catalog_url)

    def next_version(number: int) -> int:
        store = (catalog, other)[number % 2]
        return put(store, handbook.id, new_version("a.txt", text_of(number))).version

    with ThreadPoolExecutor(6) as pool:
        numbers = list(pool.map(next_version, range(18)))
    other.close()
    assert sorted(numbers) == list(range(1, 19))
    assert catalog.collection("handbook").sequence == 18
    (document,) = catalog.documents(handbook.id, access=EVERYTHING)
    assert document.version == 18
    assert catalog.check() == []


def test_many_threads_read_and_write_at_once(catalog: Catalog, handbook: Collection) -> None:
    def work(number: int) -> int:
        document = put(catalog, handbook.id, new_version(f"{number % 5}.txt", text_of(number)))
        catalog.touch_source(
            handbook.id, ROOT, document.path, size=number, mtime_ns=1, groups=frozenset({"staff"})
        )
        chunks = catalog.document_chunks(document.id, access=EVERYTHING)
        return len({chunk.version for chunk in chunks})

    with ThreadPoolExecutor(12) as pool:
        assert set(pool.map(work, range(40))) == {1}
    assert catalog.collection("handbook").documents == 5
    assert catalog.check() == []


def test_a_version_that_was_never_committed_leaves_no_trace(
    catalog: Catalog, catalog_url: str, handbook: Collection
) -> None:
    document = put(catalog, handbook.id, new_version("a.txt", text_of(1)))
    database = Database(catalog_url)
    with contextlib.suppress(KeyboardInterrupt), database.write() as session:
        changes.put_source(session, handbook.id, [new_version("a.txt", text_of(2))], None)
        # Beside an unfinished change, readers neither wait nor see any of it.
        assert catalog.document(document.id, access=EVERYTHING) == document
        raise KeyboardInterrupt
    database.close()
    assert catalog.documents(handbook.id, access=EVERYTHING) == [document]
    assert catalog.live_chunk_count(handbook.id) == (1, 3)
    assert list(catalog.chunks_removed_since(handbook.id, 0, upto=9)) == []
    assert put(catalog, handbook.id, new_version("a.txt", text_of(3))).version == 2


def test_processes_that_open_a_new_catalog_at_once_all_succeed(catalog_url: str) -> None:
    processes = [started(open_and_close, catalog_url) for _ in range(3)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(open_and_close, [catalog_url] * 4))
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    catalog = open_catalog(catalog_url)
    assert catalog.collections() == []
    catalog.close()
