"""Bits flipped in the files of an index, and files cut short: each is noticed, and the index rebuilt."""

from __future__ import annotations

import logging
import random
import shutil
import traceback
from multiprocessing.connection import Connection
from pathlib import Path

from rag.domain import Collection
from rag.index.generations import CollectionIndexes
from rag.index.opening import CURRENT, read_pointer
from rag.store.catalog import SqlCatalog
from tests.faults import bugs
from tests.faults.load import COLLECTION
from tests.faults.oracle import EVERYTHING, open_place, searching_violations
from tests.faults.scenes import aged


def damage_again_and_again(
    connection: Connection, folder: Path, count: int, seed: int, bug: str | None
) -> None:
    """Entry point of a process: reports ``(what was done, violations)`` for each of ``count`` damages."""
    logging.disable()  # every repair would be a line
    choose = random.Random(seed)
    try:
        scene = aged(folder / "start")
        catalog = open_place(scene.folder / "data")
        collection = catalog.collection(COLLECTION)
        sound = scene.folder / "data" / "indexes"
        CollectionIndexes(sound, catalog).snapshot(collection)
        bugs.plant(bug)
        for number in range(count):
            damaged = folder / "damaged"
            shutil.rmtree(damaged, ignore_errors=True)
            shutil.copytree(sound, damaged)
            files = _files(damaged / collection.id)
            what = _cut(files[0], 1) if number == 0 else _damage(choose.choice(files), choose)
            try:
                violations = _violations(damaged, catalog, collection)
            except BaseException as exc:  # noqa: BLE001 - a panic of tantivy is no Exception
                violations = [repr(exc)]
            connection.send((what, violations))
        catalog.close()
    except Exception:  # noqa: BLE001 - told to the test
        connection.send(("", [traceback.format_exc()]))


def _files(folder: Path) -> list[Path]:
    """The pointer, and every file of the generation that serves; empty lock files hold nothing."""
    pointer = read_pointer(folder)
    assert pointer is not None
    serving = (path for path in (folder / pointer.name).rglob("*") if path.is_file())
    return [folder / CURRENT, *sorted(path for path in serving if path.suffix != ".lock")]


def _damage(file: Path, choose: random.Random) -> str:
    data = bytearray(file.read_bytes())
    if not data or choose.random() < 0.3:
        return _cut(file, choose.randint(1, max(1, len(data))))
    place, bit = choose.randrange(len(data)), choose.randrange(8)
    data[place] ^= 1 << bit
    file.write_bytes(data)
    return f"bit {bit} of byte {place} of {file.name}"


def _cut(file: Path, lost: int) -> str:
    data = file.read_bytes()
    file.write_bytes(data[:-lost])
    return f"the last {lost} bytes of {file.name}"


def _violations(root: Path, catalog: SqlCatalog, collection: Collection) -> list[str]:
    indexes = CollectionIndexes(root, catalog)
    opened = indexes.snapshot(collection)
    documents = catalog.documents(collection.id, access=EVERYTHING, limit=1000)
    chunks = {
        chunk.id: chunk
        for document in documents
        for chunk in catalog.document_chunks(document.id, access=EVERYTHING)
    }
    found = list(searching_violations(opened, chunks))
    if len(indexes.repairs) != 1:
        found.append(f"repairs were {indexes.repairs}")
    indexes.verify(collection)
    return found
