"""The library that makes calls to the disk fail: compiled once, loaded into the worker processes."""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

SOURCE = Path(__file__).with_name("interposer.c")
KINDS = ("write", "sync", "rename", "create", "link", "mkdir", "truncate", "unlink", "rmdir")
_PLACE = "FAULTS_INTERPOSER"


class Fault(IntEnum):
    """What happens at the chosen call; a full disk stays full for writes and new files."""

    COUNT = 0
    EIO = 1
    ENOSPC = 2
    SHORT_WRITE = 3
    POWER_CUT = 4


# Removing something never fails for lack of space, and no code waits for it to be done.
_COUNTED = {
    Fault.COUNT: KINDS,
    Fault.EIO: KINDS[:7],
    Fault.ENOSPC: KINDS[:7],
    Fault.SHORT_WRITE: KINDS[:1],
    Fault.POWER_CUT: KINDS,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Calls:
    """What a process did to the disk while armed; ``met`` is the kind of call that met the fault."""

    counted: int
    met: str | None
    by_kind: Mapping[str, int]


def compile_interposer(folder: Path) -> Path:
    """The shared library, built in ``folder``."""
    library = folder / "interposer.so"
    command = ["gcc", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", str(SOURCE), "-ldl", "-pthread"]
    subprocess.run([*command, "-o", str(library)], check=True)
    return library


def loading(library: Path) -> dict[str, str]:
    """Environment of a process that is to have the library."""
    return {"LD_PRELOAD": str(library), _PLACE: str(library)}


def arm(folder: Path, fault: Fault, n: int, *, journal: Path | None = None) -> None:
    """From now on the ``n``-th counted call (from 1) on something below ``folder`` meets ``fault``.

    A power cut kills this process there; ``journal`` is the folder that then tells what to take back.
    """
    mask = sum(1 << KINDS.index(kind) for kind in _COUNTED[fault])
    _library().faults_arm(
        os.fsencode(folder), int(fault), ctypes.c_long(n), mask, os.fsencode(journal or folder)
    )


def disarm() -> Calls:
    """The disk is sound again."""
    by_kind = (ctypes.c_long * len(KINDS))()
    met = ctypes.c_int()
    counted = _library().faults_disarm(by_kind, ctypes.byref(met))
    return Calls(
        counted=counted,
        met=KINDS[met.value] if met.value >= 0 else None,
        by_kind=dict(zip(KINDS, by_kind, strict=True)),
    )


def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(os.environ[_PLACE])
    library.faults_disarm.restype = ctypes.c_long
    return library
