"""Electronic books (.epub): the XHTML files of the spine, in reading order (EPUB 3.3, sections 4 and 5)."""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace
from typing import Any
from urllib.parse import unquote
from zipfile import ZipFile

from ingest.parsing.encoding import decode
from ingest.parsing.html import html_blocks
from ingest.parsing.odf import read_xml
from ingest.parsing.unpacking import damaged, encrypted, open_archive, read_member
from ingest.stages import BlockKind, ParsedBlock, ParsedDocument

_WHAT = "electronic book"
_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_TEXT_TYPES = frozenset({"application/xhtml+xml", "text/html"})
_NCX_TYPE = "application/x-dtbncx+xml"
_DECLARATION = re.compile(r"^\s*<\?xml.*?\?>", re.DOTALL)


def parse_epub(data: bytes) -> ParsedDocument:
    """Blocks of a book, without cover and table of contents.

    Raises:
        SourceError: ``damaged_file``, ``encrypted_file`` or ``too_large``.
    """
    archive = open_archive(data, _WHAT)
    package_path, package = _package(archive)
    items = {item.get("id"): item for item in package.findall(".//{*}manifest/{*}item")}
    folder = posixpath.dirname(package_path)
    chapters = [
        _path(folder, items[reference.get("idref")].get("href", ""))
        for reference in package.findall(".//{*}spine/{*}itemref")
        if reference.get("idref") in items and _is_chapter(reference, items[reference.get("idref")])
    ]
    _refuse_encrypted(archive, chapters)
    labels = _labels(archive, folder, items.values())
    names = set(archive.namelist())
    blocks = [
        block
        for chapter in chapters
        if chapter in names
        for block in _chapter_blocks(read_member(archive, chapter, _WHAT), labels.get(chapter))
    ]
    return ParsedDocument(blocks=tuple(blocks), title=package.findtext(".//{*}metadata/{*}title"))


def _package(archive: ZipFile) -> tuple[str, Any]:
    container = read_xml(read_member(archive, _CONTAINER, _WHAT), _WHAT)
    root = container.find(".//{*}rootfile")
    path = root.get("full-path", "") if root is not None else ""
    if not path:
        raise damaged(_WHAT)
    return path, read_xml(read_member(archive, path, _WHAT), _WHAT)


def _is_chapter(reference: Any, item: Any) -> bool:
    return (
        reference.get("linear") != "no"
        and item.get("media-type") in _TEXT_TYPES
        and "nav" not in item.get("properties", "").split()
    )


def _path(folder: str, href: str) -> str:
    return posixpath.normpath(posixpath.join(folder, unquote(href.partition("#")[0])))


def _refuse_encrypted(archive: ZipFile, chapters: list[str]) -> None:
    """Books under copy protection list their files as encrypted; embedded fonts alone do not matter."""
    if _ENCRYPTION not in archive.namelist():
        return
    listed = read_xml(read_member(archive, _ENCRYPTION, _WHAT), _WHAT)
    if {_path("", element.get("URI", "")) for element in listed.iter("{*}CipherReference")} & set(chapters):
        raise encrypted(_WHAT)


def _labels(archive: ZipFile, folder: str, items: Any) -> dict[str, str]:
    """What the table of contents calls each file; the first entry that points into it."""
    labels: dict[str, str] = {}
    for item in items:
        path = _path(folder, item.get("href", ""))
        if path not in archive.namelist():
            continue
        if item.get("media-type") == _NCX_TYPE:
            for point in read_xml(read_member(archive, path, _WHAT), _WHAT).iter("{*}navPoint"):
                content = point.find("{*}content")
                if content is not None:
                    target = _path(posixpath.dirname(path), content.get("src", ""))
                    labels.setdefault(target, (point.findtext("{*}navLabel/{*}text") or "").strip())
        elif "nav" in item.get("properties", "").split():
            for link in read_xml(read_member(archive, path, _WHAT), _WHAT).iter("{*}a"):
                target = _path(posixpath.dirname(path), link.get("href", ""))
                labels.setdefault(target, " ".join("".join(link.itertext()).split()))
    return labels


def _chapter_blocks(data: bytes, label: str | None) -> list[ParsedBlock]:
    """Blocks of one file; one without a heading gets its name in the table of contents as one."""
    blocks = list(html_blocks(_DECLARATION.sub("", decode(data))))
    if blocks and label and not any(block.level for block in blocks):
        if blocks[0].text.strip().casefold() == label.casefold():
            blocks[0] = replace(blocks[0], kind=BlockKind.HEADING, level=1)
        else:
            blocks.insert(0, ParsedBlock(kind=BlockKind.HEADING, text=label, level=1))
    return blocks
