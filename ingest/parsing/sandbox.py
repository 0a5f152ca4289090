"""What a parser process gives up before it reads a file: network, writing, endless memory and time."""

from __future__ import annotations

import ctypes
import logging
import math
import os
import resource
import socket
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ingest.parsing.landlock import confine_writes

_LAST_WORDS = "stderr"
_SHOWN_WORDS = 2000
_MEBIBYTE = 1024 * 1024
_PROGRAM_MB = 64  # the libraries' own code, which is memory too but no limit counts it
_LIBRARY_SPACE_MB = 2048  # address space that libraries reserve and never use
_OPEN_FILES = 256
_MUCH_MEMORY_MB = 480  # an idle parser with its libraries has less
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sandbox:
    """The limits of one parser process.

    Attributes:
        folder: the only place it may write to.
        memory_mb: memory it may take, code and data together.
        file_mb: largest file it may write.
    """

    folder: Path
    memory_mb: int
    file_mb: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Protections:
    """What this system offers besides plain limits.

    Attributes:
        network: whether the process has a network namespace of its own, without any interface.
        files: whether the kernel keeps it from writing outside its folder.
    """

    network: bool
    files: bool


def enter_sandbox(sandbox: Sandbox) -> Protections:
    """Limit this process and cut its network, as far as the system allows."""
    _limit(resource.RLIMIT_DATA, (sandbox.memory_mb - _PROGRAM_MB) * _MEBIBYTE)
    _limit(resource.RLIMIT_AS, (sandbox.memory_mb + _LIBRARY_SPACE_MB) * _MEBIBYTE)
    _limit(resource.RLIMIT_FSIZE, sandbox.file_mb * _MEBIBYTE)
    _limit(resource.RLIMIT_NOFILE, _OPEN_FILES)
    _limit(resource.RLIMIT_CORE, 0)
    network = _leave_network()
    _refuse_sockets()
    files = confine_writes(sandbox.folder) > 0
    if not files:
        _log.debug("This system has no Landlock; parsers are not kept from writing by the kernel.")
    return Protections(network=network, files=files)


def protections() -> Protections:
    """What this system offers, found out by a process that tries; takes a moment."""
    with TemporaryDirectory() as folder, ProcessPoolExecutor(1, get_context("spawn")) as processes:
        sandbox = Sandbox(folder=Path(folder), memory_mb=1024, file_mb=1)
        return processes.submit(enter_sandbox, sandbox).result()


@contextmanager
def confined(folder: Path, *, seconds: float) -> Iterator[None]:
    """Read one file: temporary files go to ``folder``, and processor time is limited from here on.

    What libraries write to standard error is kept in a file there meanwhile, so that their last words can be
    read when the process dies, and is passed on when it does not.
    """
    folder.mkdir()
    _limit_processor(seconds)
    tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
    sys.stderr.flush()
    kept = os.dup(2)
    last_words = os.open(folder / _LAST_WORDS, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.dup2(last_words, 2)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
        said = os.pread(last_words, _MEBIBYTE, 0)
        os.close(last_words)
        if said:
            os.write(2, said)
        _give_back_memory()


def last_words(folder: Path) -> str:
    """What a process said on standard error before it died while it used ``folder``; empty if nothing."""
    try:
        return (folder / _LAST_WORDS).read_text("utf-8", "replace")[-_SHOWN_WORDS:].strip()
    except OSError:
        return ""


def _give_back_memory() -> None:
    """After a large file, return what is free to the system; it would otherwise stay with this process."""
    with suppress(OSError, AttributeError):  # not Linux, or another C library
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        if pages * resource.getpagesize() > _MUCH_MEMORY_MB * _MEBIBYTE:
            ctypes.CDLL(None).malloc_trim(0)


def _limit_processor(seconds: float) -> None:
    """End this process when it has computed for ``seconds`` more."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _limit(resource.RLIMIT_CPU, math.ceil(used.ru_utime + used.ru_stime + seconds) + 1)


def _limit(kind: int, value: int) -> None:
    """Lower the soft limit, so that it can be moved again."""
    _, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


def _leave_network() -> bool:
    """Move into a network namespace without interfaces; whether that was possible.

    Root needs no user namespace for it, and would lose its right to read other people's files in one.
    """
    flags = _CLONE_NEWNET if os.geteuid() == 0 else _CLONE_NEWUSER | _CLONE_NEWNET
    try:
        failed = ctypes.CDLL(None, use_errno=True).unshare(flags) != 0
    except (OSError, AttributeError):  # not Linux
        failed = True
    if failed:
        _log.debug("This system offers no network namespace; parsers are kept from opening sockets only.")
    return not failed


def _refuse_sockets() -> None:
    """Make Python's internet sockets fail; local ones stay, the process pool may need them."""

    class LocalSocket(socket.socket):
        def __init__(self, family: int = -1, *args: Any, **kwargs: Any) -> None:
            if (
                family in (-1, socket.AF_INET, socket.AF_INET6)
                and kwargs.get("fileno") is None
                and len(args) < 3
            ):
                raise PermissionError("A parser process has no network.")
            super().__init__(family, *args, **kwargs)

    socket.socket = LocalSocket  # type: ignore[misc]
