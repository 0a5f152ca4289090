"""Parsers run in processes of their own: a file that hangs, crashes or eats memory costs one file only."""

from __future__ import annotations

import logging
import multiprocessing
import re
import signal
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, wait
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from shutil import rmtree
from types import TracebackType
from typing import Any

from pebble import ProcessExpired, ProcessPool

from ingest.parsing.ocr import DEFAULT_LANGUAGES, choose_languages
from ingest.parsing.read import DEFAULT_LIMITS, MEBIBYTE, ReadLimits, read_file
from ingest.parsing.sandbox import Sandbox, confined, enter_sandbox, last_words
from ingest.parsing.scratch import Scratch
from ingest.parsing.table import file_type
from ingest.result import IngestFailure
from ingest.sources import SourceFile, unreadable
from ingest.stages import FailedFile, ReadFile
from rag.errors import SourceError

_FILES_PER_PROCESS = 1000  # then a fresh process, so that a leak in a library cannot grow
_AHEAD_PER_WORKER = 8
_POLL_SECONDS = 0.25  # how soon a cancellation is heard while a file is being parsed
_NO_MEMORY = re.compile(r"bad_alloc|out of memory|memory allocation|cannot allocate", re.IGNORECASE)
_log = logging.getLogger(__name__)

ParsedFile = tuple[SourceFile, ReadFile]
Reader = Callable[[Path, str, str | None], ReadFile]


