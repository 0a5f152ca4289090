"""Index generations: what a search finds after crashes, damage, full disks and other processes' work."""

from __future__ import annotations

import errno
import hashlib
import random
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rag.domain import Access, Collection
from rag.errors import CollectionNotFound, DiskFull, IndexDamaged, StorageError
from rag.index import durable, generations, segments
from rag.index.dense import SegmentedVectorIndex
from rag.index.generations import CollectionIndexes
from rag.index.manifest import describe_index_type
from rag.index.opening import OpenGeneration
from rag.interfaces import Catalog
from rag.store.catalog import open_catalog
from tests.patience import LONG_S
from tests.sources import EMBEDDER, ROOT, new_version
from tests.sources import put as put_file

EVERYTHING = Access.everything()
NONE_REMOVED = np.array([], dtype=np.int64)


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """No power is cut in these tests, and syncing takes most of their time."""
    monkeypatch.setattr("os.fsync", lambda descriptor: None)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "catalog.sqlite3"


@pytest.fixture
def catalog(database: Path) -> Iterator[Catalog]:
    opened = open_catalog(f"sqlite:///{database}")
    yield opened
    opened.close()


@pytest.fixture
def handbook(catalog: Catalog) -> Collection:
    """Two documents, four chunks."""
    collection = catalog.create_collection("handbook", EMBEDDER.profile)
    put_file(catalog, collection.id, new_version("leave.txt", "Twenty-five days. Five carried over. Ask HR."))
    put_file(catalog, collection.id, new_version("vpn.txt", "The VPN needs a key."))
    return collection


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "indexes"


@pytest.fixture
def indexes(root: Path, catalog: Catalog) -> CollectionIndexes:
    return CollectionIndexes(root, catalog)


def put(catalog: Catalog, collection: Collection, path: str, text: str) -> None:
    put_file(catalog, collection.id, new_version(path, text))


def delete(catalog: Catalog, collection: Collection, path: str) -> None:
    catalog.delete_source(collection.id, ROOT, path)


def live_ids(catalog: Catalog, collection: Collection) -> list[int]:
    documents = catalog.documents(collection.id, access=EVERYTHING, limit=1000)
    return sorted(
        chunk.id
        for document in documents
        for chunk in catalog.document_chunks(document.id, access=EVERYTHING)
    )


def assert_equals_catalog(opened: OpenGeneration, catalog: Catalog, collection: Collection) -> None:
    """Both indexes hold the catalog's live chunks, no more and no fewer."""
    expected = live_ids(catalog, collection)
    dense = opened.dense.search(np.ones(32, dtype=np.float32), 10_000, allowed=None)
    keyword = opened.keyword.search("leave", 10_000, allowed=None)  # stands in every chunk's context
    assert sorted(hit.chunk_id for hit in dense) == expected
    assert sorted(hit.chunk_id for hit in keyword) == expected
    assert opened.dense.count == opened.keyword.count == opened.manifest.chunks == len(expected)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != "lock")


def files_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files_below(folder)
        if not path.name.endswith(".lock")
    }


# ------------------------------------------------------------------------------------- index types


