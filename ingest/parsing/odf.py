"""OpenDocument files: the archive, its XML, and the text of a paragraph (OASIS OpenDocument 1.3, part 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lxml import etree

from ingest.parsing.unpacking import damaged, encrypted, open_archive, read_member

OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
DRAW = "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}"
_DC_TITLE = "{http://purl.org/dc/elements/1.1/}title"
_NOT_READ = frozenset(
    {
        f"{OFFICE}annotation",
        f"{OFFICE}annotation-end",
        f"{TEXT}tracked-changes",
        f"{TEXT}note-citation",
        f"{TEXT}ruby-text",
        f"{DRAW}frame",
        f"{DRAW}custom-shape",
    }
)
_MOST_BLANKS = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenDocument:
    """The parts of an OpenDocument file that hold text.

    Attributes:
        body: ``office:text`` or ``office:spreadsheet``.
        content: the whole of ``content.xml``, for its automatic styles.
        styles: the whole of ``styles.xml``; ``None`` when there is none.
    """

    body: Any
    content: Any
    styles: Any | None
    title: str | None


def open_odf(data: bytes, kind: str, what: str) -> OpenDocument:
    """Open an OpenDocument file whose body is ``office:kind``.

    Raises:
        SourceError: ``damaged_file``, ``encrypted_file`` or ``too_large``.
    """
    archive = open_archive(data, what)
    names = set(archive.namelist())
    if "META-INF/manifest.xml" in names:
        manifest = read_member(archive, "META-INF/manifest.xml", what)
        if b"encryption-data" in manifest or "encrypted-package" in names:
            raise encrypted(what)
    content = read_xml(read_member(archive, "content.xml", what), what)
    body = content.find(f"{OFFICE}body/{OFFICE}{kind}")
    if body is None:
        raise damaged(what)
    parts = {
        name: read_xml(read_member(archive, name, what), what) if name in names else None
        for name in ("styles.xml", "meta.xml")
    }
    meta = parts["meta.xml"]
    return OpenDocument(
        body=body,
        content=content,
        styles=parts["styles.xml"],
        title=meta.findtext(f".//{_DC_TITLE}") if meta is not None else None,
    )


def read_xml(data: bytes, what: str) -> Any:
    """The root element; entities and everything outside the file are left alone."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        return etree.fromstring(data, parser)
    except etree.XMLSyntaxError as exc:
        raise damaged(what) from exc


def paragraph_text(element: Any) -> str:
    """A paragraph's characters, with blanks, tabs and line breaks as its elements say."""
    return "".join(_pieces(element))


def _pieces(element: Any) -> list[str]:
    pieces = [element.text or ""]
    for child in element:
        if not isinstance(child.tag, str):
            pieces.append(child.tail or "")
            continue
        if child.tag == f"{TEXT}s":
            count = child.get(f"{TEXT}c", "1")
            pieces.append(" " * min(int(count) if count.isdecimal() else 1, _MOST_BLANKS))
        elif child.tag in (f"{TEXT}tab", f"{TEXT}line-break"):
            pieces.append(" ")
        elif child.tag == f"{TEXT}note":
            note = " ".join(paragraph_text(line) for line in child.iter(f"{TEXT}p"))
            pieces.append(f" [{note}]" if note.strip() else "")
        elif child.tag not in _NOT_READ:
            pieces += _pieces(child)
        pieces.append(child.tail or "")
    return pieces