class ParserPool:
    """The parser processes; started early, since a parser's imports take seconds.

    Args:
        timeout_s: seconds that one file may take, on the clock and of one processor.
        scan_timeout_s: seconds on the clock for a file whose pages may be pictures.
        memory_mb: memory of one process.
        limits: what one file may unpack to.
        ocr_languages: languages of scans, as tesseract names them.
        reader: what a process does with a file; the default reads, parses and cleans it and what is in it.
    """

    def __init__(
        self,
        *,
        workers: int,
        timeout_s: float,
        scan_timeout_s: float | None = None,
        memory_mb: int,
        limits: ReadLimits = DEFAULT_LIMITS,
        ocr_languages: str = DEFAULT_LANGUAGES,
        reader: Reader | None = None,
    ) -> None:
        self._reader = reader or partial(read_file, limits=limits)
        self._timeout_s = timeout_s
        self._scan_timeout_s = timeout_s if scan_timeout_s is None else scan_timeout_s
        self._workers = workers
        self._scratch = Scratch()
        self._numbers = count()
        self._pool = ProcessPool(
            max_workers=workers,
            max_tasks=_FILES_PER_PROCESS,
            initializer=_start,
            initargs=[
                Sandbox(folder=self._scratch.folder, memory_mb=memory_mb, file_mb=limits.total // MEBIBYTE),
                ocr_languages,
            ],
            context=multiprocessing.get_context("spawn"),
        )
        for _ in range(workers):
            self._pool.schedule(warm_up)

    def read(
        self, files: Iterable[SourceFile], *, stop: Callable[[], bool]
    ) -> Generator[ParsedFile | FailedFile]:
        """Parse and clean the files, in order, a bounded number of them ahead of the caller."""
        waiting: deque[_Submitted] = deque()
        remaining = iter(files)
        try:
            while True:
                while len(waiting) < self._workers * _AHEAD_PER_WORKER and not stop():
                    file = next(remaining, None)
                    if file is None:
                        break
                    waiting.append(self._submit(file))
                if not waiting or not _finished(waiting[0].future, stop=stop):
                    return
                yield self._outcome(waiting.popleft())
        finally:
            for submitted in waiting:
                submitted.future.cancel()
                submitted.copy.unlink(missing_ok=True)

    def close(self) -> None:
        """End the processes, also those at work."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()
        self._scratch.remove()

    def __enter__(self) -> ParserPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _submit(self, file: SourceFile) -> _Submitted:
        folder = self._scratch.folder / str(next(self._numbers))
        copy = folder.with_suffix(".copy")
        try:
            if file.download is not None:
                file.download(copy)
        except OSError as exc:
            failed: Future[ReadFile] = Future()
            failed.set_exception(SourceError("file_unreadable", unreadable("The file", exc)))
            return _Submitted(file=file, future=failed, folder=folder, copy=copy)
        local = copy if file.download else file.local
        future = self._pool.schedule(
            read_confined,
            args=[self._reader, local, file.path, file.title, folder, self._timeout_s],
            timeout=self._seconds(file),
        )
        return _Submitted(file=file, future=future, folder=folder, copy=copy)

    def _outcome(self, submitted: _Submitted) -> ParsedFile | FailedFile:
        """What became of the file; its temporary files go, also those of a process that was ended."""
        file = submitted.file
        try:
            return file, submitted.future.result()
        except SourceError as exc:
            return _failed(file, exc.source_code, str(exc))
        except (FutureTimeoutError, TimeoutError):
            return self._timed_out(file)
        except MemoryError:
            return _out_of_memory(file)
        except ProcessExpired as exc:
            return self._died(submitted, exc.exitcode)
        except Exception:  # noqa: BLE001 - whatever a parsing library raises costs this one file; it is logged
            _log.exception("The parser failed on %s", file.path)
            message = "The parser failed on this file; save it again, or convert it."
            return _failed(file, "parser_crashed", message)
        finally:
            rmtree(submitted.folder, ignore_errors=True)
            submitted.copy.unlink(missing_ok=True)

    def _died(self, submitted: _Submitted, exitcode: int) -> FailedFile:
        """A process that ended by itself, with its last words telling why where they do."""
        if exitcode == -signal.SIGXCPU:
            return self._timed_out(submitted.file)
        said = last_words(submitted.folder)
        _log.warning(
            "The parser process ended with exit code %s on %s: %s", exitcode, submitted.file.path, said
        )
        if exitcode == -signal.SIGKILL or _NO_MEMORY.search(said):  # nobody but the kernel kills it here
            return _out_of_memory(submitted.file)
        message = (
            "The parser crashed on this file, perhaps for want of memory; save it again, convert it, or "
            "raise parse_memory_mb."
        )
        return _failed(submitted.file, "parser_crashed", message)

    def _seconds(self, file: SourceFile) -> float:
        kind = file_type(file.path)
        return self._scan_timeout_s if kind is not None and kind.may_be_scan else self._timeout_s

    def _timed_out(self, file: SourceFile) -> FailedFile:
        seconds = self._seconds(file)
        setting = "parse_timeout_s" if seconds == self._timeout_s else "ocr_timeout_s"
        message = f"Parsing took more than {seconds:g} seconds; split the file, or raise {setting}."
        return _failed(file, "parse_timeout", message)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Submitted:
    """A file at work in a parser process, its temporary files, and its copy where it was downloaded."""

    file: SourceFile
    future: Any
    folder: Path
    copy: Path


def read_confined(
    reader: Reader, local: Path, path: str, title: str | None, folder: Path, seconds: float
) -> ReadFile:
    """Read one file inside the sandbox; runs in the parser process."""
    with confined(folder, seconds=seconds):
        return reader(local, path, title)


def _start(sandbox: Sandbox, ocr_languages: str) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # pebble's handler waits for a library's work to end
    sys.modules.setdefault("torch", None)  # type: ignore[arg-type]  # spaCy would load it, for nothing here
    choose_languages(ocr_languages)
    enter_sandbox(sandbox)


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


def _out_of_memory(file: SourceFile) -> FailedFile:
    message = "Parsing needed more memory than allowed; split the file, or raise parse_memory_mb."
    return _failed(file, "out_of_memory", message)


def _failed(file: SourceFile, code: str, message: str) -> FailedFile:
    return FailedFile(file=file, failure=IngestFailure(path=file.path, code=code, message=message))
