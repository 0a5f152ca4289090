"""Another embedding model or chunker, as who searches meanwhile and who runs it twice would see it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ingest import chunk, layout, reembed
from ingest.factory import build_reembedder
from ingest.parsing.process import ParserPool
from ingest.pipeline import Ingestor
from ingest.progress import Status
from ingest.reembed_run import Reembedded
from ingest.result import IngestResult
from ingest.sources import FolderSource
from rag.domain import Access, Collection, DocumentText, SearchMode, SearchResult
from rag.errors import EmbeddingMismatch, ModelUnavailable, StorageError
from rag.factory import Footnote
from rag.interfaces import Catalog
from rag.settings import load_settings
from tests.fakes import HashedEmbedder
from tests.sources import new_version

EVERYONE = Access.everything()
SMALL, LARGE = HashedEmbedder(dimension=64, name="small"), HashedEmbedder(dimension=96, name="large")
MODELS = {"small": SMALL, "large": LARGE}
HANDBOOK = {
    "leave.md": "# Annual leave\n\nEverybody has 27 days.\n\n## Carry-over\n\nFive days until 31 March.\n",
    "travel.md": "# Travel\n\n| city | rate |\n|---|---|\n| Lyon | 120 |\n| Bern | 180 |\n",
    "keys.txt": "The key of the archive hangs behind the door.\n\nAsk Ada for the spare one.\n",
}
QUERY = "How many days of annual leave?"


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fsync", lambda descriptor: None)


@dataclass(frozen=True, kw_only=True)
class House:
    """One data directory and the handbook; every ``with`` is a process with settings of its own."""

    place: Path
    parsers: ParserPool

    def open(self, model: str) -> Footnote:
        settings = load_settings(data_dir=self.place / "data", embedding_model=model)
        return Footnote(settings, embedders=MODELS)

    def write(self, path: str, text: str) -> None:
        (self.place / "handbook" / path).write_text(text, encoding="utf-8")

    def sync(self, footnote: Footnote, **options: Any) -> IngestResult:
        ingestor = Ingestor(
            catalog=footnote.catalog,
            embedder=footnote.embedder,
            embedding_model=footnote.embedding_model,
            indexes=footnote.indexes,
            parsers=self.parsers,
            locks=footnote.settings.data_dir / "locks",
            max_file_mb=1,
        )
        source = FolderSource(self.place / "handbook")
        return ingestor.sync(source, collection=footnote.open_collection("handbook"), **options)


@pytest.fixture
def house(tmp_path: Path, parsers: ParserPool) -> House:
    """Three documents in a collection of the model ``small``."""
    (tmp_path / "handbook").mkdir()
    house = House(place=tmp_path, parsers=parsers)
    for path, text in HANDBOOK.items():
        house.write(path, text)
    with house.open("small") as footnote:
        assert house.sync(footnote).added == 3
    return house


@pytest.fixture
def footnote(house: House) -> Iterator[Footnote]:
    """A process whose settings name the model ``large``."""
    with house.open("large") as opened:
        yield opened


def handbook(footnote: Footnote) -> Collection:
    return footnote.catalog.collection("handbook")


def search(footnote: Footnote, mode: SearchMode = SearchMode.HYBRID) -> SearchResult:
    return footnote.retriever.retrieve(QUERY, collection="handbook", k=5, access=EVERYONE, mode=mode)


def reembed_it(footnote: Footnote, watch: Callable[[Status], None] = lambda status: None) -> Reembedded:
    class Watcher:
        def update(self, status: Status) -> None:
            watch(status)

    return build_reembedder(footnote).run(handbook(footnote), progress=Watcher())


def assert_sound(footnote: Footnote) -> None:
    """Catalog and index agree, every chunk quotes its document, and every document is found."""
    collection = handbook(footnote)
    footnote.indexes.refresh(collection.id)
    assert footnote.catalog.check() == []
    assert footnote.indexes.verify(collection).chunks == collection.chunks
    for document in footnote.catalog.documents(collection.id, access=EVERYONE):
        text = footnote.catalog.content(document.id, access=EVERYONE).text
        chunks = footnote.catalog.document_chunks(document.id, access=EVERYONE)
        assert chunks
        assert all(text[one.start : one.end] == one.text for one in chunks)
    found = search(footnote)
    assert found.passages[0].title == "Annual leave"
    assert {one.document_id for one in found.passages} == set(identities(footnote))


def identities(footnote: Footnote) -> dict[str, tuple[str, int]]:
    documents = footnote.catalog.documents(handbook(footnote).id, access=EVERYONE)
    return {one.id: (one.path, one.version) for one in documents}


def left_over(footnote: Footnote) -> int:
    return footnote.catalog.remove_left_over(handbook(footnote).id)


def index_folders(footnote: Footnote) -> list[str]:
    return sorted(path.name for path in (footnote.settings.data_dir / "indexes").iterdir())


# ------------------------------------------------------------------------------ serve, then switch


def test_a_server_with_new_settings_answers_with_the_old_model(house: House, footnote: Footnote) -> None:
    result = search(footnote)
    assert result.query_vector is not None
    assert result.query_vector.shape == (64,)
    assert result.passages[0].title == "Annual leave"


def test_the_old_chunks_serve_until_the_switch(house: House, footnote: Footnote) -> None:
    before = search(footnote)
    identity = identities(footnote)
    seen: list[tuple[str, int]] = []

    def look(status: Status) -> None:
        assert search(footnote).passages == before.passages
        assert identities(footnote) == identity
        seen.append((status.stage, status.files_done))

    result = reembed_it(footnote, look)
    assert seen == [("reembed", 0), ("reembed", 1), ("reembed", 2), ("reembed", 3), ("index", 3)]
    assert (result.before.fingerprint, result.after.fingerprint) == ("small:64", "large:96")
    assert (result.documents, result.cancelled) == (3, False)
    after = search(footnote)
    assert after.query_vector is not None
    assert after.query_vector.shape == (96,)
    assert identities(footnote) == identity
    assert_sound(footnote)
    assert left_over(footnote) == 0
    assert index_folders(footnote) == [f"{handbook(footnote).id}.1"]


def test_another_process_notices_the_switch_at_its_next_search(house: House, footnote: Footnote) -> None:
    with house.open("small") as server:
        old = search(server)
        reembed_it(footnote)
        new = search(server)
        assert_sound(server)
    assert old.query_vector is not None
    assert new.query_vector is not None
    assert (old.query_vector.shape, new.query_vector.shape) == ((64,), (96,))
    assert new.passages[0].text == old.passages[0].text


def test_a_switch_in_the_middle_of_a_search_does_not_mix(
    house: House, footnote: Footnote, monkeypatch: pytest.MonkeyPatch
) -> None:
    with house.open("small") as server:
        search(server, SearchMode.KEYWORD)  # the index is open; the hybrid search is not remembered
        read = server.catalog.chunks_by_id

        def switched_first(*args: object, **options: object) -> object:
            monkeypatch.setattr(server.catalog, "chunks_by_id", read)
            reembed_it(footnote)
            return read(*args, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(server.catalog, "chunks_by_id", switched_first)
        result = search(server)
    assert result.query_vector is not None
    assert result.query_vector.shape == (96,)
    assert result.passages[0].title == "Annual leave"


def test_a_search_that_starts_on_removed_files_finds_the_new_ones(
    house: House, footnote: Footnote, monkeypatch: pytest.MonkeyPatch
) -> None:
    with house.open("small") as server:  # has no index open yet
        visible = server.embedder_for

        def switched_first(collection: Collection) -> object:
            if collection.space == 0:
                reembed_it(footnote)
            return visible(collection)

        monkeypatch.setattr(server, "embedder_for", switched_first)
        assert search(server).passages[0].title == "Annual leave"
        assert index_folders(server) == [f"{handbook(server).id}.1"]


def test_a_second_run_does_nothing(house: House, footnote: Footnote) -> None:
    reembed_it(footnote)
    LARGE.embedded.clear()
    again = reembed_it(footnote)
    assert (again.documents, again.chunks_embedded) == (0, 0)
    assert LARGE.embedded == []


# ------------------------------------------------------------------------------------ ingestion


def test_an_ingestion_re_embeds_first(house: House, footnote: Footnote) -> None:
    house.write("new.md", "# Parking\n\nThe car park opens at six.\n")
    planned = house.sync(footnote, dry_run=True)
    assert (planned.reembedded, planned.added) == (3, 1)
    assert handbook(footnote).fingerprint == "small:64"
    result = house.sync(footnote)
    assert (result.reembedded, result.added, result.unchanged) == (3, 1, 3)
    assert handbook(footnote).embedding_model == "large"
    assert_sound(footnote)
    again = house.sync(footnote)
    assert (again.reembedded, again.added, again.chunks_embedded) == (0, 0, 0)


def test_a_cancelled_ingestion_changes_nothing_and_goes_on_later(house: House, footnote: Footnote) -> None:
    house.write("new.md", "# Parking\n\nThe car park opens at six.\n")
    result = house.sync(footnote, cancelled=lambda: True)
    assert (result.cancelled, result.added, result.documents) == (True, 0, 3)
    assert handbook(footnote).fingerprint == "small:64"
    assert house.sync(footnote).added == 1
    assert_sound(footnote)


def test_a_new_chunker_cuts_again_and_keeps_the_vectors_it_can(
    house: House, footnote: Footnote, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.sync(footnote)
    LARGE.embedded.clear()
    monkeypatch.setattr(reembed, "VERSION", 2)
    result = reembed_it(footnote)
    assert (result.documents, result.chunks_embedded, LARGE.embedded) == (3, 0, [])
    assert (handbook(footnote).chunker, handbook(footnote).space) == (2, 2)
    assert_sound(footnote)


def test_an_empty_collection_of_an_old_chunker_is_switched_at_once(
    house: House, footnote: Footnote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reembed, "VERSION", 2)
    empty = footnote.open_collection("empty")
    result = build_reembedder(footnote).run(empty)
    assert (result.documents, result.after.chunker) == (0, 2)


def test_a_folder_that_moved_is_the_same_model(house: House) -> None:
    with house.open("small") as footnote:
        footnote.catalog.name_model(
            handbook(footnote).id, fingerprint="small:64", embedding_model="/gone/small"
        )
        with pytest.raises(ModelUnavailable, match=r"/gone/small.*footnote collections reembed handbook"):
            search(footnote)
        house.sync(footnote)
        assert (handbook(footnote).embedding_model, handbook(footnote).space) == ("small", 0)
        assert_sound(footnote)


# ----------------------------------------------------------------- interrupted, changed meanwhile


def test_ctrl_c_loses_nothing(house: House, footnote: Footnote) -> None:
    def interrupt(status: Status) -> None:
        if status.files_done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reembed_it(footnote, interrupt)
    assert handbook(footnote).fingerprint == "small:64"
    assert_sound(footnote)
    begun = footnote.catalog.begun_space(handbook(footnote).id)
    assert begun is not None
    assert begun.documents == 2
    LARGE.embedded.clear()
    reembed_it(footnote)
    assert 0 < len(LARGE.embedded) < handbook(footnote).chunks
    assert_sound(footnote)


KILLED = """
import os, signal, sys
from pathlib import Path
from ingest.factory import build_reembedder
from rag.factory import Footnote
from rag.settings import load_settings
from tests.fakes import HashedEmbedder

