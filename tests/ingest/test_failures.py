"""Bad input: each file gets its own code, and the rest is ingested."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pebble import ProcessExpired

from ingest.parsing.process import ParserPool, read_confined
from ingest.parsing.sandbox import protections
from ingest.result import IngestResult
from ingest.sources import FileSource, FolderSource, open_source
from rag.errors import SourceError
from tests.ingest.conftest import Workshop, parse, refuse
from tests.ingest.hostile import read as hostile_read
from tests.ingest.makers import pdf_bytes
from tests.patience import LONG_S

GOOD = "# Good\n\nThis file is fine.\n"


def codes(result: IngestResult) -> dict[str, str]:
    return {failure.path: failure.code for failure in result.failures}


def test_every_bad_file_has_its_code_and_the_good_one_is_ingested(workshop: Workshop, tmp_path: Path) -> None:
    bad: dict[str, tuple[bytes, str]] = {
        "empty.md": (b"", "empty_file"),
        "blank.txt": (b" \r\n\t\n ", "empty_file"),
        "binary.md": (bytes(range(256)) * 8, "not_text"),
        "picture.txt": (b"\x89PNG\r\n\x1a\n" + b"pixels" * 9, "not_text"),
        "broken.pdf": (b"%PDF-1.7\nthis is no PDF at all", "damaged_file"),
        "broken.docx": (b"PK\x03\x04 cut off", "damaged_file"),
        "locked.docx": (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le") * 40,
            "encrypted_file",
        ),
        "scan.pdf": (pdf_bytes([[]]), "no_text"),
        "rule-only.md": (b"---\n\n---\n", "no_text"),
        "movie.mp4": (b"....", "unsupported_type"),
        "huge.txt": (b"word " * 300_000, "too_large"),
    }
    workshop.write("good.md", GOOD)
    for path, (content, _) in bad.items():
        workshop.write(path, content)

    result = workshop.sync()

    assert codes(result) == {path: code for path, (_, code) in bad.items()}
    assert set(workshop.documents()) == {"good.md"}
    assert all(failure.message.endswith(".") for failure in result.failures)


def test_an_archive_that_is_not_a_document_is_damaged(parsers: ParserPool, tmp_path: Path) -> None:
    file = tmp_path / "archive.docx"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("hello.txt", "no document in here")
    assert refuse(parsers, file).code == "damaged_file"


def test_a_document_that_unpacks_to_a_gigabyte_is_refused(parsers: ParserPool, tmp_path: Path) -> None:
    file = tmp_path / "bomb.docx"
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("word/document.xml", "w") as member,
    ):
        for _ in range(1025):
            member.write(bytes(1 << 20))
    assert refuse(parsers, file).code == "too_large"


def test_a_password_protects_a_pdf(parsers: ParserPool, tmp_path: Path) -> None:
    plain = pdf_bytes([[("Secret", 12)]])
    locked = plain.replace(
        b"/Root 1 0 R",
        b"/Root 1 0 R /ID [<00><00>] /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 "
        b"/O (12345678901234567890123456789012) /U (12345678901234567890123456789012) >>",
    )
    file = tmp_path / "locked.pdf"
    file.write_bytes(locked)
    assert refuse(parsers, file).code == "encrypted_file"


def test_links_are_followed_inside_the_folder_only(workshop: Workshop, tmp_path: Path) -> None:
    secret = tmp_path / "secret.md"
    secret.write_text("outside")
    workshop.write("real/good.md", GOOD)
    (workshop.folder / "outside.md").symlink_to(secret)
    (workshop.folder / "loop").symlink_to(workshop.folder)
    (workshop.folder / "real" / "again").symlink_to(workshop.folder / "real")
    (workshop.folder / "dangling.md").symlink_to(workshop.folder / "nowhere.md")
    result = workshop.sync()
    assert codes(result) == {"outside.md": "symlink_outside", "dangling.md": "file_unreadable"}
    assert "a link that leads nowhere" in result.failures[0].message
    assert set(workshop.documents()) == {"real/good.md"}


def test_a_link_to_a_hidden_place_inside_is_followed_once(workshop: Workshop) -> None:
    workshop.write(".store/good.md", GOOD)
    (workshop.folder / "a").symlink_to(workshop.folder / ".store")
    (workshop.folder / "b").symlink_to(workshop.folder / ".store")
    assert workshop.sync().failed == 0
    assert set(workshop.documents()) == {"a/good.md"}


def test_a_name_that_is_not_text_is_refused_and_shown(workshop: Workshop) -> None:
    with open(os.fsencode(workshop.folder) + b"/caf\xe9.md", "w") as file:
        file.write(GOOD)
    result = workshop.sync()
    assert codes(result) == {"caf\\udce9.md": "bad_file_name"}
    assert str(result.to_json()).isprintable()


def test_a_socket_is_not_a_document(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workshop.folder)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind("door.md")
        assert codes(workshop.sync()) == {"door.md": "unsupported_type"}


def test_a_subfolder_that_cannot_be_listed_loses_nothing(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop.write("closed/leave.md", GOOD)
    workshop.write("open/travel.md", GOOD + "Really.\n")
    workshop.sync()
    scandir = os.scandir

    def refuses(path: object) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "scandir", refuses)
    result = workshop.sync()
    assert codes(result) == {"closed": "folder_unreadable"}
    assert result.deleted == 0
    assert set(workshop.documents()) == {"closed/leave.md", "open/travel.md"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_read_permission_is_reported(workshop: Workshop) -> None:
    workshop.write("closed.md", GOOD).chmod(0)
    assert codes(workshop.sync()) == {"closed.md": "file_unreadable"}


def test_hidden_and_temporary_files_are_passed_over(workshop: Workshop) -> None:
    for path in (
        ".git/HEAD",
        ".hidden.md",
        "~$draft.docx",
        "Thumbs.db",
        ".DS_Store",
        "node_modules/a/readme.md",
    ):
        workshop.write(path, GOOD)
    result = workshop.sync()
    assert (result.added, result.failed) == (0, 0)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("é" * 120 + ".md", "Règles de congés.".encode()),
        ("会社 規則 🚀.md", "Règles de congés.".encode()),
        ("crlf.md", b"R\xc3\xa8gles\r\nde cong\xc3\xa9s.\r\n"),
        ("windows.md", "Règles de congés.".encode("cp1252")),
        ("utf16.txt", "Règles de congés.".encode("utf-16")),
        ("utf32.txt", "Règles de congés.".encode("utf-32")),
        ("no-mark.txt", "Règles de congés.".encode("utf-16-le")),
        ("mark.html", "<p>Règles de congés.</p>".encode("utf-8-sig")),
        ("latin.html", '<meta charset="iso-8859-1"><p>Règles de congés.</p>'.encode("latin-1")),
        ("LICENSE", "Règles de congés.".encode()),
        ("decomposed.md", "Re\u0300gles de conge\u0301s.".encode()),
    ],
)
def test_unusual_names_and_encodings_simply_work(workshop: Workshop, name: str, content: bytes) -> None:
    workshop.write(name, content)
    assert workshop.sync().failures == ()
    assert workshop.text(name) == "Règles de congés."


@pytest.mark.parametrize("path", ["missing", "file.txt"])
def test_a_source_must_be_a_folder(tmp_path: Path, path: str) -> None:
    (tmp_path / "file.txt").write_text("x")
    with pytest.raises(SourceError) as caught:
        FolderSource(tmp_path / path)
    assert caught.value.source_code == "folder_not_found"


def test_a_path_is_opened_as_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "file.txt").write_text("x")
    assert isinstance(open_source(tmp_path), FolderSource)
    assert isinstance(open_source(tmp_path / "file.txt"), FileSource)
    with pytest.raises(SourceError, match="does not exist"):
        open_source(tmp_path / "missing")


@pytest.fixture(scope="module")
def hostile() -> Iterator[ParserPool]:
    with ParserPool(workers=1, timeout_s=LONG_S, memory_mb=8192, reader=hostile_read) as pool:
        yield pool


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("crash", "parser_crashed"),
        ("greedy", "out_of_memory"),
        ("bad-alloc", "out_of_memory"),
        ("bug", "parser_crashed"),
    ],
)
def test_a_misbehaving_parser_is_reported_and_replaced(
    hostile: ParserPool, tmp_path: Path, name: str, code: str
) -> None:
    (tmp_path / f"{name}.txt").write_text("x")
    (tmp_path / "next.txt").write_text("The next file is read.")
    assert refuse(hostile, tmp_path / f"{name}.txt").code == code
    assert parse(hostile, tmp_path / "next.txt").text == "The next file is read."


def test_a_parser_has_no_network(hostile: ParserPool, tmp_path: Path) -> None:
    (tmp_path / "network.txt").write_text("?")
    assert parse(hostile, tmp_path / "network.txt").text == "refused refused"


def test_a_parser_changes_nothing_outside_its_temporary_folder(hostile: ParserPool, tmp_path: Path) -> None:
    file = tmp_path / "write.txt"
    file.write_text("as it was")
    if not protections().files:
        pytest.skip("this kernel has no Landlock")
    assert set(parse(hostile, file).text.split()) == {"refused"}
    assert [path.name for path in tmp_path.iterdir()] == ["write.txt"]
    assert file.read_text() == "as it was"


def test_temporary_files_are_gone_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    (tmp_path / "network.txt").write_text("?")
    (tmp_path / "crash.txt").write_text("x")
    with ParserPool(workers=1, timeout_s=LONG_S, memory_mb=8192, reader=hostile_read) as pool:
        parse(pool, tmp_path / "network.txt")
        refuse(pool, tmp_path / "crash.txt")
        (folder,) = (tmp_path / "temporary").iterdir()
        assert [entry.name for entry in folder.iterdir()] == ["lock"]
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_parser_that_computes_forever_ends_even_if_nobody_watches(tmp_path: Path) -> None:
    (tmp_path / "spin.txt").write_text("x")
    with ParserPool(workers=1, timeout_s=1, memory_mb=8192, reader=hostile_read) as pool:
        folder = pool._scratch.folder / "spin"
        watched = pool._pool.schedule(
            read_confined, args=[hostile_read, tmp_path / "spin.txt", "spin.txt", None, folder, 1]
        )
        with pytest.raises(ProcessExpired) as caught:
            watched.result()
    assert caught.value.exitcode == -signal.SIGXCPU


def test_a_parser_that_hangs_is_ended(tmp_path: Path) -> None:
    (tmp_path / "hang.txt").write_text("x")
    with ParserPool(workers=1, timeout_s=1.5, memory_mb=8192, reader=hostile_read) as pool:
        failure = refuse(pool, tmp_path / "hang.txt")
    assert failure.code == "parse_timeout"
    assert "1.5 seconds" in failure.message
