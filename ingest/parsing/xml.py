"""XML of any kind: element names as labels, titles as headings, alike elements as a table.

No entity is expanded, and nothing outside the file is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from ingest.parsing.elements import rows_to_blocks
from ingest.parsing.encoding import decode
from ingest.parsing.html import html_blocks
from ingest.stages import BlockKind, ParsedBlock, ParsedDocument
from rag.errors import SourceError

_DECLARATION = re.compile(r"^\s*<\?xml.*?\?>", re.DOTALL)
_ENCODING = re.compile(rb"""^\s*<\?xml[^>]+encoding\s*=\s*["']([\w.:-]+)""")
_TITLES = frozenset({"title", "head", "heading", "name", "label", "caption"})
_SECTIONS = frozenset(
    "article book chapter section sect1 sect2 sect3 sect4 sect5 simplesect appendix part preface div topic"
    " body channel item conbody refbody taskbody abstract".split()
)
_PROSE = frozenset(
    "p para paragraph simpara text content body description summary note li listitem shortdesc abstract quote"
    " encoded cmd info blockquote s seg line".split()
)
_ITEMS = frozenset({"li", "listitem"})
_ROWS = frozenset({"row", "tr"})
_CODE = frozenset({"programlisting", "screen", "codeblock", "pre", "literallayout"})
_UNREAD = frozenset({"script", "style", "svg", "binary", "binaryObject"})
_MARKUP = re.compile(r"<(?:p|br|div|ul|ol|li|a|b|i|em|strong|span|table|h[1-6])\b[^<>]*>", re.IGNORECASE)
_MUTE_ATTRIBUTES = frozenset(
    "class style version lang xmlns cols colnum colname colwidth colsep rowsep align valign frame".split()
)
_LONGEST_CELL = 120
_MOST_COLUMNS = 16
_DEEPEST_HEADING = 6


def parse_xml(data: bytes) -> ParsedDocument:
    """Blocks of an XML file.

    Raises:
        SourceError: ``not_text`` or ``damaged_file``.
    """
    declared = _ENCODING.match(data[:1024])
    text = decode(data, declared.group(1).decode("ascii") if declared else None)
    root = _root(_DECLARATION.sub("", text))
    if _name(root) == "html":
        return ParsedDocument(blocks=html_blocks(text), title=_first(root, "title"))
    return ParsedDocument(blocks=tuple(_blocks(root, level=1)), title=_first(root, "title"))


def _root(text: str) -> Any:
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(text.lstrip().encode("utf-8", "surrogatepass"), parser)
    except (etree.LxmlError, ValueError) as exc:
        raise SourceError(
            "damaged_file", "The XML is not well-formed, or nested too deep; export the file again."
        ) from exc


def _blocks(element: Any, *, level: int) -> Iterator[ParsedBlock]:
    """The element as its name and its shape suggest."""
    name = _name(element)
    if not name or name in _UNREAD:
        return
    if name in _CODE:
        yield ParsedBlock(kind=BlockKind.CODE, text=_raw(element))
    elif _is_leaf(element) or _is_mixed(element) or _is_item(element):
        yield from _text(element, name)
    else:
        inner = level
        title = next((child for child in element if _name(child) in _TITLES and _is_leaf(child)), None)
        if title is not None and (name in _SECTIONS or _name(title) != "name"):
            yield ParsedBlock(kind=BlockKind.HEADING, text=words(title), level=min(level, _DEEPEST_HEADING))
            inner += 1
        else:
            title = None
        yield from _children(element, level=inner, skip=title)


def _children(element: Any, *, level: int, skip: Any = None) -> Iterator[ParsedBlock]:
    """What is inside: alike records as one table, everything else one by one."""
    yield from _attributes(element)
    children = [child for child in element if child is not skip and _name(child)]
    if rows := _table(children):
        yield from rows_to_blocks(rows)
        return
    for child in children:
        yield from _blocks(child, level=level)


