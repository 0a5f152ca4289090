"""What a user is told when the disk or the database fails; no library's error gets out."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event, text

from rag.domain import Access, Collection
from rag.errors import DiskFull, SettingsError, StorageError
from rag.interfaces import Catalog
from rag.store.catalog import SqlCatalog, open_catalog
from rag.store.database import Database
from tests.sources import EMBEDDER, new_version, put

EVERYTHING = Access.everything()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "catalog.sqlite3"


@pytest.fixture
def catalog(file: Path) -> Iterator[Catalog]:
    opened = open_catalog(f"sqlite:///{file}")
    yield opened
    opened.close()


@pytest.fixture
def handbook(catalog: Catalog) -> Collection:
    collection = catalog.create_collection("handbook", EMBEDDER.profile)
    put(catalog, collection.id, new_version("a.txt", "One. Two."))
    return collection


def run(file: Path, statement: str) -> None:
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "cannot be read; expected sqlite:///FILE"),
        ("mysql://host/name", "cannot live in 'mysql'"),
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
        ("postgresql+nodriver://host/name", "footnote\\[postgres\\]"),
    ],
)
def test_a_url_that_cannot_work_is_a_settings_error(url: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        open_catalog(url)


def test_a_password_is_not_repeated_in_the_message(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as unreachable:
        open_catalog(f"postgresql://someone:geheim@/name?host={tmp_path}")
    assert "geheim" not in str(unreachable.value)


def test_committed_writes_reach_the_disk_and_foreign_keys_hold(file: Path, catalog: Catalog) -> None:
    database = Database(f"sqlite:///{file}")
    with database.write() as session:
        pragmas = {
            name: session.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    database.close()
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}


def test_a_full_disk_keeps_what_was_committed(file: Path, catalog: Catalog, handbook: Collection) -> None:
    database = Database(f"sqlite:///{file}")
    pages = os.path.getsize(file) // 4096 + 40
    event.listen(
        database.engine,
        "connect",
        lambda connection, _: connection.execute(f"PRAGMA max_page_count = {pages}"),
    )
    small = SqlCatalog(database)
    with pytest.raises(DiskFull, match="No space is left"):
        put(small, handbook.id, new_version("a.txt", "A long sentence. " * 20_000))
    small.close()
    (document,) = catalog.documents(handbook.id, access=EVERYTHING)
    assert document.version == 1
    assert catalog.content(document.id, access=EVERYTHING).text == "One. Two."
    assert catalog.check() == []


def test_a_file_that_is_no_database_is_named_as_such(file: Path) -> None:
    file.write_bytes(b"This is a letter, not a database. " * 200)
    with pytest.raises(StorageError, match="not an SQLite database"):
        open_catalog(f"sqlite:///{file}")
    assert file.read_bytes().startswith(b"This is a letter")


def test_a_damaged_file_is_reported_by_the_check(file: Path, catalog: Catalog, handbook: Collection) -> None:
    put(catalog, handbook.id, new_version("b.txt", "Some more words. " * 2000))
    assert catalog.check() == []
    catalog.close()
    with file.open("r+b") as handle:
        handle.seek(4096)
        handle.write(b"\xff" * 4096 * 8)
    try:
        found = open_catalog(f"sqlite:///{file}").check()
    except StorageError as exc:
        found = [str(exc)]
    assert any("damaged" in line or "integrity check" in line for line in found)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be made"):
        open_catalog(f"sqlite:///{tmp_path}/file/sub/catalog.sqlite3")


def test_a_path_that_is_a_folder_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be opened"):
        open_catalog(f"sqlite:///{tmp_path}")


def test_a_write_to_a_read_only_catalog_says_so(file: Path, catalog: Catalog, handbook: Collection) -> None:
    database = Database(f"sqlite:///{file}")
    event.listen(
        database.engine, "connect", lambda connection, _: connection.execute("PRAGMA query_only = ON")
    )
    read_only = SqlCatalog(database)
    assert read_only.collection("handbook").documents == 1
    with pytest.raises(StorageError, match="read-only; make its file and folder writable"):
        put(read_only, handbook.id, new_version("b.txt", "One."))
    read_only.close()


def test_a_failure_never_repeats_document_text(catalog: Catalog, handbook: Collection) -> None:
    unstorable = new_version("b.txt", "Salaries.", metadata={"secret": "Salaries", "when": object()})
    with pytest.raises(StorageError, match="not JSON serializable") as failure:
        put(catalog, handbook.id, unstorable)
    assert "Salaries" not in str(failure.value)


def test_a_catalog_locked_for_too_long_says_so(
    file: Path, catalog: Catalog, handbook: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag.store.database.BUSY_TIMEOUT_MS", 20)
    impatient = SqlCatalog(Database(f"sqlite:///{file}"))
    blocker = sqlite3.connect(file, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match="locked for too long; try again"):
        put(impatient, handbook.id, new_version("b.txt", "One."))
    assert impatient.collection("handbook").documents == 1
    blocker.close()
    assert put(impatient, handbook.id, new_version("b.txt", "One.")).version == 1
    impatient.close()


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        ("DELETE FROM documents", "belongs to no current version: document"),
        ("UPDATE documents SET version = 2", "belongs to no current version"),
        ("DELETE FROM document_versions", "has lost its text"),
        ("UPDATE document_versions SET text = 'Uno. Due.'", "is not the text of document"),
        (
            "UPDATE chunks SET vector = x'00'",
            "vector of chunk 1 has 1 bytes, its collection's vectors have 64",
        ),
        ("UPDATE collections SET documents = 5", "counts 5 documents, but holds 1"),
        ("DELETE FROM chunks", "counts 2 chunks, but holds 0"),
    ],
)
def test_the_check_names_what_no_longer_fits(
    file: Path, catalog: Catalog, handbook: Collection, damage: str, problem: str
) -> None:
    assert catalog.check() == []
    run(file, damage)
    assert any(problem in line for line in catalog.check())