place, where, times = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
sizes = {"small": 64, "large": 96}
models = {name: HashedEmbedder(dimension=size, name=name) for name, size in sizes.items()}
footnote = Footnote(load_settings(data_dir=place / "data", embedding_model="large"), embedders=models)
part, _, name = where.rpartition(".")
owner = getattr(footnote, part)
true = getattr(owner, name.removesuffix("!"))

def dying(*args, **options):
    global times
    times -= 1
    result = true(*args, **options) if name.endswith("!") or times else None
    if not times:
        os.kill(os.getpid(), signal.SIGKILL)
    return result

setattr(owner, name.removesuffix("!"), dying)
build_reembedder(footnote).run(footnote.catalog.collection("handbook"))
"""


@pytest.mark.parametrize(
    ("where", "times", "switched"),
    [
        ("catalog.begin_space!", 1, False),
        ("catalog.prepare_document!", 2, False),
        ("indexes.build_beside", 1, False),
        ("indexes.build_beside!", 1, False),
        ("catalog.switch_space", 1, False),
        ("catalog.switch_space!", 1, True),
        ("catalog.remove_left_over!", 1, True),
        ("indexes.drop_other_spaces", 1, True),
    ],
)
def test_a_kill_at_any_step_leaves_one_model_or_the_other(
    house: House, where: str, times: int, switched: bool
) -> None:
    """A name with ``!`` is killed after the call, one without before it."""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(house.place), where, str(times)]
    ended = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(root)}, cwd=root, check=False)
    assert ended.returncode == -signal.SIGKILL
    with house.open("large") as footnote:
        assert handbook(footnote).fingerprint == ("large:96" if switched else "small:64")
        assert_sound(footnote)
        result = house.sync(footnote)
        assert (result.unchanged, result.reembedded) == (3, 0 if switched else 3)
        assert_sound(footnote)
        assert left_over(footnote) == 0
        assert len(index_folders(footnote)) == 1


def test_documents_deleted_and_changed_meanwhile(house: House, footnote: Footnote) -> None:
    done: list[str] = []
    catalog = footnote.catalog

    def change(status: Status) -> None:
        if status.stage == "index" and not done:  # all are prepared: the delete comes too late for the copy
            done.append("deleted")
            (document,) = [one for one, (path, _) in identities(footnote).items() if path == "keys.txt"]
            assert catalog.delete_document(document, access=EVERYONE) == 1

    assert reembed_it(footnote, change).after.documents == 2
    assert done == ["deleted"]
    assert_sound(footnote)


def test_a_document_changed_by_others_meanwhile_is_prepared_again(
    house: House, footnote: Footnote, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed: list[int] = []
    build = footnote.indexes.build_beside

    def change_after(target: Collection) -> None:
        build(target)
        if not changed:
            with house.open("small") as other:
                change_version(other.catalog, handbook(other))
            changed.append(1)

    monkeypatch.setattr(footnote.indexes, "build_beside", change_after)
    reembed_it(footnote)
    texts = [one.text for one in search(footnote).passages]
    assert any("Thirty days" in text for text in texts)
    assert sorted(version for _, version in identities(footnote).values()) == [1, 1, 2]
    assert_sound(footnote)


def change_version(catalog: Catalog, collection: Collection) -> None:
    """A new version of the first file, as an ingestion on another machine commits it."""
    (document,) = [one for one in catalog.documents(collection.id, access=EVERYONE) if one.path == "leave.md"]
    version = new_version(
        document.path,
        "Thirty days of annual leave.",
        embedder=SMALL,
        root=document.root,
        title="Annual leave",
    )
    catalog.put_source(collection.id, [version])


def test_settings_put_back_in_the_middle_leave_the_old_model(house: House, footnote: Footnote) -> None:
    def interrupt(status: Status) -> None:
        if status.files_done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reembed_it(footnote, interrupt)
    with house.open("small") as back:
        assert house.sync(back).reembedded == 0
        assert back.catalog.begun_space(handbook(back).id) is None
        assert left_over(back) == 0
        assert_sound(back)


def test_a_disk_that_fails_at_the_index_leaves_the_old_model(
    house: House, footnote: Footnote, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("rag.index.generations.write_indexes", full)
        with pytest.raises(StorageError):
            reembed_it(footnote)
    assert handbook(footnote).fingerprint == "small:64"
    assert_sound(footnote)
    reembed_it(footnote)
    assert_sound(footnote)


# --------------------------------------------------------------------------------- the old model


def test_a_model_replaced_in_its_place_is_said_and_mended(house: House) -> None:
    changed = HashedEmbedder(dimension=64, name="changed")
    settings = load_settings(data_dir=house.place / "data", embedding_model="small")
    with Footnote(settings, embedders=MODELS | {"small": changed}) as footnote:
        with pytest.raises(EmbeddingMismatch, match=r"small.*changed.*footnote collections reembed handbook"):
            search(footnote)
        assert search(footnote, SearchMode.KEYWORD).passages
        reembed_it(footnote)
        assert_sound(footnote)


# -------------------------------------------------------------------------------------- layout


def test_the_catalog_alone_gives_the_chunks_of_the_file(house: House, footnote: Footnote) -> None:
    for document_id in identities(footnote):
        stored = footnote.catalog.content(document_id, access=EVERYONE)
        assert stored.layout is not None
        drafts = chunk.chunk(layout.stored_document(stored), SMALL.token_offsets, max_tokens=256)
        held = footnote.catalog.document_chunks(document_id, access=EVERYONE)
        assert [(one.start, one.end, one.context) for one in drafts] == [
            (one.start, one.end, one.context) for one in held
        ]


def test_blocks_come_back_as_they_were_packed(house: House, footnote: Footnote) -> None:
    (travel,) = [one for one, (path, _) in identities(footnote).items() if path == "travel.md"]
    stored = footnote.catalog.content(travel, access=EVERYONE)
    blocks = layout.stored_document(stored).blocks
    assert [block.kind.value for block in blocks] == ["heading", "table_row", "table_row", "table_row"]
    assert blocks[-1].header == "city | rate"
    assert layout.unpack(layout.pack(blocks)) == blocks


def test_a_text_stored_without_blocks_is_cut_at_blank_lines() -> None:
    text = "One\nline.\n\nTwo.\n \n\n  Three"
    stored = DocumentText(
        document_id="d", version=1, title="T", source_uri="t.txt", text=text, page_starts=()
    )
    blocks = layout.stored_document(stored).blocks
    assert [text[block.start : block.end] for block in blocks] == ["One\nline.", "Two.", "Three"]
