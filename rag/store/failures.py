"""Database failures in Footnote's words; no SQLAlchemy error leaves this package."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from rag.errors import DiskFull, StorageError

_FULL = "No space is left for the catalog; free some and try again. What was committed before is intact."

# The first row whose start matches SQLite's error name or PostgreSQL's SQLSTATE decides.
_FAILURES: tuple[tuple[str, type[StorageError], str], ...] = (
    ("SQLITE_FULL", DiskFull, _FULL),
    ("SQLITE_IOERR_SHMSIZE", DiskFull, _FULL),
    ("SQLITE_IOERR", StorageError, "The disk failed while the catalog was read or written; check it."),
    ("SQLITE_READONLY", StorageError, "The catalog is read-only; make its file and folder writable."),
    (
        "SQLITE_CANTOPEN",
        StorageError,
        "The catalog's file cannot be opened; check path, rights and disk space.",
    ),
    (
        "SQLITE_NOTADB",
        StorageError,
        "The catalog's file is not an SQLite database; restore it from a backup.",
    ),
    ("SQLITE_CORRUPT", StorageError, "The catalog's file is damaged; restore it from a backup."),
    ("SQLITE_BUSY", StorageError, "Another process kept the catalog locked for too long; try again."),
    ("SQLITE_LOCKED", StorageError, "The catalog is locked by another connection; try again."),
    ("53100", DiskFull, _FULL),
    ("08", StorageError, "The catalog's PostgreSQL server cannot be reached; check that it runs."),
    ("57P", StorageError, "The catalog's PostgreSQL server is stopping or starting; try again."),
    ("40", StorageError, "The catalog refused two changes at once; try again."),
)


@contextmanager
def translated() -> Iterator[None]:
    """Turn database errors raised inside into :class:`StorageError` or :class:`DiskFull`."""
    try:
        yield
    except DBAPIError as exc:
        raise _translation(exc.orig) from exc
    except sqlite3.Error as exc:
        raise _translation(exc) from exc
    except SQLAlchemyError as exc:
        raise StorageError(f"The catalog failed: {_first_line(exc)}.") from exc


def _translation(error: BaseException | None) -> StorageError:
    code = getattr(error, "sqlite_errorname", None) or getattr(error, "sqlstate", None) or ""
    detail = _first_line(error)
    for start, kind, sentence in _FAILURES:
        if code.startswith(start):
            return kind(f"{sentence} ({detail})")
    return StorageError(f"The catalog failed: {detail}.")


def _first_line(error: BaseException | None) -> str:
    # The lines after it repeat the statement and its values: document text that belongs in no message.
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
