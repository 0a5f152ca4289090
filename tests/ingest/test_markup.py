"""XML, JSON, reStructuredText and Org: readable lines, tables with headers, and no file but their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.parsing.org import parse_org
from ingest.parsing.rst import parse_rst
from ingest.parsing.structured import parse_json, parse_json_lines
from ingest.parsing.xml import parse_xml
from ingest.stages import BlockKind, ParsedDocument
from rag.errors import SourceError


def lines(parsed: ParsedDocument, kind: BlockKind | None = None) -> list[str]:
    return [block.text for block in parsed.blocks if kind in (None, block.kind)]


def refusal(parser: Callable[[bytes], ParsedDocument], data: bytes) -> str:
    with pytest.raises(SourceError) as caught:
        parser(data)
    return caught.value.source_code


# ------------------------------------------------------------------------------------------------- JSON


def test_json_values_are_labelled_with_their_path() -> None:
    parsed = parse_json(
        b'{"name": "Acme", "address": {"city": "Leeds", "zip": 10.50},'
        b' "tags": ["a", "b"], "open": true, "x": null}'
    )
    assert parsed.title == "Acme"
    assert lines(parsed) == [
        "name: Acme",
        "address.city: Leeds",
        "address.zip: 10.50",
        "tags: a, b",
        "open: true",
    ]


@pytest.mark.parametrize(
    ("parser", "data"),
    [
        (parse_json, b'[{"city": "Leeds", "rooms": 9}, {"city": "Lyon", "rooms": 12}]'),
        (parse_json_lines, b'{"city": "Leeds", "rooms": 9}\r\n\r\n{"city": "Lyon", "rooms": 12}\r\n'),
    ],
)
def test_alike_records_are_a_table(parser: Callable[[bytes], ParsedDocument], data: bytes) -> None:
    parsed = parser(data)
    assert lines(parsed) == ["city | rooms", "Leeds | 9", "Lyon | 12"]
    assert parsed.blocks[2].header == "city | rooms"


def test_other_records_stand_apart() -> None:
    parsed = parse_json(b'[{"q": "Why?", "a": {"x": 1}}, {"q": "How?", "a": {"y": 2}}]')
    assert [(block.text, block.opens) for block in parsed.blocks] == [
        ("q: Why?", True),
        ("a.x: 1", False),
        ("q: How?", True),
        ("a.y: 2", False),
    ]


def test_elements_of_a_document_become_that_document_again() -> None:
    parsed = parse_json(
        b'[{"element_id": "1", "type": "Title", "text": "Leave", "metadata": {"category_depth": 0}},'
        b' {"element_id": "2", "type": "ListItem", "text": "Five weeks", "metadata": {}},'
        b' {"element_id": "3", "type": "Footer", "text": "page 1"}]'
    )
    assert [(block.kind, block.text) for block in parsed.blocks] == [
        (BlockKind.HEADING, "Leave"),
        (BlockKind.LIST_ITEM, "Five weeks"),
    ]


def test_json_that_cannot_be_read_says_why() -> None:
    assert refusal(parse_json, b"[" * 100_000 + b"]" * 100_000) == "nested_too_deep"
    assert refusal(parse_json, b'{"a":' * 100 + b"1" + b"}" * 100) == "nested_too_deep"
    assert refusal(parse_json, b'{"a": 1') == "damaged_file"
    with pytest.raises(SourceError, match="Line 2"):
        parse_json_lines(b'{"a": 1}\n{"a":\n')


def test_a_number_of_any_length_is_kept_as_written() -> None:
    assert lines(parse_json(b"[" + b"9" * 5000 + b"]")) == ["9" * 5000]


# -------------------------------------------------------------------------------------------------- XML


ROOMS = (("Leeds", 2), ("Lyon", 1))


def test_alike_elements_are_a_table() -> None:
    rooms = "".join(f"<room><city>{city}</city><beds>{beds}</beds></room>" for city, beds in ROOMS)
    xml = f"<rooms>{rooms}</rooms>"
    for data in (xml.encode(), f'<?xml version="1.0" encoding="utf-16"?>{xml}'.encode("utf-16")):
        assert lines(parse_xml(data)) == ["city | beds", "Leeds | 2", "Lyon | 1"]


def test_sections_have_headings_and_sentences_keep_their_emphasis() -> None:
    parsed = parse_xml(
        b"<book><title>Guide</title><chapter><title>Start</title><para>Do <b>this</b> first.</para>"
        b"<list><li>one</li><li>two</li></list><startDate>2024-01-01</startDate></chapter></book>"
    )
    assert parsed.title == "Guide"
    assert [(block.kind, block.level, block.text) for block in parsed.blocks] == [
        (BlockKind.HEADING, 1, "Guide"),
        (BlockKind.HEADING, 2, "Start"),
        (BlockKind.PARAGRAPH, 0, "Do this first."),
        (BlockKind.LIST_ITEM, 0, "one"),
        (BlockKind.LIST_ITEM, 0, "two"),
        (BlockKind.PARAGRAPH, 0, "start date: 2024-01-01"),
    ]


def test_pages_inside_a_feed_are_read_as_pages() -> None:
    parsed = parse_xml(
        b"<rss><channel><title>News</title><item><title>Move</title>"
        b"<description>&lt;p&gt;We move to &lt;b&gt;Lyon&lt;/b&gt; in May.&lt;/p&gt;</description></item>"
        b"</channel></rss>"
    )
    assert lines(parsed) == ["News", "Move", "We move to Lyon in May."]


def test_no_entity_is_expanded(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("wombat")
    parsed = parse_xml(
        f'<!DOCTYPE r [<!ENTITY x SYSTEM "file://{tmp_path}/secret.txt"><!ENTITY y "inner">]>'
        "<r><p>Before &x; and &y; after.</p></r>".encode()
    )
    assert lines(parsed) == ["Before and after."]
    laughs = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    bomb = f'<!DOCTYPE r [<!ENTITY a0 "ha">{laughs}]><r><p>one</p><p x="&a11;">two</p></r>'
    assert refusal(parse_xml, bomb.encode()) == "damaged_file"


def test_xml_that_is_cut_off_or_too_deep_is_damaged() -> None:
    assert refusal(parse_xml, b"<a><b>words</b>") == "damaged_file"
    assert refusal(parse_xml, b"<a>" * 100_000 + b"</a>" * 100_000) == "damaged_file"


# ------------------------------------------------------------------------------------------- rst and org

RST = """
=====
Guide
=====