def test_the_index_type_follows_the_size_and_stands_in_the_manifest(
    indexes: CollectionIndexes, catalog: Catalog, handbook: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = indexes.refresh(handbook.id)
    assert (small.manifest.index_type, small.manifest.sketches) == ("flat", ())
    monkeypatch.setattr(segments, "SKETCHED_FROM", 10)
    put(catalog, handbook, "meals.txt", " ".join(f"Voucher {n}." for n in range(8)))
    large = indexes.refresh(handbook.id)
    assert large.manifest.index_type == "sketched"
    assert large.manifest.sketches == ((large.dense.segments[0].name, 1.0),)
    assert "every vector is compared, exact" in describe_index_type(small.manifest)
    assert describe_index_type(large.manifest).endswith("recall@10 1.000 when it was built")
    assert_equals_catalog(large, catalog, handbook)
    delete(catalog, handbook, "meals.txt")
    assert indexes.refresh(handbook.id).manifest.index_type == "flat"


def test_another_process_reads_a_sketched_index_and_builds_on_it(
    indexes: CollectionIndexes,
    catalog: Catalog,
    handbook: Collection,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(segments, "SKETCHED_FROM", 40)
    put(catalog, handbook, "meals.txt", " ".join(f"Voucher {n}." for n in range(50)))
    written = indexes.refresh(handbook.id)
    other = CollectionIndexes(root, catalog)
    vector = EMBEDDER.embed_query("Voucher 7.")
    assert other.snapshot(handbook).dense.search(vector, 3, allowed=None) == written.dense.search(
        vector, 3, allowed=None
    )
    put(catalog, handbook, "parking.txt", "Parking costs nothing.")
    grown = other.refresh(handbook.id)
    assert grown.manifest.sketches == written.manifest.sketches
    assert_equals_catalog(grown, catalog, handbook)
    assert other.verify(handbook) == grown.manifest
    assert other.repairs == []


def test_an_index_of_an_unknown_type_is_rebuilt(
    indexes: CollectionIndexes,
    catalog: Catalog,
    handbook: Collection,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as newer:
        newer.setattr(SegmentedVectorIndex, "index_type", "graph")
        indexes.refresh(handbook.id)
    restarted = CollectionIndexes(root, catalog)
    assert restarted.snapshot(handbook).manifest.index_type == "flat"
    assert "graph" in restarted.repairs[0]


# --------------------------------------------------------------------------- following the catalog


def test_the_first_search_builds_the_index(
    indexes: CollectionIndexes, catalog: Catalog, handbook: Collection, root: Path
) -> None:
    opened = indexes.snapshot(handbook)
    assert_equals_catalog(opened, catalog, handbook)
    assert names(root / handbook.id) == ["CURRENT", "gen-00000001"]
    assert indexes.repairs == []
    assert indexes.verify(handbook) == opened.manifest


def test_an_empty_collection_has_an_empty_index(indexes: CollectionIndexes, catalog: Catalog) -> None:
    empty = catalog.create_collection("empty", EMBEDDER.profile)
    opened = indexes.snapshot(empty)
    assert (opened.dense.count, opened.keyword.count) == (0, 0)
    assert opened.keyword.search("leave", 10, allowed=None) == []


def test_a_refresh_without_changes_keeps_the_generation(
    indexes: CollectionIndexes, handbook: Collection, root: Path
) -> None:
    first = indexes.refresh(handbook.id)
    before = hashes(root / handbook.id)
    assert indexes.refresh(handbook.id) is first
    assert indexes.snapshot(handbook) is first
    assert hashes(root / handbook.id) == before


def test_changes_are_found_after_a_refresh_and_not_before(
    indexes: CollectionIndexes, catalog: Catalog, handbook: Collection
) -> None:
    indexes.snapshot(handbook)
    put(catalog, handbook, "meals.txt", "Vouchers are worth nine euros.")
    assert indexes.snapshot(handbook).keyword.search("vouchers", 5, allowed=None) == []
    opened = indexes.refresh(handbook.id)
    assert len(opened.keyword.search("vouchers", 5, allowed=None)) == 1
    assert opened.generation == 2
    assert_equals_catalog(opened, catalog, handbook)


def test_a_new_process_catches_up_at_its_first_search(
    indexes: CollectionIndexes, catalog: Catalog, handbook: Collection, root: Path
) -> None:
    indexes.refresh(handbook.id)
    delete(catalog, handbook, "vpn.txt")
    started_later = CollectionIndexes(root, catalog)
    assert_equals_catalog(started_later.snapshot(handbook), catalog, handbook)
    assert started_later.repairs == []


def test_what_a_killed_ingestion_committed_is_found_once_the_catalog_rests(
    indexes: CollectionIndexes, catalog: Catalog, handbook: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    indexes.snapshot(handbook)
    put(catalog, handbook, "parking.txt", "Parking costs nothing.")
    committed = catalog.collection("handbook")
    monkeypatch.setattr(generations, "_PATIENCE_S", LONG_S)
    assert indexes.snapshot(committed).manifest.chunks == 4  # an ingestion may still be at work
    monkeypatch.setattr(generations, "_PATIENCE_S", 0.0)
    assert_equals_catalog(indexes.snapshot(committed), catalog, committed)


def test_an_index_that_cannot_be_brought_along_serves_on(
    indexes: CollectionIndexes, catalog: Catalog, handbook: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = indexes.snapshot(handbook)
    put(catalog, handbook, "parking.txt", "Parking costs nothing.")
    committed = catalog.collection("handbook")
    indexes.snapshot(committed)
    monkeypatch.setattr(generations, "_PATIENCE_S", 0.0)

    def full(path: Path, data: bytes | memoryview) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(durable, "write_new", full)
    assert indexes.snapshot(committed) is old


def test_another_process_notices_the_new_generation_at_its_next_search(
    indexes: CollectionIndexes, catalog: Catalog, handbook: Collection, root: Path
) -> None:
    other = CollectionIndexes(root, catalog)
    assert other.snapshot(handbook).generation == indexes.snapshot(handbook).generation == 1
    put(catalog, handbook, "meals.txt", "Vouchers are worth nine euros.")
    indexes.refresh(handbook.id)
    assert other.snapshot(handbook).generation == 2
    assert_equals_catalog(other.snapshot(handbook), catalog, handbook)
    assert other.repairs == []


def test_a_generation_replaced_while_it_is_opened_is_no_damage(
    indexes: CollectionIndexes,
    catalog: Catalog,
    handbook: Collection,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow_reader = CollectionIndexes(root, catalog)
    slow_reader.snapshot(handbook)
    indexes.snapshot(handbook)
    put(catalog, handbook, "a.txt", "One.")
    indexes.refresh(handbook.id)
    open_generation = generations.open_generation

    def overtaken(*args: object) -> OpenGeneration:
        monkeypatch.setattr(generations, "open_generation", open_generation)
        for text in ("Two.", "Three.", "Four."):
            put(catalog, handbook, "a.txt", text)
            indexes.refresh(handbook.id)
        return open_generation(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(generations, "open_generation", overtaken)
    assert_equals_catalog(slow_reader.snapshot(handbook), catalog, handbook)
    assert slow_reader.repairs == []
    assert slow_reader.snapshot(handbook).generation == indexes.snapshot(handbook).generation == 5


@pytest.mark.parametrize("seed", [1, 2])
def test_any_history_leaves_exactly_the_live_chunks_in_both_indexes(
    indexes: CollectionIndexes, catalog: Catalog, handbook: Collection, root: Path, seed: int
) -> None:
    choose = random.Random(seed)
    for step in range(15):
        for _ in range(choose.randint(1, 3)):
            paths = sorted(catalog.source_states(handbook.id, ROOT))
            if paths and choose.random() < 0.35:
                delete(catalog, handbook, choose.choice(paths))
            else:
                text = " ".join(f"Sentence {n} of step {step}." for n in range(choose.randint(0, 6)))
                put(catalog, handbook, f"{choose.randint(1, 8)}.txt", text)
        if choose.random() < 0.2:  # the process is restarted
            indexes = CollectionIndexes(root, catalog)
        assert_equals_catalog(indexes.refresh(handbook.id), catalog, handbook)
        assert indexes.verify(handbook).chunks == len(live_ids(catalog, handbook))
        assert len([name for name in names(root / handbook.id) if name.startswith("gen-")]) <= 2
    assert indexes.repairs == []


def test_searching_goes_on_while_documents_change(
    indexes: CollectionIndexes, catalog: Catalog, handbook: Collection, root: Path
) -> None:
    other = CollectionIndexes(root, catalog)
    done = threading.Event()
    failures: list[Exception] = []

    def search(reader: CollectionIndexes) -> None:
        try:
            while not done.is_set():
                opened = reader.snapshot(handbook)
                hits = opened.dense.search(EMBEDDER.embed_query("days"), 100, allowed=None)
                assert len(hits) == opened.dense.count == opened.keyword.count
        except Exception as exc:  # noqa: BLE001  whatever it is, the test shows it
            failures.append(exc)

    readers = [threading.Thread(target=search, args=(reader,)) for reader in (indexes, indexes, other)]
    for reader in readers:
        reader.start()
    for step in range(8):
        put(catalog, handbook, f"{step % 3}.txt", f"Step {step}. Days {step}. More.")
        (indexes if step % 2 else other).refresh(handbook.id)
    done.set()
    for reader in readers:
        reader.join()
    assert failures == []
    assert (indexes.repairs, other.repairs) == ([], [])
    assert_equals_catalog(indexes.snapshot(handbook), catalog, handbook)


def test_the_old_generation_stays_byte_for_byte_and_in_use_while_the_next_is_built_from_its_files(
    indexes: CollectionIndexes, catalog: Catalog, handbook: Collection, root: Path
) -> None:
    old = indexes.refresh(handbook.id)
    before = hashes(root / handbook.id / old.name)
    delete(catalog, handbook, "vpn.txt")
    put(catalog, handbook, "meals.txt", " ".join(f"Voucher {n}." for n in range(20)))
    new = indexes.refresh(handbook.id)
    assert hashes(root / handbook.id / old.name) == before
    assert any(path.stat().st_nlink > 1 for path in files_below(root / handbook.id / new.name))
    shutil.rmtree(root / handbook.id / old.name)
    assert len(old.dense.search(EMBEDDER.embed_query("days"), 100, allowed=None)) == 4
    assert len(old.keyword.search("leave", 100, allowed=None)) == 4


# ----------------------------------------------------------------------------------------- damage


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0x10
    file.write_bytes(data)


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


@pytest.mark.parametrize("sketched_from", [1, 1000], ids=["sketched", "flat"])
@pytest.mark.parametrize("damage", [flip, truncate, Path.unlink], ids=["bit flipped", "truncated", "deleted"])
def test_damage_to_any_file_is_noticed_reported_and_repaired(
    indexes: CollectionIndexes,
    catalog: Catalog,
    handbook: Collection,
    root: Path,
    tmp_path: Path,
    damage: Callable[[Path], None],
    sketched_from: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(segments, "SKETCHED_FROM", sketched_from)
    indexes.refresh(handbook.id)
    put(catalog, handbook, "vpn.txt", "The VPN needs nothing.")
    sound = indexes.refresh(handbook.id)
    victims = [
        path.relative_to(root)
        for path in files_below(root / handbook.id / sound.name)
        if path.suffix != ".lock"
    ]
    assert len(victims) > 10
    for number, victim in enumerate(victims):
        copy = tmp_path / f"copy-{number}"
        shutil.copytree(root, copy)
        damage(copy / victim)
        restarted = CollectionIndexes(copy, catalog)
        with pytest.raises(IndexDamaged):
            restarted.verify(handbook)
        repaired = restarted.snapshot(handbook)
        assert_equals_catalog(repaired, catalog, handbook)
        assert [sound.name in message for message in restarted.repairs] == [True], victim
        assert f"quarantine-{sound.name}" in names(copy / handbook.id)
        assert repaired.generation == sound.generation + 1
        assert restarted.verify(handbook) == repaired.manifest
        assert CollectionIndexes(copy, catalog).refresh(handbook.id).generation == repaired.generation


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"gen-00000001",
        b"gen-00000001 0123",
        b"../../elsewhere " + b"0" * 64,
        b"/etc " + b"0" * 64,
        b"gen-00000001\0 " + b"0" * 64,
        b"\xff\xfe\x00",
        b"gen-00000077 " + b"0" * 64,
        b"gen-00000001 " + b"0" * 64,
        None,
    ],
)
def test_an_unreadable_pointer_is_reported_and_the_index_rebuilt(
    indexes: CollectionIndexes,
    catalog: Catalog,
    handbook: Collection,
    root: Path,
    tmp_path: Path,
    content: bytes | None,
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    first = indexes.refresh(handbook.id)
    current = root / handbook.id / "CURRENT"
    current.unlink() if content is None else current.write_bytes(content)
    restarted = CollectionIndexes(root, catalog)
    opened = restarted.snapshot(handbook)
    assert_equals_catalog(opened, catalog, handbook)
    assert opened.generation > first.generation
    assert len(restarted.repairs) == 1
    assert elsewhere.is_dir()
    assert indexes.snapshot(handbook).generation == opened.generation


def test_a_pointer_that_lost_its_last_byte_is_noticed(
    indexes: CollectionIndexes, catalog: Catalog, handbook: Collection, root: Path
) -> None:
    indexes.refresh(handbook.id)
    current = root / handbook.id / "CURRENT"
    current.write_bytes(current.read_bytes()[:-1])
    restarted = CollectionIndexes(root, catalog)
    assert_equals_catalog(restarted.snapshot(handbook), catalog, handbook)
    assert len(restarted.repairs) == 1


def test_a_folder_that_was_replaced_by_one_of_the_same_name_is_noticed(
    indexes: CollectionIndexes, catalog: Catalog, handbook: Collection, root: Path
) -> None:
    indexes.refresh(handbook.id)
    shutil.rmtree(root / handbook.id)
    put(catalog, handbook, "vpn.txt", "The VPN needs nothing.")
    assert CollectionIndexes(root, catalog).refresh(handbook.id).name == "gen-00000001"
    assert_equals_catalog(indexes.snapshot(handbook), catalog, handbook)


def test_an_index_of_another_model_is_rebuilt(
    indexes: CollectionIndexes, catalog: Catalog, handbook: Collection, root: Path
) -> None:
    indexes.refresh(handbook.id)
    other_model = replace(handbook, fingerprint="other:32")
    restarted = CollectionIndexes(root, catalog)
    opened = restarted.snapshot(other_model)
    assert opened.manifest.fingerprint == "other:32"
    assert_equals_catalog(opened, catalog, handbook)
    assert "another embedding model" in restarted.repairs[0]


def test_an_index_of_another_analyzer_is_rebuilt(
    indexes: CollectionIndexes,
    catalog: Catalog,
    handbook: Collection,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rag.index.building.ANALYZER_VERSION", "older")
    indexes.refresh(handbook.id)
    monkeypatch.undo()
    restarted = CollectionIndexes(root, catalog)
    assert_equals_catalog(restarted.snapshot(handbook), catalog, handbook)
    assert "analyzer older" in restarted.repairs[0]


def test_an_index_ahead_of_a_restored_catalog_is_rebuilt(
    indexes: CollectionIndexes, catalog: Catalog, handbook: Collection, root: Path, database: Path
) -> None:
    catalog.close()  # moves the write-ahead log into the file
    backup = database.read_bytes()
    later = open_catalog(f"sqlite:///{database}")
    put(later, handbook, "vpn.txt", "Words that the backup has never seen.")
    CollectionIndexes(root, later).refresh(handbook.id)
    later.close()
    database.write_bytes(backup)
    restored = open_catalog(f"sqlite:///{database}")
    restarted = CollectionIndexes(root, restored)
    assert_equals_catalog(restarted.snapshot(handbook), restored, handbook)
    assert len(restarted.repairs) == 1
    restored.close()


def test_a_file_that_vanishes_under_a_running_process_is_repaired_by_the_next_refresh(
    indexes: CollectionIndexes, catalog: Catalog, handbook: Collection, root: Path
) -> None:
    opened = indexes.refresh(handbook.id)
    next((root / handbook.id / opened.name / "keyword").glob("*.term")).unlink()
    put(catalog, handbook, "meals.txt", "Vouchers are worth nine euros.")
    assert_equals_catalog(indexes.refresh(handbook.id), catalog, handbook)
    assert len(indexes.repairs) == 1


# ------------------------------------------------------------------------- crashes and full disks


def test_what_a_crash_left_behind_is_removed(
    indexes: CollectionIndexes, catalog: Catalog, handbook: Collection, root: Path
) -> None:
    indexes.refresh(handbook.id)
    folder = root / handbook.id
    shutil.copytree(folder / "gen-00000001", folder / "building-0123")  # killed while writing
    shutil.copytree(folder / "gen-00000001", folder / "gen-00000002")  # killed before the switch
    (folder / "CURRENT.4711.tmp").write_bytes(b"gen-0000")
    restarted = CollectionIndexes(root, catalog)
    assert restarted.refresh(handbook.id).generation == 1
    assert names(folder) == ["CURRENT", "gen-00000001"]
    put(catalog, handbook, "vpn.txt", "The VPN needs nothing.")
    assert_equals_catalog(restarted.refresh(handbook.id), catalog, handbook)
    assert names(folder) == ["CURRENT", "gen-00000001", "gen-00000002"]
    assert restarted.repairs == []


def test_strangers_in_the_folder_are_left_alone(
    indexes: CollectionIndexes, catalog: Catalog, handbook: Collection, root: Path
) -> None:
    for name in ("gen-", "gen-abc", "notes"):
        (root / handbook.id / name).mkdir(parents=True)
    assert_equals_catalog(indexes.refresh(handbook.id), catalog, handbook)
    assert names(root / handbook.id) == ["CURRENT", "gen-", "gen-00000001", "gen-abc", "notes"]


def test_only_the_last_two_generations_are_kept(
    indexes: CollectionIndexes, catalog: Catalog, handbook: Collection, root: Path
) -> None:
    for step in range(5):
        put(catalog, handbook, "vpn.txt", f"Step {step}.")
        indexes.refresh(handbook.id)
    assert names(root / handbook.id) == ["CURRENT", "gen-00000004", "gen-00000005"]


def test_a_full_disk_at_any_write_is_said_and_the_old_generation_serves_on(
    indexes: CollectionIndexes,
    catalog: Catalog,
    handbook: Collection,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old = indexes.refresh(handbook.id)
    put(catalog, handbook, "vpn.txt", "The VPN needs nothing.")
    write_new = durable.write_new
    written = 0

    def full_after(limit: int) -> None:
        nonlocal written
        written = 0

        def write(path: Path, data: bytes | memoryview) -> None:
            nonlocal written
            if written == limit:
                path.write_bytes(bytes(data)[: len(data) // 2])
                raise OSError(errno.ENOSPC, "No space left on device", str(path))
            written += 1
            write_new(path, data)

        monkeypatch.setattr(durable, "write_new", write)

    for limit in range(100):
        full_after(limit)
        with suppress(DiskFull):
            new = indexes.refresh(handbook.id)
            break
        assert indexes.snapshot(handbook) is old
        assert len(old.keyword.search("leave", 10, allowed=None)) == 4
    assert limit >= 4  # segment, tombstones, manifest and pointer
    assert_equals_catalog(new, catalog, handbook)
    assert names(root / handbook.id) == ["CURRENT", "gen-00000001", "gen-00000002"]
    assert indexes.repairs == []


def test_a_new_process_on_a_full_disk_serves_the_old_generation(
    indexes: CollectionIndexes,
    catalog: Catalog,
    handbook: Collection,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    indexes.refresh(handbook.id)
    put(catalog, handbook, "new.txt", "The canteen opens at noon.")

    def refuse(path: Path, data: bytes | memoryview) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    restarted = CollectionIndexes(root, catalog)
    with monkeypatch.context() as full:
        full.setattr(durable, "write_new", refuse)
        behind = restarted.snapshot(catalog.collection("handbook"))
    assert (behind.generation, behind.dense.count) == (1, 4)
    assert_equals_catalog(restarted.refresh(handbook.id), catalog, handbook)


def test_a_failing_disk_is_a_storage_error(
    indexes: CollectionIndexes, handbook: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path, data: bytes) -> None:
        raise OSError(errno.EIO, "Input/output error", str(path))

    monkeypatch.setattr(durable, "write_new", fail)
    with pytest.raises(StorageError, match=r"'handbook': Input/output error") as failure:
        indexes.refresh(handbook.id)
    assert not isinstance(failure.value, DiskFull)


def test_where_hard_links_are_impossible_files_are_copied(
    indexes: CollectionIndexes,
    catalog: Catalog,
    handbook: Collection,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    indexes.refresh(handbook.id)
    put(catalog, handbook, "vpn.txt", "The VPN needs nothing.")
    indexes.refresh(handbook.id)
    restarted = CollectionIndexes(root, catalog)
    assert_equals_catalog(restarted.snapshot(handbook), catalog, handbook)
    assert restarted.repairs == []


# -------------------------------------------------------------------------------- gone collections


def test_a_dropped_collection_leaves_no_files_and_running_searches_finish(
    indexes: CollectionIndexes, catalog: Catalog, handbook: Collection, root: Path
) -> None:
    opened = indexes.snapshot(handbook)
    catalog.delete_collection("handbook")
    indexes.drop(handbook.id)
    indexes.drop(handbook.id)
    assert not (root / handbook.id).exists()
    assert len(opened.dense.search(EMBEDDER.embed_query("days"), 10, allowed=None)) == 4
    assert len(opened.keyword.search("leave", 10, allowed=None)) == 4
    assert opened.dense.search(EMBEDDER.embed_query("days"), 10, allowed=NONE_REMOVED) == []


def test_an_unknown_collection_is_said_to_be_unknown(
    indexes: CollectionIndexes, catalog: Catalog, handbook: Collection, root: Path
) -> None:
    with pytest.raises(CollectionNotFound, match="4711"):
        indexes.refresh("4711")
    catalog.delete_collection("handbook")
    with pytest.raises(CollectionNotFound):
        indexes.snapshot(handbook)
    with pytest.raises(CollectionNotFound):
        indexes.refresh(handbook.id)
    assert not (root / "4711").exists()
