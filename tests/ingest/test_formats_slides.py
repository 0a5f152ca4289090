"""Presentations: slides keep their number, title, order, nesting, tables and notes."""

from __future__ import annotations

import io
from typing import Any

from pptx import Presentation
from pptx.util import Inches

from ingest.parsing.pptx import parse_pptx
from ingest.parsing.process import ParserPool
from tests.ingest.conftest import parse
from tests.ingest.formats import FORMATS, outline


def pptx_bytes(deck: Any) -> bytes:
    file = io.BytesIO()
    deck.save(file)
    return file.getvalue()


def add_box(slide: Any, text: str, *, left: float, top: float) -> None:
    box = slide.shapes.add_textbox(Inches(left), Inches(top), Inches(2), Inches(1))
    box.text_frame.text = text


def test_a_presentation_keeps_slides_notes_tables_and_charts(parsers: ParserPool) -> None:
    document = parse(parsers, FORMATS / "quarterly-review.pptx")
    assert document.title == "Quarterly review, autumn 2024"
    assert outline(document) == [
        "p1 # Quarterly review, autumn 2024",
        "p1 For all staff, 7 November 2024",
        "p2 # Relevé in numbers",
        "p2 - 41,300 instruments connected, 12% more than in spring",
        "p2 - Two interruptions",
        "p2 - – 19 August: 47 minutes, a full disk in the Canadian region",
        "p2 - – 3 October: 12 minutes, an expired certificate",
        "p2 - Dark mode is the wish most often heard",
        "p2 Speaker notes: Thank Imani's team for the night of 19 August.",
        "p2 The new disk alarm fires at 70% since 1 September.",
        "p3 # Orders by region",
        "p3 : Region | Orders | Against plan",
        "p3 | France | 1,204 | +4%",
        "p3 | UK and Ireland | 688 | -7%",
        "p3 The fair in Birmingham moved to February, which explains most of the gap in the UK.",
        "p4 # Support calls",
        "p4 Calls answered in Québec",
        "p4 : | Calls answered",
        "p4 | July | 931",
        "p4 | August | 1187",
        "p4 | September | 1044",
    ]


def test_an_old_presentation_is_read_like_a_new_one(parsers: ParserPool) -> None:
    assert outline(parse(parsers, FORMATS / "visitor-briefing.ppt")) == [
        "p1 # Visitors in the Leeds laboratory",
        "p1 - Leave phones in the locker by the door",
        "p1 - – Pacemakers: stay two metres from bench 4, it has strong magnets",
        "p1 - Put on overshoes; the blue ones are for visitors",
        "p1 Speaker notes: Lockers have a four-digit code; the master code is with the guard.",
        "p2 # Groups",
        "p2 : Group | Largest size | Guide",
        "p2 | Customers | 8 | Sales engineer",
        "p2 | Schools | 14 | Two trainers",
    ]


def test_shapes_are_read_row_by_row_whatever_order_they_were_made_in() -> None:
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    add_box(slide, "below", left=1, top=4)
    add_box(slide, "right", left=5, top=1.02)
    add_box(slide, "left", left=1, top=1)
    assert [block.text for block in parse_pptx(pptx_bytes(deck)).blocks] == [
        "Slide 1",
        "left",
        "right",
        "below",
    ]


def test_what_stands_on_every_slide_is_said_nowhere() -> None:
    deck = Presentation()
    for number in range(3):
        slide = deck.slides.add_slide(deck.slide_layouts[6])
        add_box(slide, "Confidential", left=1, top=7)
        add_box(slide, f"Point {number}", left=1, top=1)
    texts = [block.text for block in parse_pptx(pptx_bytes(deck)).blocks]
    assert texts == ["Slide 1", "Point 0", "Slide 2", "Point 1", "Slide 3", "Point 2"]


def test_a_slide_without_text_still_counts() -> None:
    deck = Presentation()
    deck.slides.add_slide(deck.slide_layouts[6])
    add_box(deck.slides.add_slide(deck.slide_layouts[6]), "Second", left=1, top=1)
    document = parse_pptx(pptx_bytes(deck))
    assert document.pages == 2
    assert {block.page for block in document.blocks} == {2}
