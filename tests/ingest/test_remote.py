"""Folders behind a URL are synced like folders: over fsspec's own memory, and over a place that can fail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import pytest
from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.memory import MemoryFileSystem

from ingest.parsing.process import ParserPool
from ingest.remote import EXTRAS, RemoteSource, changed_ns, open_location, shown
from ingest.result import IngestResult
from ingest.sources import FileSource, FolderSource, SourceFile
from rag.errors import SourceError
from tests.ingest.conftest import Workshop

URL = "memory://bucket/handbook"


class Shelf(LocalFileSystem):
    """A file system that counts what is read, and fails where it is told to."""

    protocol = ("shelf",)
    cachable = False
    opened: ClassVar[list[str]] = []
    unlistable: ClassVar[set[str]] = set()
    unreadable: ClassVar[set[str]] = set()

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(super()._strip_protocol(str(path).removeprefix("shelf://")))

    def ls(self, path: str, detail: bool = False, **kwargs: Any) -> Any:
        if Path(path).name in self.unlistable:
            raise PermissionError(f"secret-key-of-{path}")
        return super().ls(path, detail=detail, **kwargs)

    def _open(self, path: str, *arguments: Any, **options: Any) -> Any:
        self.opened.append(Path(path).name)
        if Path(path).name in self.unreadable:
            raise ConnectionError("secret-key: connection reset")
        return super()._open(path, *arguments, **options)


@pytest.fixture(autouse=True)
def _clean_places() -> Iterator[None]:
    fsspec.register_implementation("shelf", Shelf, clobber=True)
    Shelf.opened, Shelf.unlistable, Shelf.unreadable = [], set(), set()
    yield
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]


def write(path: str, text: str) -> None:
    with fsspec.open(f"{URL}/{path}", "wb") as file:
        file.write(text.encode())


def sync(workshop: Workshop, url: str, **options: Any) -> IngestResult:
    return workshop.ingestor.sync(open_location(url), collection=workshop.collection, **options)


def on_the_shelf(workshop: Workshop) -> str:
    return f"shelf://{workshop.folder}"


# ------------------------------------------------------------------------------------ the same plan


def test_a_url_is_synced_like_a_folder(workshop: Workshop) -> None:
    write("leave.md", "# Leave\n\nTwenty-five days.")
    write("travel/japan.txt", "The head of operations approves a trip to Japan.")
    write(".hidden/notes.txt", "Not for anybody.")
    write("node_modules/readme.md", "Not a document.")
    assert sync(workshop, URL).added == 2
    document = workshop.documents()["travel/japan.txt"]
    assert (document.root, document.source_uri) == (URL, "handbook/travel/japan.txt")
    assert workshop.text("travel/japan.txt") == "The head of operations approves a trip to Japan."

    again = sync(workshop, URL)
    assert (again.unchanged, again.added, again.modified) == (2, 0, 0)

    write("leave.md", "# Leave\n\nTwenty-seven days.")
    fsspec.filesystem("memory").rm("/bucket/handbook/travel", recursive=True)
    changed = sync(workshop, URL)
    assert (changed.modified, changed.deleted) == (1, 1)
    assert workshop.text("leave.md") == "Leave\n\nTwenty-seven days."


def test_only_what_changed_is_downloaded_and_no_copy_stays(
    workshop: Workshop, parsers: ParserPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies: list[Path] = []
    submit = parsers._submit

    def noticed(file: SourceFile) -> Any:
        submitted = submit(file)
        copies.append(submitted.copy)
        assert submitted.copy.is_file()
        return submitted

    monkeypatch.setattr(parsers, "_submit", noticed)
    workshop.write("a.txt", "The first.")
    workshop.write("b.txt", "The second one.")
    sync(workshop, on_the_shelf(workshop))
    assert sorted(Shelf.opened) == ["a.txt", "b.txt"]
    workshop.write("b.txt", "The second one, changed.")
    Shelf.opened = []
    assert sync(workshop, on_the_shelf(workshop)).modified == 1
    assert set(Shelf.opened) == {"b.txt"}
    assert len(copies) == 3
    assert not any(copy.exists() for copy in copies)


def test_a_moved_file_keeps_its_document(workshop: Workshop) -> None:
    workshop.write("old/leave.txt", "Twenty-five days of leave.")
    sync(workshop, on_the_shelf(workshop))
    before = workshop.documents()["old/leave.txt"].id
    (workshop.folder / "old").rename(workshop.folder / "new")
    result = sync(workshop, on_the_shelf(workshop))
    assert (result.moved, result.added, result.deleted) == (1, 0, 0)
    assert workshop.documents()["new/leave.txt"].id == before


def test_a_url_of_one_file_removes_nothing_else(workshop: Workshop) -> None:
    write("leave.md", "# Leave\n\nTwenty-five days.")
    write("keys.txt", "The VPN needs a hardware key.")
    sync(workshop, URL)
    write("keys.txt", "The VPN needs a token.")
    result = sync(workshop, f"{URL}/keys.txt")
    assert (result.modified, result.deleted, result.documents) == (1, 0, 2)


# ------------------------------------------------------------------------------------------ failures


def test_a_listing_that_fails_midway_deletes_nothing(workshop: Workshop) -> None:
    workshop.write("leave.txt", "Twenty-five days of leave.")
    workshop.write("travel/japan.txt", "A trip to Japan.")
    sync(workshop, on_the_shelf(workshop))
    Shelf.unlistable = {"travel"}
    with pytest.raises(SourceError, match="cannot be listed") as caught:
        sync(workshop, on_the_shelf(workshop))
    assert caught.value.source_code == "source_unreachable"
    assert "secret-key" not in str(caught.value)
    assert set(workshop.documents()) == {"leave.txt", "travel/japan.txt"}


def test_a_place_that_is_gone_deletes_nothing(workshop: Workshop) -> None:
    write("leave.md", "# Leave\n\nTwenty-five days.")
    source = open_location(URL)
    workshop.ingestor.sync(source, collection=workshop.collection)
    fsspec.filesystem("memory").rm("/bucket", recursive=True)
    with pytest.raises(SourceError, match="does not exist") as caught:
        workshop.ingestor.sync(source, collection=workshop.collection)
    assert caught.value.source_code == "folder_not_found"
    with pytest.raises(SourceError, match="does not exist"):
        open_location(URL)
    assert set(workshop.documents()) == {"leave.md"}


def test_a_file_that_cannot_be_downloaded_costs_one_file(workshop: Workshop) -> None:
    workshop.write("leave.txt", "Twenty-five days of leave.")
    workshop.write("keys.txt", "The VPN needs a hardware key.")
    Shelf.unreadable = {"keys.txt"}
    result = sync(workshop, on_the_shelf(workshop))
    assert result.added == 1
    assert [(each.path, each.code) for each in result.failures] == [("keys.txt", "file_unreadable")]
    assert "ConnectionError" in result.failures[0].message
    assert "secret-key" not in result.failures[0].message
    Shelf.unreadable = set()
    assert sync(workshop, on_the_shelf(workshop)).added == 1


def test_a_file_that_changes_while_it_is_downloaded_is_taken_next_time(workshop: Workshop) -> None:
    file = workshop.write("leave.txt", "Twenty-five days of leave.")
    source = open_location(on_the_shelf(workshop))
    scan = source.scan()
    file.write_text("Twenty-seven days of leave, and then some more.")
    target = workshop.folder.parent / "copy"
    assert scan.files[0].download is not None
    with pytest.raises(OSError, match="changed while it was downloaded"):
        scan.files[0].download(target)
    assert target.stat().st_size <= len("Twenty-five days of leave.") + 2**20


@pytest.mark.parametrize("scheme", ["s3", "gs", "az"])
def test_a_missing_package_is_named_by_its_extra(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise ImportError("Install the package")

    monkeypatch.setattr("ingest.remote.url_to_fs", missing)
    with pytest.raises(SourceError, match=rf"pip install 'footnote\[{EXTRAS[scheme]}\]'") as caught:
        open_location(f"{scheme}://bucket/folder")
    assert caught.value.source_code == "source_unreachable"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("nowhere://bucket/folder", "cannot be listed"),
        ("simplecache::memory://bucket/handbook", "chain of URLs"),
    ],
)
def test_what_is_no_place_is_told(url: str, reason: str) -> None:
    with pytest.raises(SourceError, match=reason) as caught:
        open_location(url)
    assert caught.value.source_code == "source_unreachable"


# ------------------------------------------------------------------------------------------- details


def test_credentials_are_neither_stored_nor_shown() -> None:
    assert shown("sftp://anna:secret@files.example.org:2222/handbook/?x=1") == (
        "sftp://files.example.org:2222/handbook"
    )
    assert shown("s3://bucket/folder/") == "s3://bucket/folder"
    write("leave.md", "# Leave")
    assert RemoteSource("memory://bucket/handbook/").root == URL


def test_a_path_and_a_file_url_are_the_same_folder(tmp_path: Path) -> None:
    assert isinstance(open_location(str(tmp_path)), FolderSource)
    assert open_location(f"file://{tmp_path}").root == open_location(str(tmp_path)).root
    (tmp_path / "a.txt").write_text("A")
    assert isinstance(open_location(f"file://{tmp_path}/a.txt"), FileSource)


def test_the_time_of_a_file_is_told_in_many_ways() -> None:
    assert changed_ns({"mtime": 1700000000.5}) == 1700000000500000000
    assert changed_ns({"updated": "2026-11-21T05:47:38Z"}) == 1795240058000000000
    assert changed_ns({"ETag": "a"}) == changed_ns({"ETag": "a"}) != changed_ns({"ETag": "b"})
    assert changed_ns({}) > changed_ns({"mtime": 1700000000})
