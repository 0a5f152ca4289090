"""Names and multipart bodies as clients really send them."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.errors import UploadTooLarge
from api.uploads import (
    MAX_NAME_BYTES,
    Upload,
    place,
    receive_upload,
    safe_name,
    staging_folder,
    upload_folder,
)
from rag.errors import DiskFull, InvalidRequest


def send(
    files: list[tuple[str, bytes]],
    folder: Path,
    *,
    fields: dict[str, str] | None = None,
    cut: int = 0,
    max_mb: int = 1,
) -> Upload:
    """Receive what httpx sends, in small pieces, without the last ``cut`` bytes."""
    parts = [("files", (name, content)) for name, content in files]
    request = httpx.Request("POST", "http://x/", files=parts, data=fields or {})
    body = request.read()
    body = body[: len(body) - cut]

    async def stream() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 1000):
            yield body[start : start + 1000]

    return asyncio.run(
        receive_upload(stream(), request.headers["content-type"], folder=folder, max_mb=max_mb)
    )


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("leave.md", "leave.md"),
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Users\\me\\plan.docx", "plan.docx"),
        ("congés payés.pdf", "congés payés.pdf"),
        (".hidden.md", "hidden.md"),
        ("a\x00b\n.md", "a_b_.md"),
        ("evil\u202etxt.md", "evil_txt.md"),
        ("x" * 400 + ".md", "x" * (MAX_NAME_BYTES - 3) + ".md"),
    ],
)
def test_names_are_made_safe(sent: str, kept: str) -> None:
    assert safe_name(sent) == kept


@pytest.mark.parametrize("sent", ["", "..", "/", "x." + "y" * 300])
def test_names_without_anything_to_keep_are_refused(sent: str) -> None:
    with pytest.raises(InvalidRequest, match="cannot be used"):
        safe_name(sent)


@given(st.text(max_size=300))
def test_no_name_leaves_its_folder(sent: str) -> None:
    try:
        name = safe_name(sent.encode(errors="replace").decode())
    except InvalidRequest:
        return
    assert Path("/base", name).parent == Path("/base")
    assert not name.startswith(".")
    assert len(name.encode()) <= MAX_NAME_BYTES


def test_files_and_fields_arrive_whole(tmp_path: Path) -> None:
    big = bytes(range(256)) * 2000
    upload = send(
        [("a.md", b"# A\r\n--not a boundary"), ("b.bin", big)], tmp_path, fields={"collection": "c"}
    )

    assert upload.fields == {"collection": "c"}
    assert [(file.name, file.size) for file in upload.files] == [("a.md", 21), ("b.bin", len(big))]
    assert upload.files[1].path.read_bytes() == big


def test_an_upload_over_the_limit_is_cut_off(tmp_path: Path) -> None:
    with pytest.raises(UploadTooLarge, match="larger"):
        send([("a.md", b"x" * 1_100_000)], tmp_path, max_mb=1)


def test_a_broken_off_body_is_not_taken_for_a_whole_one(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="breaks off"):
        send([("a.md", b"x" * 5000)], tmp_path, cut=60)


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="Two files"):
        send([("a.md", b"1"), ("x/a.md", b"2")], tmp_path)


def test_the_same_request_gets_the_same_folder(tmp_path: Path) -> None:
    for staging in ("1", "2", "3"):
        (tmp_path / staging).mkdir()
    first = send([("a.md", b"1"), ("b.md", b"2")], tmp_path / "1")
    again = send([("b.md", b"2"), ("a.md", b"1")], tmp_path / "2")
    other = send([("a.md", b"1"), ("b.md", b"3")], tmp_path / "3")

    hr = upload_folder(tmp_path, first.files, ["hr"], "key")
    assert hr == upload_folder(tmp_path, again.files, ["hr"], "key")
    assert hr != upload_folder(tmp_path, other.files, ["hr"], "key")
    assert hr != upload_folder(tmp_path, first.files, [], "key")
    assert hr != upload_folder(tmp_path, first.files, ["hr"], "other key")


def test_without_a_key_every_upload_has_a_folder_of_its_own(tmp_path: Path) -> None:
    files = send([("a.md", b"1")], tmp_path).files
    assert upload_folder(tmp_path, files, [], None) != upload_folder(tmp_path, files, [], None)


def test_files_are_placed_once(tmp_path: Path) -> None:
    target = tmp_path / "uploads" / "target"
    placed = []
    for staging in ("1", "2"):
        (tmp_path / staging).mkdir()
        placed.append(place(send([("a.md", b"text")], tmp_path / staging).files, target))

    assert placed == [True, False]
    assert (target / "a.md").read_bytes() == b"text"


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    def receive() -> None:
        with staging_folder(tmp_path) as folder:
            (folder / "0").write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DiskFull, match="free some"):
        receive()
    assert list((tmp_path / "staging").iterdir()) == []
