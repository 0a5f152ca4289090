"""HTML through ``unstructured``, after dropping what a reader of the page would not call its text."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from lxml import etree
from lxml import html as lxml_html

from ingest.parsing.elements import element_blocks
from ingest.parsing.encoding import decode
from ingest.parsing.unstructured_setup import prepare_unstructured
from ingest.stages import ParsedBlock, ParsedDocument
from rag.errors import SourceError

_META_CHARSET = re.compile(rb"""<meta[^>]+charset\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
_XML_ENCODING = re.compile(rb"""^\s*<\?xml[^>]+encoding\s*=\s*["']([\w.:-]+)""", re.IGNORECASE)
_XML_DECLARATION = re.compile(r"^\s*<\?xml.*?\?>", re.DOTALL)
_NOT_TEXT = (
    "//script | //style | //noscript | //template | //nav | //svg | //button | //select | //dialog"
    " | //*[@role='navigation' or @role='banner' or @role='contentinfo' or @role='search']"
    " | //*[@hidden] | //body/header[not(.//h1)] | //body/footer | //comment() | //processing-instruction()"
)
_HEADING_LINK = "//h1//a | //h2//a | //h3//a | //h4//a | //h5//a | //h6//a"
_LONGEST_TERM = 120
_PERMALINK_MARKS = frozenset("#¶§🔗")


def parse_html(data: bytes) -> ParsedDocument:
    """Blocks of an HTML page. Raises: SourceError ``not_text`` or ``damaged_file``."""
    declared = _META_CHARSET.search(data[:4096]) or _XML_ENCODING.match(data[:1024])
    page = decode(data, declared.group(1).decode("ascii") if declared else None)
    title = _tree(page).findtext(".//head/title")
    return ParsedDocument(blocks=html_blocks(page), title=title)


def html_blocks(page: str) -> tuple[ParsedBlock, ...]:
    """The blocks of an HTML text. Raises: SourceError ``damaged_file``."""
    if not page.strip():
        return ()
    tree = _tree(page)
    _drop(tree.xpath(_NOT_TEXT))
    _drop(
        [link for link in tree.xpath(_HEADING_LINK) if set(link.text_content().strip()) <= _PERMALINK_MARKS]
    )
    _number_items(tree)
    _join_definitions(tree)
    return element_blocks(_partition()(text=lxml_html.tostring(tree, encoding="unicode"), languages=[""]))


@lru_cache(maxsize=1)
def _partition() -> Callable[..., list[Any]]:
    """``unstructured``'s partitioner; prose and labels are the same to us, so it need not tell them apart."""
    prepare_unstructured()
    from unstructured.partition.html import parser, partition_html

    def is_prose(text: str) -> bool:
        return True

    # Splitting each text into sentences to tell would take half of its time.
    parser.is_possible_narrative_text = is_prose  # type: ignore[attr-defined, assignment]
    partition: Callable[..., list[Any]] = partition_html
    return partition


def _number_items(tree: lxml_html.HtmlElement) -> None:
    """Write out the numbers of ordered lists, as a browser shows them: people refer to "step 3"."""
    for ordered in tree.xpath("//ol[not(@type) or @type='1']"):
        start = ordered.get("start", "1")
        for number, item in enumerate(ordered.xpath("./li"), start=int(start) if start.isdecimal() else 1):
            first = item.find("./p") if not (item.text or "").strip() else None
            target = item if first is None or first.getprevious() is not None else first
            target.text = f"{number}. {(target.text or '').lstrip()}"


def _join_definitions(tree: lxml_html.HtmlElement) -> None:
    """Put a term before its definition: apart they could end up in different chunks."""
    for definition in tree.xpath("//dl//dd[preceding-sibling::*[1][self::dt]]"):
        term = definition.getprevious()
        words = " ".join(term.text_content().split())
        first = definition.find("./p") if not (definition.text or "").strip() else None
        target = definition if first is None or first.getprevious() is not None else first
        if words and len(words) <= _LONGEST_TERM:
            target.text = f"{words.rstrip(':')}: {(target.text or '').lstrip()}"
            term.drop_tree()


def _drop(nodes: list[lxml_html.HtmlElement]) -> None:
    for node in nodes:
        if node.getparent() is not None:  # what stands beside <html> has none, and is not read anyway
            node.drop_tree()


def _tree(page: str) -> lxml_html.HtmlElement:
    try:
        return lxml_html.document_fromstring(_XML_DECLARATION.sub("", page) or "<html></html>")
    except (etree.LxmlError, ValueError) as exc:
        raise SourceError(
            "damaged_file", "The HTML cannot be read; open it in a browser and save it again."
        ) from exc
