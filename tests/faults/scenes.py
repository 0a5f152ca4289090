"""Data directories to start from, and the operations that meet a failing disk on them."""

from __future__ import annotations

import copy
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from tests.faults.load import Ledger
from tests.faults.oracle import crash_copy
from tests.faults.worker import Worker


def silent(message: tuple[str, object]) -> None:
    """Nobody listens; a complaint is one all the same."""
    assert message[0] != "violation", message[1]


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """A data directory, the source files beside it, and what is known to be in it."""

    folder: Path
    ledger: Ledger

    def copied_to(self, folder: Path) -> tuple[Path, Path, Ledger]:
        """``(data directory, source folder, ledger)``, to be changed freely."""
        if folder.exists():  # renamed first: a thread of a failed attempt may still be writing there
            old = folder.rename(folder.with_name(f"old-{uuid4().hex}"))
            shutil.rmtree(old, ignore_errors=True)
        shutil.copytree(self.folder, folder)
        return folder / "data", self.folder.parent / "sources", copy.deepcopy(self.ledger)


def empty(folder: Path) -> Scene:
    """Nothing yet."""
    (folder / "data").mkdir(parents=True)
    return Scene(folder=folder, ledger=Ledger())


def aged(folder: Path) -> Scene:
    """Files stored, replaced, moved and deleted, and many small segments, so that the next refresh merges."""
    worker = _lived(folder, folder.parent)
    worker.close()
    return Scene(folder=folder, ledger=worker.ledger)


def crashed(folder: Path) -> Scene:
    """Like ``aged``, but killed: a write-ahead log, an index that is behind, a generation half built."""
    worker = _lived(folder / "before", folder.parent)
    choose = random.Random(2)
    for kind in ("put", "delete", "put"):
        worker.step(kind, choose)
    place = crash_copy(worker.place, folder / "data")
    generations = place / "indexes" / worker.collection_id
    newest = max(generations.glob("gen-*"))
    shutil.copytree(newest, generations / "building-0123")
    (newest.parent / "CURRENT.4711.tmp").write_text("gen-0")
    worker.close()
    shutil.rmtree(folder / "before")
    return Scene(folder=folder, ledger=worker.ledger)


def _lived(folder: Path, beside: Path) -> Worker:
    (folder / "data").mkdir(parents=True)
    choose = random.Random(1)
    worker = Worker(folder / "data", beside / "sources", Ledger(), silent)
    for kind in ("put", "put", "put", "sync", "put", "delete", "put", "move", "put"):
        worker.step(kind, choose)
        worker.step("refresh", choose)
    for kind in ("put", "delete", "put"):
        worker.step(kind, choose)
    return worker


Act = Callable[[Worker], None]


def _one(kind: str) -> Act:
    return lambda worker: worker.step(kind, random.Random(3))


def _nothing(worker: Worker) -> None:
    """The directory is ready."""


def _three_changes(worker: Worker) -> None:
    choose = random.Random(4)
    for kind in ("put", "delete", "put"):
        worker.step(kind, choose)


def _recover(worker: Worker) -> None:
    worker.open()
    worker.step("query", random.Random(3))


def _add(worker: Worker) -> None:
    free = next(path for path in worker.paths if path not in worker.ledger.files)
    worker.store(free)


def _update(worker: Worker) -> None:
    worker.store(next(path for path in worker.paths if path in worker.ledger.files))


@dataclass(frozen=True, kw_only=True, slots=True)
class Faulted:
    """An operation, and the directory it is tried on; ``prepare`` runs on a sound disk before it."""

    name: str
    start: Callable[[Path], Scene]
    act: Act
    prepare: Act = _nothing
    is_open: bool = True


OPERATIONS = (
    Faulted(name="create", start=empty, act=Worker.open, is_open=False),
    Faulted(name="add", start=aged, act=_add),
    Faulted(name="update", start=aged, act=_update),
    Faulted(name="delete", start=aged, act=_one("delete")),
    Faulted(name="move", start=aged, act=_one("move")),
    Faulted(name="compact", start=aged, act=_one("refresh"), prepare=_three_changes),
    Faulted(name="ingest", start=aged, act=_one("sync")),
    Faulted(name="recover", start=crashed, act=_recover, is_open=False),
)
