"""Files made to hurt: each ends in a coded outcome, in little memory, and touches nothing else.

``make hostile`` prints what each one came to; ``docs/hostile.md`` has the table.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from ingest.parsing.process import ParserPool
from ingest.sources import SourceFile
from ingest.stages import FailedFile, ReadFile
from rag.settings import Settings
from tests.ingest import bombs
from tests.patience import LONG_S

MEGABYTES = 1024
DEFAULTS = Settings.model_fields
INGESTED = "ingested"
REFUSED = {"too_large", "out_of_memory", "parse_timeout", "parser_crashed"}

OUTCOMES: dict[str, set[str]] = {
    "bomb.zip": {"too_large"},
    "lying.zip": {"damaged_file"},
    "nested.zip": {"nested_too_deep"},
    "doll.zip": {"nested_too_deep"},
    "crowded.zip": {"unsupported_type"},
    "bomb.txt.gz": {"too_large"},
    "bomb.pdf": REFUSED,
    "blank.pdf": REFUSED,
    "bomb.png": {"too_large", "ocr_needed"},
    "bomb.xlsx": {"too_large"},
    "bomb.docx": {"too_large"},
    "laughs.xml": {"damaged_file"},
    "laughs.html": {INGESTED},
    "laughs.docx": {"damaged_file"},
    "laughs.xlsx": {"damaged_file"},
    "deep.json": {"nested_too_deep"},
    "deep.html": {"no_text", INGESTED},
    "deep.xml": {"damaged_file"},
    "deep.md": {"no_text", INGESTED},
    "deep.eml": {"nested_too_deep"},
    "slippery.zip": {INGESTED},
    "slippery.eml": {INGESTED},
    "500-pages.pdf": {INGESTED},
    "50-mb.txt": {"too_large"},
    "one-line.txt": {"too_large"},
    "zeros.txt": {"not_text"},
    "texts.zip": REFUSED | {INGESTED},
}
HEAVY = {"texts.zip"}
"""Over fifteen seconds: only ``make hostile`` runs them."""


@dataclass
class Watch:
    """What the parser processes take while one file is read.

    Attributes:
        megabytes: the most memory that one process really had.
        sockets: what they held open besides files and pipes.
    """

    megabytes: int = 0
    sockets: set[str] = field(default_factory=set)
    is_over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self.is_over.wait(0.02):
            self.look()
        self.look()

    def look(self) -> None:
        for process in psutil.Process().children(recursive=True):
            try:
                status = Path(f"/proc/{process.pid}/status").read_text()
                peak = status.split("VmHWM:")[1].split()[0]
                self.megabytes = max(self.megabytes, int(peak) // 1024)
                descriptors = [os.readlink(each) for each in Path(f"/proc/{process.pid}/fd").iterdir()]
                self.sockets |= {found for found in descriptors if found.startswith("socket:")}
            except (OSError, IndexError):  # it has just ended
                continue


@contextmanager
def watched() -> Iterator[Watch]:
    for process in psutil.Process().children(recursive=True):
        Path(f"/proc/{process.pid}/clear_refs").write_text("5")  # measure the peak from here on
    watch = Watch()
    thread = threading.Thread(target=watch.run, daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        watch.is_over.set()
        thread.join()


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a file came to."""

    code: str
    read: ReadFile | None
    seconds: float
    megabytes: int


@pytest.fixture(scope="module")
def pool() -> Iterator[ParserPool]:
    """The parsers with the limits that a fresh installation has, but for the time on a busy machine."""
    memory = DEFAULTS["parse_memory_mb"].default
    with ParserPool(workers=1, timeout_s=3 * LONG_S, memory_mb=memory) as made:
        yield made


@pytest.fixture
def outcome(pool: ParserPool, tmp_path: Path) -> Callable[[str, Callable[[Path], Any]], Outcome]:
    """Reads a file that a maker made; nothing beside it may change, and no socket be opened."""

    def outcome_of(name: str, make: Callable[[Path], Any]) -> Outcome:
        file = tmp_path / name
        make(file)
        before = _everything(tmp_path)
        started = time.monotonic()
        with watched() as watch:
            source = SourceFile(path=name, local=file, size=file.stat().st_size, mtime_ns=0)
            item = next(pool.read([source], stop=lambda: False))
        found = Outcome(
            code=item.failure.code if isinstance(item, FailedFile) else INGESTED,
            read=None if isinstance(item, FailedFile) else item[1],
            seconds=time.monotonic() - started,
            megabytes=watch.megabytes,
        )
        print(f"\n{name:16} {found.code:16} {found.seconds:5.1f} s {found.megabytes:5} MB")  # noqa: T201 - the table of make hostile
        assert _everything(tmp_path) == before
        assert not watch.sockets
        return found

    return outcome_of


def _everything(folder: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.hostile] if name in HEAVY else []) for name in OUTCOMES]
)
def test_each_bomb_ends_in_a_code_and_in_little_memory(outcome: Callable[..., Outcome], name: str) -> None:
    found = outcome(name, bombs.BOMBS[name])
    assert found.code in OUTCOMES[name]
    assert found.megabytes <= MEGABYTES


def test_every_bomb_has_its_outcome() -> None:
    assert set(OUTCOMES) == set(bombs.BOMBS)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("xxe.xml", bombs.xml_file),
        ("xxe.html", bombs.html_file),
        ("xxe.docx", bombs.docx_file),
        ("xxe.xlsx", bombs.xlsx_file),
    ],
)
@pytest.mark.parametrize("scheme", ["file", "http"])
def test_an_entity_never_brings_in_another_file_or_page(
    outcome: Callable[..., Outcome], tmp_path: Path, name: str, make: Callable[..., None], scheme: str
) -> None:
    bait = tmp_path / "bait.txt"
    bait.write_text("wombat")
    with socket.create_server(("127.0.0.1", 0)) as door:
        door.setblocking(False)
        http = f"http://127.0.0.1:{door.getsockname()[1]}/bait"
        doctype = bombs.outside(bait.as_uri() if scheme == "file" else http)
        found = outcome(name, partial(make, doctype=doctype, entity="x"))
        with pytest.raises(BlockingIOError):  # nobody has knocked
            door.accept()
    assert found.code in {INGESTED, "damaged_file"}
    assert "wombat" not in _text(found)


@pytest.mark.parametrize("name", ["asking.rst", "asking.org"])
def test_a_directive_never_brings_in_another_file(
    outcome: Callable[..., Outcome], tmp_path: Path, name: str
) -> None:
    bait = tmp_path / "bait.txt"
    bait.write_text("wombat")
    found = outcome(name, partial(bombs.including, bait=bait))
    assert _text(found) == "Words of its own."


@pytest.mark.parametrize("name", ["slippery.zip", "slippery.eml"])
def test_a_name_that_climbs_out_of_the_folder_is_only_shown(
    outcome: Callable[..., Outcome], name: str
) -> None:
    read = outcome(name, bombs.BOMBS[name]).read
    assert read is not None
    for document in read.documents:
        assert ".." not in document.part
        assert not document.part.startswith(("/", "C:"))
    assert not Path("/tmp/evil.txt").exists()
    assert not Path("/etc/evil.txt").exists()


def _text(found: Outcome) -> str:
    return "\n\n".join(document.text for document in found.read.documents) if found.read else ""
