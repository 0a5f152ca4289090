"""Files made to hurt: each function writes one. Small on disk and quick to make, endless when unpacked."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from email.message import EmailMessage
from functools import partial
from pathlib import Path

from tests.ingest.makers import pdf_bytes

MEBIBYTE = 1 << 20
GIBIBYTE = 1 << 30
SENTENCE = "The committee met on Tuesday and agreed on the budget for the coming year. "


# ------------------------------------------------------------------------------- deflate without end


def piece_of(pattern: bytes) -> bytes:
    """A mebibyte of the pattern."""
    return (pattern * (MEBIBYTE // len(pattern) + 1))[:MEBIBYTE]


def deflated(pattern: bytes, size: int) -> bytes:
    """About ``size`` bytes of the repeated pattern as one raw deflate stream, made without making them."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(piece_of(pattern)) + packer.flush(zlib.Z_FULL_FLUSH)
    return packed * (size // MEBIBYTE) + packer.flush(zlib.Z_FINISH)


def zlib_stream(pattern: bytes, size: int) -> bytes:
    """The same as a zlib stream; its checksum is wrong, which nobody learns before the end."""
    return b"\x78\xda" + deflated(pattern, size) + b"\0\0\0\0"


def gzip_file(pattern: bytes, size: int) -> bytes:
    """The same as a gzip file."""
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + deflated(pattern, size) + struct.pack("<II", 0, size % 2**32)


def zip_of(members: dict[str, tuple[bytes, int, int]]) -> bytes:
    """An archive of raw deflate streams with the sizes and checksums they claim to have."""
    body, directory = io.BytesIO(), io.BytesIO()
    for name, (packed, size, checksum) in members.items():
        facts = struct.pack("<HHHHHIII", 20, 0x800, 8, 0, 0x21, checksum, len(packed), size)
        encoded = name.encode()
        directory.write(b"PK\x01\x02" + struct.pack("<H", 20) + facts)
        directory.write(struct.pack("<HHHHHII", len(encoded), 0, 0, 0, 0, 0, body.tell()) + encoded)
        body.write(b"PK\x03\x04" + facts + struct.pack("<HH", len(encoded), 0) + encoded + packed)
    start, entries = body.tell(), directory.getvalue()
    end = struct.pack("<HHHHIIH", 0, 0, len(members), len(members), len(entries), start, 0)
    return body.getvalue() + entries + b"PK\x05\x06" + end


def zipped(members: dict[str, bytes]) -> bytes:
    """An honest archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


# ------------------------------------------------------------------------------------------ archives


def zip_bomb(file: Path) -> None:
    file.write_bytes(zip_of({"big.txt": (deflated(b"\0", 3 * GIBIBYTE), 3 * GIBIBYTE, 0)}))


def lying_zip(file: Path) -> None:
    file.write_bytes(zip_of({"small.txt": (deflated(b"\0", 3 * GIBIBYTE), 1000, 0)}))


def text_zip(file: Path) -> None:
    """Each member just within the limit for one file."""
    size = 190 * MEBIBYTE
    checksum = 0
    for _ in range(190):
        checksum = zlib.crc32(piece_of(SENTENCE.encode()), checksum)
    packed = deflated(SENTENCE.encode(), size), size, checksum
    file.write_bytes(zip_of({f"{number}.txt": packed for number in range(12)}))


def nested_zip(file: Path) -> None:
    """Sixteen archives in each of sixteen, five times over: a thousand terabytes."""
    content = zip_of({"0.txt": (deflated(b"\0", 3 * GIBIBYTE), 3 * GIBIBYTE, 0)})
    for _ in range(5):
        content = zipped({f"{number}.zip": content for number in range(16)})
    file.write_bytes(content)


def russian_doll(file: Path) -> None:
    """An archive in an archive, and so on, as one that contains itself would unpack."""
    content = zipped({"heart.txt": b"Some words."})
    for _ in range(100):
        content = zipped({"doll.zip": content})
    file.write_bytes(content)


def crowded_zip(file: Path) -> None:
    file.write_bytes(zipped({f"{number}.xyz": b"" for number in range(60_000)}))


def gzip_bomb(file: Path) -> None:
    file.write_bytes(gzip_file(b"\0", 10 * GIBIBYTE))


def slippery_zip(file: Path) -> None:
    names = ("../../../tmp/evil.txt", "/etc/evil.txt", "C:\\evil.txt", "a/../../evil.txt")
    file.write_bytes(zipped({name: b"Escaped words." for name in names}))


# ------------------------------------------------------------------------------------------- office


def pdf_bomb(file: Path) -> None:
    """One page whose content unpacks to gigabytes."""
    file.write_bytes(
        _pdf_with_stream(zlib_stream(b"BT /F1 9 Tf 1 0 0 1 5 5 Tm (word) Tj ET\n", 3 * GIBIBYTE))
    )


def pdf_blank_bomb(file: Path) -> None:
    file.write_bytes(_pdf_with_stream(zlib_stream(b" ", 3 * GIBIBYTE)))


def _pdf_with_stream(packed: bytes) -> bytes:
    plain = pdf_bytes([[("x", 12)]])
    start = plain.index(b"<< /Length ")
    end = plain.index(b"endstream", start)
    return (
        plain[:start]
        + b"<< /Filter /FlateDecode /Length %d >>\nstream\n%s\n" % (len(packed), packed)
        + plain[end : plain.index(b"xref\n")]
        + b"trailer\n<< /Root 1 0 R >>\n%%EOF\n"
    )


def long_pdf(file: Path) -> None:
    lines = [(f"{SENTENCE}Line {number}.", 10) for number in range(40)]
    file.write_bytes(pdf_bytes([lines] * 500))


def png_bomb(file: Path, side: int = 30_000) -> None:
    def part(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    pixels = zlib_stream(b"\0", side * (3 * side + 1))
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", pixels) + part(b"IEND", b""))


def xlsx_bomb(file: Path, size: int = 900 * MEBIBYTE) -> None:
    row = b'<row><c t="inlineStr"><is><t>word</t></is></c></row>'
    _office(file, "xl/worksheets/sheet1.xml", _XLSX, row, size)


def docx_bomb(file: Path, size: int = 900 * MEBIBYTE) -> None:
    _office(file, "word/document.xml", _DOCX, b"<w:p><w:r><w:t>word</w:t></w:r></w:p>", size)


def _office(file: Path, member: str, parts: dict[str, str], pattern: bytes, size: int) -> None:
    """An office file whose main part has ``pattern`` at its mark, over and over."""
    before, after = parts[member].split("MARK")
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    head = packer.compress(before.encode()) + packer.flush(zlib.Z_FULL_FLUSH)
    body = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = pattern * (MEBIBYTE // len(pattern))
    packed = body.compress(piece) + body.flush(zlib.Z_FULL_FLUSH)
    tail = zlib.compressobj(9, zlib.DEFLATED, -15)
    times = size // len(piece)
    stream = head + packed * times + tail.compress(after.encode()) + tail.flush()
    crc = zlib.crc32(before.encode())
    for _ in range(times):
        crc = zlib.crc32(piece, crc)
    crc = zlib.crc32(after.encode(), crc)
    others = {
        name: (_raw(text), len(text.encode()), zlib.crc32(text.encode()))
        for name, text in parts.items()
        if name != member
    }
    length = len(before.encode()) + times * len(piece) + len(after.encode())
    file.write_bytes(zip_of({**others, member: (stream, length, crc)}))


def _raw(text: str) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(text.encode()) + packer.flush()


# ---------------------------------------------------------------------------------------------- XML


def laughs(root: str = "r") -> str:
    """Entities that stand for ten others each."""
    lines = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 14))
    return f'<!DOCTYPE {root} [<!ENTITY a0 "ha">{lines}]>'


def outside(place: str, root: str = "r") -> str:
    """An entity that stands for another file or page."""
    return f'<!DOCTYPE {root} [<!ENTITY x SYSTEM "{place}"><!ENTITY % y SYSTEM "{place}"> %y;]>'


def xml_file(file: Path, doctype: str, entity: str) -> None:
    file.write_text(f"<?xml version='1.0'?>{doctype}<r><p>Before &{entity}; after.</p></r>")


def html_file(file: Path, doctype: str, entity: str) -> None:
    svg = f"<svg><text>&{entity};</text><image href='file:///etc/passwd'/></svg>"
    file.write_text(f"{doctype}<html><body><p>Before &{entity}; after.</p>{svg}</body></html>")


def docx_file(file: Path, doctype: str, entity: str) -> None:
    _with_entity(
        file,
        "word/document.xml",
        _DOCX,
        doctype,
        f"<w:p><w:r><w:t>Before &{entity}; after.</w:t></w:r></w:p>",
    )


def xlsx_file(file: Path, doctype: str, entity: str) -> None:
    cell = f'<row><c t="inlineStr"><is><t>Before &{entity}; after.</t></is></c></row>'
    _with_entity(file, "xl/worksheets/sheet1.xml", _XLSX, doctype, cell)


def _with_entity(file: Path, member: str, parts: dict[str, str], doctype: str, content: str) -> None:
    root = parts[member].split("<", 2)[2].split(">")[0].split()[0]
    text = parts[member].replace("?>", "?>" + doctype.replace("DOCTYPE r", f"DOCTYPE {root}"), 1)
    changed = {**parts, member: text.replace("MARK", content)}
    file.write_bytes(zipped({name: part.encode() for name, part in changed.items()}))


_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_KIND = "application/vnd.openxmlformats-officedocument"


def _types(**parts: str) -> str:
    listed = "".join(
        f'<Override PartName="{name}" ContentType="{_KIND}.{kind}+xml"/>' for kind, name in parts.items()
    ).replace("_", ".")
    kinds = {"rels": "application/vnd.openxmlformats-package.relationships+xml", "xml": "application/xml"}
    others = "".join(f'<Default Extension="{end}" ContentType="{kind}"/>' for end, kind in kinds.items())
    return f'{_HEAD}<Types xmlns="{_TYPES}">{others}{listed}</Types>'


def _relation(kind: str, target: str) -> str:
    entry = f'<Relationship Id="rId1" Type="{_OFFICE}/{kind}" Target="{target}"/>'
    return f'{_HEAD}<Relationships xmlns="{_RELATIONS}">{entry}</Relationships>'


_DOCX = {
    "[Content_Types].xml": _types(wordprocessingml_document_main="/word/document.xml"),
    "_rels/.rels": _relation("officeDocument", "word/document.xml"),
    "word/document.xml": f"{_HEAD}<w:document xmlns:w="
    '"http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>MARK</w:body></w:document>',
}
_XLSX = {
    "[Content_Types].xml": _types(
        spreadsheetml_sheet_main="/xl/workbook.xml", spreadsheetml_worksheet="/xl/worksheets/sheet1.xml"
    ),
    "_rels/.rels": _relation("officeDocument", "xl/workbook.xml"),
    "xl/workbook.xml": f'{_HEAD}<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    f'xmlns:r="{_OFFICE}"><sheets><sheet name="One" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": _relation("worksheet", "worksheets/sheet1.xml"),
    "xl/worksheets/sheet1.xml": f"{_HEAD}<worksheet xmlns="
    '"http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>MARK</sheetData></worksheet>',
}


# -------------------------------------------------------------------------------------------- texts


def deep_json(file: Path) -> None:
    file.write_bytes(b"[" * 100_000 + b"]" * 100_000)


def deep_markup(file: Path, opening: bytes = b"<div>", closing: bytes = b"</div>") -> None:
    file.write_bytes(opening * 100_000 + b"words" + closing * 100_000)


def deep_quotes(file: Path) -> None:
    file.write_bytes(b">" * 100_000 + b" words")


def long_text(file: Path, size: int = 50 * MEBIBYTE) -> None:
    paragraph = SENTENCE * 8 + "\n\n"
    file.write_text(paragraph * (size // len(paragraph)))


def endless_line(file: Path, size: int = 50 * MEBIBYTE) -> None:
    file.write_text(SENTENCE * (size // len(SENTENCE)))


def zeros(file: Path, size: int = 50 * MEBIBYTE) -> None:
    file.write_bytes(bytes(size))


def including(file: Path, bait: Path) -> None:
    """A text that asks for other files to be put into it, in the language its name says."""
    wishes = {
        ".rst": f".. include:: {bait}\n.. raw:: html\n   :file: {bait}\n"
        f".. csv-table:: x\n   :file: {bait}\n\n",
        ".org": f'#+INCLUDE: "{bait}"\n#+SETUPFILE: {bait}\n\n',
    }
    file.write_text(f"{wishes[file.suffix]}Words of its own.\n")


def slippery_mail(file: Path) -> None:
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "Bob", "Notes"
    mail.set_content("See the attachment.")
    for name in ("../../../tmp/evil.txt", "/etc/evil.txt"):
        mail.add_attachment(b"Escaped words.", maintype="text", subtype="plain", filename=name)
    file.write_bytes(mail.as_bytes())


def deep_mail(file: Path) -> None:
    parts = (b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(20_000))
    file.write_bytes(b"From: Bob\n" + b"".join(parts))


Maker = Callable[[Path], None]

BOMBS: dict[str, Maker] = {
    "bomb.zip": zip_bomb,
    "lying.zip": lying_zip,
    "texts.zip": text_zip,
    "nested.zip": nested_zip,
    "doll.zip": russian_doll,
    "crowded.zip": crowded_zip,
    "bomb.txt.gz": gzip_bomb,
    "bomb.pdf": pdf_bomb,
    "blank.pdf": pdf_blank_bomb,
    "bomb.png": png_bomb,
    "bomb.xlsx": xlsx_bomb,
    "bomb.docx": docx_bomb,
    "laughs.xml": partial(xml_file, doctype=laughs(), entity="a13"),
    "laughs.html": partial(html_file, doctype=laughs("html"), entity="a13"),
    "laughs.docx": partial(docx_file, doctype=laughs(), entity="a13"),
    "laughs.xlsx": partial(xlsx_file, doctype=laughs(), entity="a13"),
    "deep.json": deep_json,
    "deep.html": deep_markup,
    "deep.xml": partial(deep_markup, opening=b"<a>", closing=b"</a>"),
    "deep.md": deep_quotes,
    "deep.eml": deep_mail,
    "slippery.zip": slippery_zip,
    "slippery.eml": slippery_mail,
    "500-pages.pdf": long_pdf,
    "50-mb.txt": long_text,
    "one-line.txt": endless_line,
    "zeros.txt": zeros,
}
"""File name to what makes it."""