.. include:: secret.txt
.. raw:: html
   :file: secret.txt
.. csv-table:: Prices
   :file: secret.txt
.. literalinclude:: secret.txt

Rooms
=====

See :ref:`the rules <rules>` first.

- one
- two

=====  =====
City   Rooms
=====  =====
Leeds  9
Lyon   12
=====  =====

.. code-block:: python

   rooms = 9

.. versionadded:: 2.0
   Rooms in Lyon.

term
   what it means
"""

ORG = """
#+TITLE: Guide
#+AUTHOR: Ann
#+INCLUDE: "secret.txt"
#+SETUPFILE: secret.txt
* TODO [#A] Rooms                              :travel:
:PROPERTIES:
:ID: 7
:END:
See [[https://example.org][the *rules*]] first,
then [[file:secret.txt]] and a/b/c.[fn:1]

- [X] one
  goes on
- term :: what it means
1. first

| City  | Rooms |
|-------+-------|
| Leeds |     9 |

#+BEGIN_SRC python
rooms = 9
#+END_SRC
#+BEGIN_COMMENT
unseen
#+END_COMMENT
"""


@pytest.mark.parametrize(("parser", "source"), [(parse_rst, RST), (parse_org, ORG)])
def test_no_other_file_is_read(
    parser: Callable[[bytes], ParsedDocument], source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret.txt").write_text("wombat")
    monkeypatch.chdir(tmp_path)
    parsed = parser(source.replace("secret.txt", str(tmp_path / "secret.txt")).encode())
    again = parser(source.encode())
    assert "wombat" not in " ".join([*lines(parsed), *lines(again)])


def test_rst_structure() -> None:
    parsed = parse_rst(RST.encode())
    assert [(block.text, block.level) for block in parsed.blocks if block.level] == [
        ("Guide", 1),
        ("Rooms", 2),
    ]
    assert lines(parsed, BlockKind.LIST_ITEM) == ["one", "two", "term: what it means"]
    assert lines(parsed, BlockKind.TABLE_ROW) == ["City | Rooms", "Leeds | 9", "Lyon | 12"]
    assert lines(parsed, BlockKind.CODE) == ["rooms = 9"]
    assert lines(parsed, BlockKind.PARAGRAPH) == ["See the rules first.", "2.0 Rooms in Lyon."]


def test_org_structure() -> None:
    parsed = parse_org(ORG.encode())
    assert (parsed.title, parsed.metadata) == ("Guide", {"author": "Ann"})
    assert lines(parsed, BlockKind.HEADING) == ["Rooms"]
    assert lines(parsed, BlockKind.LIST_ITEM) == ["one goes on", "term: what it means", "1. first"]
    assert [(block.text, block.header) for block in parsed.blocks if block.kind is BlockKind.TABLE_ROW] == [
        ("City | Rooms", ""),
        ("Leeds | 9", "City | Rooms"),
    ]
    assert lines(parsed, BlockKind.CODE) == ["rooms = 9"]
    assert lines(parsed, BlockKind.PARAGRAPH) == ["See the rules first, then secret.txt and a/b/c."]
