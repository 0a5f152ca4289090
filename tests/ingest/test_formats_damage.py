"""Broken, locked and misnamed files of every type: a code and a sentence, never a crash."""

from __future__ import annotations

import io
import random
import shutil
import struct
import zipfile
from pathlib import Path

import pytest

from ingest.parsing.process import ParserPool
from ingest.parsing.table import FILE_TYPES
from ingest.parsing.unpacking import OLE_SIGNATURE, UNPACKED_BYTES, open_archive
from ingest.sources import SourceFile
from ingest.stages import FailedFile
from rag.errors import SourceError
from tests.ingest.conftest import parse, refuse
from tests.ingest.formats import FORMATS, needs_tesseract

ZIPPED = ("spare-parts.xlsx", "restaurant-vaise.ods", "plan-de-mobilite.odt", "quarterly-review.pptx")
OFFICE = (*ZIPPED, "brevent-40-guide.epub", "loan-pool.xls", "visitor-briefing.ppt", "works-minutes.doc")
CODES = frozenset({"damaged_file", "no_text", "encrypted_file", "too_large", "not_text", "ocr_needed"})


@pytest.mark.parametrize("name", OFFICE)
def test_a_file_cut_in_half_is_damaged(parsers: ParserPool, tmp_path: Path, name: str) -> None:
    whole = (FORMATS / name).read_bytes()
    file = tmp_path / name
    file.write_bytes(whole[: len(whole) // 2])
    assert refuse(parsers, file).code == "damaged_file"


@pytest.mark.parametrize("suffix", sorted({Path(name).suffix for name in OFFICE} | {".xlsm", ".rtf"}))
def test_random_bytes_are_damaged(parsers: ParserPool, tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"noise{suffix}"
    file.write_bytes(random.Random(7).randbytes(20_000))
    assert refuse(parsers, file).code == "damaged_file"


@pytest.mark.parametrize("name", ["loan-pool.xls", "visitor-briefing.ppt", "works-minutes.doc"])
def test_flipped_bits_give_text_or_a_code(parsers: ParserPool, tmp_path: Path, name: str) -> None:
    whole = (FORMATS / name).read_bytes()
    chance = random.Random(11)
    for number in range(15):
        broken = bytearray(whole)
        for _ in range(40):
            broken[chance.randrange(512, len(broken))] = chance.randrange(256)
        file = tmp_path / f"{number}{Path(name).suffix}"
        file.write_bytes(broken)
        source = SourceFile(path=file.name, local=file, size=len(broken), mtime_ns=0)
        outcome = next(parsers.read([source], stop=lambda: False))
        if isinstance(outcome, FailedFile):
            assert outcome.failure.code in CODES, (number, outcome.failure)


@pytest.mark.parametrize("name", ZIPPED)
def test_another_archive_under_the_suffix_is_damaged(parsers: ParserPool, tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("hello.txt", "not an Office file")
    assert refuse(parsers, file).code == "damaged_file"


@pytest.mark.parametrize("suffix", [".xlsx", ".xlsm", ".pptx", ".docx"])
def test_a_password_is_told_from_damage(parsers: ParserPool, tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"locked{suffix}"
    file.write_bytes(OLE_SIGNATURE + b"\0" * 500 + "EncryptedPackage".encode("utf-16-le") + b"\0" * 500)
    assert refuse(parsers, file).code == "encrypted_file"


def test_a_locked_opendocument_file(parsers: ParserPool, tmp_path: Path) -> None:
    file = tmp_path / "locked.odt"
    with zipfile.ZipFile(FORMATS / "plan-de-mobilite.odt") as whole, zipfile.ZipFile(file, "w") as locked:
        for name in whole.namelist():
            content = whole.read(name)
            if name == "META-INF/manifest.xml":
                content = content.replace(b"</manifest:manifest>", b"<encryption-data/></manifest:manifest>")
            locked.writestr(name, content)
    assert refuse(parsers, file).code == "encrypted_file"


def test_a_locked_old_word_file(parsers: ParserPool, tmp_path: Path) -> None:
    whole = bytearray((FORMATS / "works-minutes.doc").read_bytes())
    block = whole.index(struct.pack("<H", 0xA5EC))
    whole[block + 11] |= 0x01
    file = tmp_path / "locked.doc"
    file.write_bytes(whole)
    assert refuse(parsers, file).code == "encrypted_file"


def test_a_locked_old_presentation(parsers: ParserPool, tmp_path: Path) -> None:
    whole = (FORMATS / "visitor-briefing.ppt").read_bytes()
    file = tmp_path / "locked.ppt"
    file.write_bytes(whole.replace(struct.pack("<I", 0xE391C05F), struct.pack("<I", 0xF3D1C4DF)))
    assert refuse(parsers, file).code == "encrypted_file"


@pytest.mark.parametrize(
    ("sample", "old_name"),
    [("spare-parts.xlsx", "new.xls"), ("quarterly-review.pptx", "new.ppt"), ("sponsorship.rtf", "rich.doc")],
)
def test_a_new_file_under_an_old_suffix_is_read(
    parsers: ParserPool, tmp_path: Path, sample: str, old_name: str
) -> None:
    shutil.copy(FORMATS / sample, tmp_path / old_name)
    assert parse(parsers, tmp_path / old_name).blocks


def test_an_archive_that_unpacks_to_too_much_is_refused() -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", b"0" * 1001)
    allowed = UNPACKED_BYTES.set(1000)
    try:
        with pytest.raises(SourceError) as refused:
            open_archive(data.getvalue(), "book")
    finally:
        UNPACKED_BYTES.reset(allowed)
    assert refused.value.source_code == "too_large"


@needs_tesseract
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".bmp", ".gif", ".webp"])
def test_a_broken_picture_is_damaged(parsers: ParserPool, tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"noise{suffix}"
    file.write_bytes(random.Random(3).randbytes(5000))
    assert refuse(parsers, file).code == "damaged_file"


def test_every_type_of_the_table_can_be_loaded() -> None:
    assert all(callable(kind.load()) for kind in FILE_TYPES.values())
