"""Imported once, by the process that workers are forked from: what they would otherwise all do first.

No indexes are opened here, since their threads would not live on in the workers.
"""

from __future__ import annotations

import random
from pathlib import Path
from tempfile import TemporaryDirectory

from ingest.parsing.read import read_file
from tests.faults import cutting, failing  # noqa: F401
from tests.faults.load import Ledger
from tests.faults.oracle import EVERYTHING
from tests.faults.scenes import silent
from tests.faults.worker import Worker

with TemporaryDirectory() as _name:
    _folder = Path(_name)
    (_folder / "file.txt").write_text("The rule of the handbook says what is to be done, in English.")
    read_file(_folder / "file.txt", "file.txt", None)
    _worker = Worker(_folder, _folder / "sources", Ledger(), silent)
    for _kind in ("put", "put", "put", "move", "delete"):
        _worker.step(_kind, random.Random(1))
    _worker.catalog.check()
    _collection = _worker.collection_id
    for _document in _worker.catalog.documents(_collection, access=EVERYTHING):
        _worker.catalog.content(_document.id, access=EVERYTHING)
        _worker.catalog.document_chunks(_document.id, access=EVERYTHING)
    list(_worker.catalog.chunks_added_since(_collection, 0, upto=100))
    _worker.catalog.live_chunk_count(_collection)
    _worker.catalog.source_states(_collection, "")
    _worker.close()
