"""Syncing a folder: what changes in the collection when files change."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from ingest.lock import collection_lock
from ingest.progress import Status
from ingest.sources import FileSource, FolderSource, UploadSource
from rag.errors import Busy, SourceError
from tests.ingest.conftest import Workshop

LEAVE = "# Annual leave\n\nEverybody has 25 days of annual leave.\n"
TRAVEL = "# Travel\n\nTrains before planes below four hours.\n"


RULES = 300
"""More than what is on its way between the stages when a run is stopped."""


def write_rules(workshop: Workshop) -> None:
    for number in range(RULES):
        workshop.write(f"{number:03d}.txt", f"Rule {number} is a rule.")


def test_a_folder_becomes_documents_with_chunks(workshop: Workshop) -> None:
    workshop.write("leave.md", LEAVE)
    workshop.write("travel/trains.md", TRAVEL)

    result = workshop.sync()

    assert (result.added, result.failed, result.documents, result.chunks) == (2, 0, 2, 2)
    document = workshop.documents()["travel/trains.md"]
    assert (document.title, document.source_uri) == ("Travel", "handbook/travel/trains.md")
    assert workshop.indexes.refreshed == [workshop.collection.id]
    assert result.chunks_embedded == 2
    assert set(result.stages) == {"plan", "parse_wait", "embed", "commit", "index"}


def test_chunk_offsets_give_the_stored_text(workshop: Workshop) -> None:
    workshop.write(
        "long.md", "# Règles\n\n" + "\n\n".join(f"Règle n° {n} : être prêt à l'heure." for n in range(200))
    )
    workshop.sync()
    text, chunks = workshop.text("long.md"), workshop.chunks("long.md")
    assert len(chunks) > 5
    assert [text[chunk.start : chunk.end] for chunk in chunks] == [chunk.text for chunk in chunks]


def test_the_context_is_embedded_with_the_text(workshop: Workshop) -> None:
    workshop.write("leave.md", LEAVE)
    workshop.sync()
    assert workshop.embedder.embedded == ["Annual leave\nEverybody has 25 days of annual leave."]


def test_a_second_run_does_nothing(workshop: Workshop) -> None:
    workshop.write("leave.md", LEAVE)
    workshop.sync()
    again = workshop.sync()
    assert (again.added, again.modified, again.deleted, again.unchanged) == (0, 0, 0, 1)
    assert again.chunks_embedded == 0
    assert len(workshop.embedder.embedded) == 1
    assert len(workshop.indexes.refreshed) == 1


def test_a_file_saved_again_with_the_same_content_is_unchanged(workshop: Workshop) -> None:
    file = workshop.write("leave.md", LEAVE)
    workshop.sync()
    os.utime(file, ns=(1, 1))
    assert workshop.sync().unchanged == 1
    assert workshop.documents()["leave.md"].mtime_ns == 1
    assert len(workshop.embedder.embedded) == 1


def test_a_changed_file_replaces_its_old_chunks(workshop: Workshop) -> None:
    workshop.write("leave.md", LEAVE)
    workshop.sync()
    workshop.write("leave.md", LEAVE.replace("25", "27"))
    result = workshop.sync()
    assert (result.modified, result.added) == (1, 0)
    assert [chunk.text for chunk in workshop.chunks("leave.md")] == ["Everybody has 27 days of annual leave."]
    assert workshop.documents()["leave.md"].version == 2


def test_a_removed_file_leaves_the_collection(workshop: Workshop) -> None:
    file = workshop.write("leave.md", LEAVE)
    workshop.write("travel.md", TRAVEL)
    workshop.sync()
    file.unlink()
    result = workshop.sync()
    assert (result.deleted, result.unchanged) == (1, 1)
    assert set(workshop.documents()) == {"travel.md"}
    assert len(workshop.indexes.refreshed) == 2


def test_removed_chunks_are_counted(workshop: Workshop) -> None:
    for name in ("leave.md", "travel.md"):
        workshop.write(name, LEAVE + name)
    workshop.sync()
    (workshop.folder / "leave.md").unlink()
    workshop.write("travel.md", TRAVEL)
    result = workshop.sync()
    assert (result.deleted, result.modified, result.chunks_removed, result.vectors_removed) == (1, 1, 2, 2)


def test_a_moved_file_keeps_its_document_and_its_vectors(workshop: Workshop) -> None:
    file = workshop.write("leave.md", LEAVE)
    workshop.sync()
    before = workshop.documents()["leave.md"]
    (workshop.folder / "hr").mkdir()
    file.rename(workshop.folder / "hr" / "annual-leave.md")
    result = workshop.sync()
    after = workshop.documents()["hr/annual-leave.md"]
    assert (result.moved, result.added, result.deleted, result.chunks_embedded) == (1, 0, 0, 0)
    assert (after.id, after.version, after.source_uri) == (before.id, 1, "handbook/hr/annual-leave.md")
    again = workshop.sync()
    assert (again.unchanged, again.moved) == (1, 0)


def test_a_moved_file_that_is_called_by_its_name_gets_the_new_one(workshop: Workshop) -> None:
    file = workshop.write("old-name.txt", "Trains before planes.")
    workshop.sync()
    before = workshop.documents()["old-name.txt"]
    file.rename(workshop.folder / "new-name.txt")
    result = workshop.sync()
    after = workshop.documents()["new-name.txt"]
    assert (result.moved, result.added, result.modified, result.deleted) == (1, 0, 0, 0)
    assert (after.id, before.title, after.title) == (before.id, "Old name", "New name")


def test_a_second_file_with_the_same_bytes_is_left_out(workshop: Workshop) -> None:
    first = workshop.write("leave.md", LEAVE)
    workshop.write("old/leave copy.md", LEAVE)
    result = workshop.sync()
    assert (result.added, result.duplicates, result.documents) == (1, 1, 1)
    again = workshop.sync()
    assert (again.added, again.duplicates, again.unchanged) == (0, 1, 1)
    first.unlink()
    assert workshop.sync().moved == 1
    assert set(workshop.documents()) == {"old/leave copy.md"}


def test_unchanged_chunks_of_a_changed_file_keep_their_vectors(workshop: Workshop) -> None:
    sections = [f"## Rule {n}\n\nRule number {n} says {n} things.\n" for n in range(40)]
    workshop.write("rules.md", "# Rules\n\n" + "\n".join(sections))
    first = workshop.sync()
    sections[-1] = "## Rule 39\n\nThis one is new.\n"
    workshop.write("rules.md", "# Rules\n\n" + "\n".join(sections))
    second = workshop.sync()
    assert second.chunks_embedded == 1
    assert second.chunks_reused == first.chunks_embedded - 1


def test_removed_files_can_be_kept(workshop: Workshop) -> None:
    file = workshop.write("leave.md", LEAVE)
    workshop.sync()
    file.unlink()
    assert workshop.sync(delete_missing=False).deleted == 0
    assert set(workshop.documents()) == {"leave.md"}


def test_a_folder_that_vanished_removes_nothing(workshop: Workshop) -> None:
    file = workshop.write("leave.md", LEAVE)
    workshop.sync()
    source = FolderSource(workshop.folder)
    file.unlink()
    workshop.folder.rmdir()
    with pytest.raises(SourceError) as caught:
        workshop.ingestor.sync(source, collection=workshop.collection)
    assert caught.value.source_code == "folder_unreadable"
    assert set(workshop.documents()) == {"leave.md"}


def test_a_file_that_breaks_keeps_its_old_version(workshop: Workshop) -> None:
    workshop.write("leave.md", LEAVE)
    workshop.sync()
    workshop.write("leave.md", b"\x00\x01\x02" * 50)
    result = workshop.sync()
    assert [failure.code for failure in result.failures] == ["not_text"]
    assert "25 days" in workshop.text("leave.md")
    assert workshop.sync().failed == 1, "it is tried again"


def test_a_dry_run_names_each_change(workshop: Workshop) -> None:
    gone = workshop.write("gone.md", LEAVE)
    moved = workshop.write("moved.md", TRAVEL)
    workshop.write("same.md", "# Same")
    workshop.sync()
    gone.unlink()
    moved.rename(workshop.folder / "there.md")
    workshop.write("copy.md", "# Same")
    workshop.write("new.md", "# New")
    changes = workshop.sync(dry_run=True).changes
    assert [(change.change, change.path, change.other) for change in changes] == [
        ("duplicate", "copy.md", "same.md"),
        ("deleted", "gone.md", None),
        ("added", "new.md", None),
        ("moved", "there.md", "moved.md"),
    ]
    assert set(workshop.documents()) == {"gone.md", "moved.md", "same.md"}


def test_a_dry_run_only_tells(workshop: Workshop) -> None:
    workshop.write("leave.md", LEAVE)
    workshop.write("notes.xyz", "?")
    result = workshop.sync(dry_run=True)
    assert (result.dry_run, result.added, result.failed, result.documents) == (True, 1, 1, 0)
    assert workshop.documents() == {}
    assert workshop.indexes.refreshed == []


def test_new_groups_take_effect_without_embedding_again(workshop: Workshop) -> None:
    workshop.write("leave.md", LEAVE)
    workshop.sync()
    result = workshop.sync(groups=frozenset({"hr"}))
    assert (result.modified, result.unchanged) == (1, 0)
    assert workshop.documents()["leave.md"].groups == {"hr"}
    assert len(workshop.embedder.embedded) == 1


def test_new_groups_also_hold_for_a_file_that_cannot_be_read_now(workshop: Workshop) -> None:
    workshop.write("leave.md", LEAVE)
    workshop.sync()
    workshop.write("leave.md", "")
    workshop.sync(groups=frozenset({"hr"}))
    assert workshop.documents()["leave.md"].groups == {"hr"}


def test_one_file_is_taken_alone(workshop: Workshop) -> None:
    workshop.write("leave.md", LEAVE)
    workshop.write("travel.md", TRAVEL)
    workshop.sync()
    file = workshop.write("leave.md", LEAVE.replace("25", "26"))
    result = workshop.ingestor.sync(FileSource(file), collection=workshop.collection)
    assert (result.modified, result.deleted) == (1, 0)
    assert set(workshop.documents()) == {"leave.md", "travel.md"}


def test_an_upload_of_the_same_name_replaces_the_earlier_one(workshop: Workshop, tmp_path: Path) -> None:
    for number, text in enumerate(["Old rule.", "New rule."]):
        upload = tmp_path / f"upload-{number}"
        upload.mkdir()
        (upload / "rule.txt").write_text(text)
        workshop.ingestor.sync(UploadSource(upload), collection=workshop.collection)
    assert workshop.text("rule.txt") == "New rule."
    assert workshop.documents()["rule.txt"].source_uri == "upload/rule.txt"


def test_two_ingestions_into_one_collection_do_not_run_at_once(workshop: Workshop, tmp_path: Path) -> None:
    workshop.write("leave.md", LEAVE)
    with collection_lock(tmp_path / "locks", workshop.collection), pytest.raises(Busy, match="'handbook'"):
        workshop.sync()
    assert workshop.sync().added == 1


def test_a_cancelled_run_keeps_what_it_committed(workshop: Workshop) -> None:
    write_rules(workshop)
    enough = threading.Event()

    class StopAfterTen:
        def update(self, status: Status) -> None:
            if status.files_done >= 10:
                enough.set()

    result = workshop.sync(progress=StopAfterTen(), cancelled=enough.is_set)

    assert result.cancelled
    assert 10 <= result.added < RULES
    assert result.added == len(workshop.catalog.source_states(workshop.collection.id, str(workshop.folder)))
    assert workshop.indexes.refreshed == [workshop.collection.id]
    assert workshop.sync().added == RULES - result.added


def test_ctrl_c_keeps_what_was_committed_and_is_passed_on(workshop: Workshop) -> None:
    write_rules(workshop)

    class PressCtrlC:
        pressed = False

        def update(self, status: Status) -> None:
            if status.files_done >= 5 and not self.pressed:
                self.pressed = True
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        workshop.sync(progress=PressCtrlC())
    kept = len(workshop.catalog.source_states(workshop.collection.id, str(workshop.folder)))
    assert 5 <= kept < RULES
    assert workshop.indexes.refreshed == [workshop.collection.id]


def test_an_embedding_failure_ends_the_run_and_keeps_the_committed(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop.write("leave.md", LEAVE)

    def broken(texts: object) -> object:
        raise RuntimeError("the model is gone")

    monkeypatch.setattr(workshop.embedder, "embed_documents", broken)
    with pytest.raises(RuntimeError, match="the model is gone"):
        workshop.sync()
    monkeypatch.undo()
    assert workshop.sync().added == 1


def test_progress_reaches_the_end(workshop: Workshop) -> None:
    workshop.write("leave.md", LEAVE)
    workshop.write("broken.pdf", b"%PDF-1.4 nothing")
    seen: list[Status] = []

    class Listener:
        def update(self, status: Status) -> None:
            seen.append(status)

    workshop.sync(progress=Listener())
    assert seen[0].stage == "plan"
    last = seen[-1]
    assert (last.stage, last.files_total, last.files_done, last.failed) == ("done", 2, 2, 1)
