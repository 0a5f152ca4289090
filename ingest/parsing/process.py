"""Parsers run in processes of their own: a file that hangs, crashes or eats memory costs one file only."""

from __future__ import annotations

import logging
import multiprocessing
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import TimeoutError as FutureTimeoutError
from concurrent.futures import wait
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any

from pebble import ProcessExpired, ProcessPool

from ingest.parsing.read import read_file
from ingest.parsing.sandbox import enter_sandbox
from ingest.result import IngestFailure
from ingest.sources import SourceFile
from ingest.stages import FailedFile, ReadFile
from rag.errors import SourceError

_FILES_PER_PROCESS = 1000  # then a fresh process, so that a leak in a library cannot grow
_AHEAD_PER_WORKER = 8
_POLL_SECONDS = 0.25  # how soon a cancellation is heard while a file is being parsed
_log = logging.getLogger(__name__)

ParsedFile = tuple[SourceFile, ReadFile]
Reader = Callable[[Path, str, str | None], ReadFile]


class ParserPool:
    """The parser processes; started early, since a parser's imports take seconds.

    Args:
        timeout_s: seconds that one file may take.
        memory_mb: address space of one process.
        reader: what a process does with a file; the default reads, parses and cleans it and what is in it.
    """

    def __init__(
        self, *, workers: int, timeout_s: float, memory_mb: int, reader: Reader | None = None
    ) -> None:
        self._reader = reader or read_file
        self._timeout_s = timeout_s
        self._workers = workers
        self._pool = ProcessPool(
            max_workers=workers,
            max_tasks=_FILES_PER_PROCESS,
            initializer=enter_sandbox,
            initargs=[memory_mb],
            context=multiprocessing.get_context("spawn"),
        )
        for _ in range(workers):
            self._pool.schedule(warm_up)

    def read(
        self, files: Iterable[SourceFile], *, stop: Callable[[], bool]
    ) -> Generator[ParsedFile | FailedFile]:
        """Parse and clean the files, in order, a bounded number of them ahead of the caller."""
        waiting: deque[tuple[SourceFile, Any]] = deque()
        remaining = iter(files)
        try:
            while True:
                while len(waiting) < self._workers * _AHEAD_PER_WORKER and not stop():
                    file = next(remaining, None)
                    if file is None:
                        break
                    waiting.append((file, self._submit(file)))
                if not waiting or not _finished(waiting[0][1], stop=stop):
                    return
                yield _outcome(*waiting.popleft(), timeout_s=self._timeout_s)
        finally:
            for _, future in waiting:
                future.cancel()

    def close(self) -> None:
        """End the processes, also those at work."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()

    def __enter__(self) -> ParserPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _submit(self, file: SourceFile) -> Any:
        return self._pool.schedule(
            self._reader, args=[file.local, file.path, file.title], timeout=self._timeout_s
        )


def warm_up() -> None:
    """Import what takes long, while the caller is still loading its model."""
    from ingest.parsing.unstructured_setup import prepare_unstructured

    prepare_unstructured()
    if find_spec("unstructured.partition.html"):
        import unstructured.partition.html  # noqa: F401


def _finished(future: Any, *, stop: Callable[[], bool]) -> bool:
    """Wait for the file; ``False`` as soon as ``stop`` says so."""
    while not stop():
        if wait([future], timeout=_POLL_SECONDS).done:
            return True
    return False


def _outcome(file: SourceFile, future: Any, *, timeout_s: float) -> ParsedFile | FailedFile:
    try:
        return file, future.result()
    except SourceError as exc:
        return _failed(file, exc.source_code, str(exc))
    except (FutureTimeoutError, TimeoutError):
        return _failed(
            file,
            "parse_timeout",
            f"Parsing took more than {timeout_s:g} seconds; split the file, or raise parse_timeout_s.",
        )
    except MemoryError:
        return _failed(
            file,
            "out_of_memory",
            "Parsing needed more memory than allowed; split the file, or raise parse_memory_mb.",
        )
    except ProcessExpired as exc:
        _log.warning("The parser process ended with exit code %s on %s", exc.exitcode, file.path)
        return _failed(
            file, "parser_crashed", "The parser crashed on this file; save it again, or convert it."
        )
    except Exception:  # noqa: BLE001 - whatever a parsing library raises costs this one file; it is logged
        _log.exception("The parser failed on %s", file.path)
        return _failed(
            file, "parser_crashed", "The parser failed on this file; save it again, or convert it."
        )


def _failed(file: SourceFile, code: str, message: str) -> FailedFile:
    return FailedFile(file=file, failure=IngestFailure(path=file.path, code=code, message=message))
