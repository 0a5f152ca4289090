"""Archives: every member is a document of its own, and a bad one costs only itself."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from ingest.parsing import read as reading
from ingest.parsing.process import ParserPool
from ingest.parsing.read import ReadLimits, read_file
from rag.errors import SourceError
from tests.ingest.conftest import read_whole, refuse
from tests.ingest.makers import write_docx


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def saved(tmp_path: Path, content: bytes, name: str = "all.zip") -> Path:
    file = tmp_path / name
    file.write_bytes(content)
    return file


def parts(file: Path, **limits: int) -> list[str]:
    return [document.part for document in read_file(file, file.name, None, ReadLimits(**limits)).documents]


def test_each_member_is_a_document_and_bad_ones_are_reported(parsers: ParserPool, tmp_path: Path) -> None:
    write_docx(tmp_path / "travel.docx")
    members = {
        "rules/leave.md": b"# Leave\n\nFive weeks.",
        "travel.docx": (tmp_path / "travel.docx").read_bytes(),
        "inner.zip": zipped({"deep/notes.txt": b"Some notes."}),
        "empty.txt": b"",
        "broken.pdf": b"%PDF-1.7 no",
        "film.mp4": b"....",
        "__MACOSX/._leave.md": b"junk",
        ".DS_Store": b"junk",
        "folder/": b"",
    }
    read = read_whole(parsers, saved(tmp_path, zipped(members)))
    assert [document.part for document in read.documents] == [
        "rules/leave.md",
        "travel.docx",
        "inner.zip/deep/notes.txt",
    ]
    assert read.documents[0].title == "Leave"
    assert {failure.path: failure.code for failure in read.failures} == {
        "all.zip!/empty.txt": "empty_file",
        "all.zip!/broken.pdf": "damaged_file",
        "all.zip!/film.mp4": "unsupported_type",
    }


def test_names_are_made_harmless_and_unique(tmp_path: Path) -> None:
    names = ["../../up.txt", "/abs.txt", "C:\\win\\file.txt", "up.txt", "a/./b.txt", "x\x07y.txt"]
    file = saved(tmp_path, zipped({name: b"Words." for name in names}))
    assert parts(file) == ["up.txt", "abs.txt", "win/file.txt", "up (2).txt", "a/b.txt", "xy.txt"]
    assert list(tmp_path.iterdir()) == [file]


def test_a_name_in_utf8_without_its_mark_is_read(tmp_path: Path) -> None:
    packed = zipped({"r__gle.txt": b"Words."}).replace(b"r__gle.txt", "règle.txt".encode())
    assert parts(saved(tmp_path, packed)) == ["règle.txt"]


def test_a_member_with_a_password_is_told(tmp_path: Path) -> None:
    packed = bytearray(zipped({"secret.txt": b"Words."}))
    packed[6] |= 1
    packed[packed.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(SourceError) as caught:
        parts(saved(tmp_path, bytes(packed)))
    assert caught.value.source_code == "encrypted_file"
    assert "secret.txt" in str(caught.value)


def test_a_member_whose_bytes_were_changed_is_damaged(tmp_path: Path) -> None:
    packed = bytearray(zipped({"notes.txt": b"Some words that are packed.", "fine.txt": b"Fine."}))
    packed[45] ^= 0xFF
    read = read_file(saved(tmp_path, bytes(packed)), "all.zip", None)
    assert [failure.code for failure in read.failures] == ["damaged_file"]
    assert [document.part for document in read.documents] == ["fine.txt"]


def test_archives_in_archives_are_read_three_deep(tmp_path: Path) -> None:
    packed = b"Words."
    name = "notes.txt"
    for level in range(5):
        packed, name = zipped({name: packed, f"level{level}.txt": b"Words."}), f"inner{level}.zip"
    read = read_file(saved(tmp_path, packed), "all.zip", None)
    assert [document.part for document in read.documents] == [
        "inner3.zip/inner2.zip/level2.txt",
        "inner3.zip/level3.txt",
        "level4.txt",
    ]
    assert [failure.code for failure in read.failures] == ["nested_too_deep", "nested_too_deep"]


def test_what_unpacks_to_too_much_is_left_out(tmp_path: Path) -> None:
    packed = zipped({"a.txt": b"word " * 300, "b.txt": b"word " * 10, "c.txt": b"word " * 300})
    file = saved(tmp_path, packed)
    assert parts(file, part=100) == ["b.txt"]
    assert parts(file, total=1600) == ["a.txt", "b.txt"]


def test_only_so_many_members_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_PARTS", 3)
    file = saved(tmp_path, zipped({f"{n}.txt": b"Words." for n in range(9)}))
    read = read_file(file, file.name, None)
    assert len(read.documents) == 3
    assert [(failure.path, failure.code) for failure in read.failures] == [
        ("all.zip!/3.txt", "too_many_parts")
    ]


def test_a_gzip_file_holds_one_file_named_after_it(tmp_path: Path) -> None:
    assert parts(saved(tmp_path, gzip.compress(b"Some words."), "notes.txt.gz")) == ["notes.txt"]
    with pytest.raises(SourceError, match="unpacks"):
        parts(saved(tmp_path, gzip.compress(bytes(2000)), "big.txt.gz"), part=1000)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"PK\x03\x04 cut off", "damaged_file"),
        (zipped({}), "no_text"),
        (zipped({"a.mp3": b".", "b.mp4": b"."}), "unsupported_type"),
        (zipped({"a.txt": b"", "b.mp4": b".", "c.txt": b""}), "empty_file"),
    ],
)
def test_an_archive_without_any_document_fails(
    parsers: ParserPool, tmp_path: Path, content: bytes, code: str
) -> None:
    assert refuse(parsers, saved(tmp_path, content)).code == code
