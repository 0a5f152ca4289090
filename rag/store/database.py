"""Connections and transactions: a read is one snapshot, a write is one atomic change."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from rag.errors import SettingsError, StorageError
from rag.store.failures import translated

BUSY_TIMEOUT_MS = 30_000
_WRITES = "footnote_writes"
_POSTGRES_NAMES = ("postgres", "postgresql")


class Database:
    """One database with its pool of connections; safe to share between threads."""

    def __init__(self, url: str) -> None:
        """Connects lazily.

        Raises:
            SettingsError: the URL is malformed, names no file, or needs a driver that is not installed.
            StorageError: the folder of the SQLite file cannot be made.
        """
        self.url = _parse(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _open_sqlite(self.url) if self.is_sqlite else _open_server(self.url)
        self._readers = (
            self.engine
            if self.is_sqlite
            else self.engine.execution_options(isolation_level="REPEATABLE READ")
        )
        self._writers = self.engine.execution_options(**{_WRITES: True})

    @property
    def path(self) -> Path:
        """The SQLite file."""
        assert self.is_sqlite, "a server has no file"
        return Path(self.url.database or "")

    @contextmanager
    def read(self) -> Iterator[Session]:
        """All queries inside see the same committed state."""
        with translated(), Session(self._readers) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Committed at the end, undone by an exception; SQLite lets one writer in at a time."""
        with translated(), Session(self._writers, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def schema_change(self) -> Iterator[Connection]:
        """A transaction for migrations; on SQLite it also switches the file to write-ahead logging.

        Changing a table there means to copy it and drop the old one, which would delete the rows that refer
        to it while foreign keys are on.
        """
        if not self.is_sqlite:
            with translated(), self.engine.begin() as connection:
                yield connection
            return
        engine = create_engine(self.url, poolclass=NullPool)
        _run_on_connect(engine, "journal_mode = WAL", "foreign_keys = OFF")
        event.listen(engine, "begin", _begin_write)
        with translated(), engine.begin() as connection:
            yield connection

    def close(self) -> None:
        """Release the connections."""
        self.engine.dispose()


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as exc:
        raise SettingsError(
            "The catalog's URL cannot be read; expected sqlite:///FILE or postgresql://…"
        ) from exc
    backend = parsed.get_backend_name()
    if backend in _POSTGRES_NAMES:
        driver = "postgresql+psycopg" if parsed.drivername in _POSTGRES_NAMES else parsed.drivername
        return parsed.set(drivername=driver)
    if backend != "sqlite":
        raise SettingsError(
            f"The catalog cannot live in {backend!r}; expected sqlite:///FILE or postgresql://…"
        )
    if not parsed.database or parsed.database == ":memory:":
        raise SettingsError(
            "The catalog needs a file (sqlite:///FILE): several threads and processes share it."
        )
    return parsed


def _open_server(url: URL) -> Engine:
    try:
        return create_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=40)
    except (ImportError, NoSuchModuleError) as exc:
        raise SettingsError(
            f"The driver of {url.drivername} is missing; install footnote[postgres] and use postgresql://…"
        ) from exc


def _open_sqlite(url: URL) -> Engine:
    folder = Path(url.database or "").parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise StorageError(f"The catalog's folder {folder} cannot be made: {exc.strerror}.") from exc
    engine = create_engine(url, pool_size=10, max_overflow=40)
    _run_on_connect(engine, "foreign_keys = ON")
    event.listen(engine, "begin", _begin)
    return engine


def _run_on_connect(engine: Engine, *pragmas: str) -> None:
    def prepare(connection: sqlite3.Connection, _record: Any) -> None:
        # Python's driver would begin transactions late; the engine's begin event does it instead.
        connection.isolation_level = None
        for pragma in (f"busy_timeout = {BUSY_TIMEOUT_MS}", "synchronous = FULL", *pragmas):
            connection.execute(f"PRAGMA {pragma}")

    event.listen(engine, "connect", prepare)


def _begin(connection: Connection) -> None:
    if connection.get_execution_options().get(_WRITES):
        _begin_write(connection)
    else:
        connection.exec_driver_sql("BEGIN")


def _begin_write(connection: Connection) -> None:
    # A writer takes the lock at once: a transaction that read first could not be upgraded later.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
