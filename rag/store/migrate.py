"""Brings a catalog's schema to the one this code was written for, also when two processes open it at once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from filelock import FileLock
from sqlalchemy import Connection, text

from rag.errors import StorageError
from rag.store.database import BUSY_TIMEOUT_MS, Database
from rag.store.failures import translated

# Alembic reports every look at the schema; a user needs to hear of problems only.
logging.getLogger("alembic").setLevel(logging.WARNING)

# Alembic keeps the migration that runs in module globals.
_ALEMBIC = threading.Lock()

_CONFIG = Path(__file__).with_name("alembic.ini")
_POSTGRES_LOCK = 0x466F6F74  # any number of our own; "Foot"


def migrate(database: Database) -> None:
    """Run the missing migrations in one transaction; an up-to-date catalog is only read.

    Raises:
        StorageError: the catalog was made by a newer Footnote, or cannot be read or written.
        DiskFull: no space for the migration; the old schema stays.
    """
    with translated():
        if _is_current(database):
            return
        with _ALEMBIC, _alone(database) as connection:
            config = Config(_CONFIG)
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, "head")
            except CommandError as exc:
                raise StorageError(f"The catalog's schema cannot be brought up to date: {exc}.") from exc
            _refuse_broken_references(connection)


def _is_current(database: Database) -> bool:
    """Whether nothing is to be done."""
    scripts = ScriptDirectory.from_config(Config(_CONFIG))
    with database.engine.connect() as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
        journal = connection.exec_driver_sql("PRAGMA journal_mode").scalar() if database.is_sqlite else "wal"
    known = {script.revision for script in scripts.walk_revisions()}
    if revision is not None and revision not in known:
        raise StorageError(
            f"The catalog has schema {revision!r}, which this Footnote does not know: a newer one made it. "
            "Upgrade Footnote, or use another data directory."
        )
    return revision == scripts.get_current_head() and journal == "wal"


@contextmanager
def _alone(database: Database) -> Iterator[Connection]:
    """A transaction that no other process migrates beside."""
    if not database.is_sqlite:
        with database.schema_change() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _POSTGRES_LOCK})
            yield connection
        return
    # Two switches to write-ahead logging at once fail without waiting, so a file keeps them apart.
    lock = FileLock(f"{database.path}.migrate.lock", timeout=BUSY_TIMEOUT_MS / 1000)
    try:
        lock.acquire()
    except OSError as exc:  # filelock's Timeout is one
        raise StorageError(f"The catalog {database.path} cannot be locked for its migration: {exc}.") from exc
    try:
        with database.schema_change() as connection:
            yield connection
    finally:
        lock.release()


def _refuse_broken_references(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(1)
        if broken:
            raise StorageError(
                f"The migration would leave rows without their parent: {broken[0]}; nothing changed."
            )