def _text(element: Any, name: str) -> Iterator[ParsedBlock]:
    text = words(element)
    attributes = _attribute_line(element)
    if not text and not attributes:
        return
    if _MARKUP.search(text):  # feeds put whole pages into an element
        yield from html_blocks(text)
        return
    kind = BlockKind.LIST_ITEM if name in _ITEMS else BlockKind.PARAGRAPH
    shown = f"{text} ({attributes})" if text and attributes else text or attributes
    yield ParsedBlock(kind=kind, text=shown if name in _PROSE | _ITEMS else f"{_readable(name)}: {shown}")


def _attributes(element: Any) -> Iterator[ParsedBlock]:
    line = _attribute_line(element)
    if line:
        yield ParsedBlock(kind=BlockKind.PARAGRAPH, text=f"{_readable(_name(element))}: {line}")


def _attribute_line(element: Any) -> str:
    """Attributes that say something; names with a prefix and styling do not."""
    told = (
        (key, value.strip())
        for key, value in element.attrib.items()
        if not key.startswith("{") and key not in _MUTE_ATTRIBUTES
    )
    return ", ".join(f"{_readable(key)}: {value}" for key, value in told if value)


def _table(children: list[Any]) -> list[tuple[list[str], bool]]:
    """Rows under a header row when all children are flat records of one kind; else nothing."""
    if len(children) < 2 or len({child.tag for child in children}) > 1:
        return []
    if _name(children[0]) in _ROWS:
        return [([words(cell) for cell in row if _name(cell)], False) for row in children if len(row)]
    if not all(_is_record(child) for child in children):
        return []
    records = [_record(child) for child in children]
    columns = list(dict.fromkeys(key for record in records for key in record))
    filled = sum(len(record) for record in records)
    if not 1 < len(columns) <= _MOST_COLUMNS or 2 * filled < len(columns) * len(records):
        return []
    header = [_readable(column) for column in columns]
    return [(header, True), *(([record.get(key, "") for key in columns], False) for record in records)]


def _is_record(element: Any) -> bool:
    """Only short leaves, no two of one name, or only attributes."""
    names = [_name(child) for child in element]
    return (
        (bool(names) or bool(element.attrib))
        and len(set(names)) == len(names)
        and not (element.text or "").strip()
        and all(_is_leaf(child) and len(words(child)) <= _LONGEST_CELL for child in element)
    )


def _record(element: Any) -> dict[str, str]:
    found = {key: value for key, value in element.attrib.items() if not key.startswith("{")}
    return found | {_name(child): words(child) for child in element}


def _is_leaf(element: Any) -> bool:
    return len(element) == 0


def _is_mixed(element: Any) -> bool:
    """Whether words stand between the child elements, as in a sentence with emphasis."""
    return bool((element.text or "").strip()) or any((child.tail or "").strip() for child in element)


def _is_item(element: Any) -> bool:
    """Whether it is one point of a list, without a list inside."""
    return _name(element) in _ITEMS and not any(_name(inner) in _ITEMS for inner in element.iterdescendants())


def words(element: Any) -> str:
    """All text inside, on one line."""
    return " ".join(_raw(element).split())


def _raw(element: Any) -> str:
    """All text inside; what an entity stood for is left out."""
    pieces = [element.text or ""] if _name(element) else []
    for child in element:
        pieces += [_raw(child), child.tail or ""]
    return "".join(pieces)


def _name(element: Any) -> str:
    """The name without its namespace; empty for what is no element, such as an entity."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def _first(root: Any, name: str) -> str | None:
    """The text of the first element of that name near the top."""
    return next(
        (
            words(child)
            for child in [*root, *(inner for child in root for inner in child)]
            if _name(child) == name
        ),
        None,
    )


def _readable(name: str) -> str:
    """``dateOfBirth`` and ``date_of_birth`` as ``date of birth``."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", re.sub(r"[_-]+", " ", name)).strip()
    return spaced.lower() if " " in spaced else spaced
