"""One operation again and again, each time with a failure at the next call to the disk."""

from __future__ import annotations

import copy
import traceback
from collections.abc import Iterable
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from rag.errors import DiskFull, StorageError
from tests.faults import bugs
from tests.faults.interposer import Calls, Fault, arm, disarm
from tests.faults.oracle import Oracle, crash_copy
from tests.faults.scenes import OPERATIONS, Faulted, silent
from tests.faults.worker import Worker

_THOROUGH_EVERY = 5


def fail_everywhere(connection: Connection, folder: Path, name: str, fault: Fault, bug: str | None) -> None:
    """Entry point of a process: reports ``(n, violations)`` for every call, and :class:`Calls` at the end."""
    try:
        bugs.plant(bug)
        operation = next(one for one in OPERATIONS if one.name == name)
        scene = operation.start(folder / "start")
        for n in range(1, 100_000):
            place, sources, ledger = scene.copied_to(folder / "run")
            worker = Worker(place, sources, ledger, silent, is_open=operation.is_open)
            if operation.is_open:
                worker.indexes.snapshot(worker.catalog.collection_by_id(worker.collection_id))
                operation.prepare(worker)
            calls, violations = _meet(worker, operation, fault, n)
            if calls.met:
                violations += _aftermath(
                    worker, operation, folder / "copy", thorough=n % _THOROUGH_EVERY == 0
                )
            worker.close()
            connection.send((n, violations))
            if not calls.met:
                connection.send(calls)
                return
    except Exception:  # noqa: BLE001 - told to the test
        connection.send((0, [traceback.format_exc()]))


def _meet(worker: Worker, operation: Faulted, fault: Fault, n: int) -> tuple[Calls, list[str]]:
    """Run the operation with the fault at the ``n``-th call; only our own errors may come out."""
    raised: Exception | None = None
    arm(worker.place, fault, n)
    try:
        operation.act(worker)
    except Exception as exc:  # noqa: BLE001 - judged below
        raised = exc
    calls = disarm()
    # SQLite tells a full disk from a broken one only where it writes, and the first start creates files.
    tells = fault is Fault.ENOSPC and calls.met == "write" and operation.name != "create"
    wanted = DiskFull if tells else StorageError
    is_right = raised is None or (fault is not Fault.SHORT_WRITE and isinstance(raised, wanted))
    return calls, [] if is_right else [f"{fault.name} at a {calls.met} became {raised!r}"]


def _aftermath(worker: Worker, operation: Faulted, copy_folder: Path, *, thorough: bool) -> Iterable[str]:
    """A crash now loses nothing, searching goes on, and the operation succeeds on a sound disk."""
    now = Oracle().violations(
        crash_copy(worker.place, copy_folder), copy.deepcopy(worker.ledger), thorough=False
    )
    yield from (f"after a crash: {one}" for one in now)
    worker.ledger.in_flight = None
    try:
        if operation.is_open:
            collection = worker.catalog.collection_by_id(worker.collection_id)
            worker.indexes.snapshot(collection).dense.search(np.ones(32, dtype=np.float32), 5, allowed=None)
        operation.act(worker)
    except Exception:  # noqa: BLE001 - told to the test
        yield f"tried again:\n{traceback.format_exc()}"
        return
    later = Oracle().violations(crash_copy(worker.place, copy_folder), worker.ledger, thorough=thorough)
    yield from (f"after trying again: {one}" for one in later)
