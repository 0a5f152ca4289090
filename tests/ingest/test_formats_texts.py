"""Old Word files, OpenDocument, rich text and e-books: headings, lists, tables, and no running headers."""

from __future__ import annotations

import pytest

from ingest.parsing.process import ParserPool
from ingest.parsing.rtf import parse_rtf
from tests.ingest.conftest import parse
from tests.ingest.formats import FORMATS, outline


def test_an_old_word_file(parsers: ParserPool) -> None:
    document = parse(parsers, FORMATS / "works-minutes.doc")
    assert document.title == "Minutes of the works meeting, building B"
    assert outline(document) == [
        "# Minutes of the works meeting, building B",
        "Lyon, 24 January 2025. Present: the site manager, the safety officer and the architect.",
        "## Roof",
        "The roof of building B is renewed between 16 June and 29 August 2025."
        " Bench 5 moves to hall C for that time.",
        "## Decisions",
        "- The scaffolding stands on the north side only.",
        "- Deliveries use gate 3 while gate 1 is blocked.",
        "## Noise",
        ": Work | Hours | Longest noise",
        "| Drilling | 07:30 to 09:00 | 85 dB",
        "| Cutting | 17:00 to 18:30 | 92 dB",
    ]


def test_an_opendocument_text(parsers: ParserPool) -> None:
    document = parse(parsers, FORMATS / "plan-de-mobilite.odt")
    assert document.language == "fr"
    assert outline(document) == [
        "# Plan de mobilité du site de Lyon",
        "Ce plan décrit les moyens de venir au site de Vaise. Il est revu chaque année en mars.",
        "## Atelier vélo",
        "- 1. Prendre rendez-vous sur la feuille affichée à l'accueil.",
        "- 2. Déposer le vélo le mardi avant 9 h 30.",
        "- 3. Le reprendre le jour même à partir de 16 h.",
        "## Navette",
        "Une navette relie la gare de Vaise au site toutes les 20 minutes entre 7 h 10 et 9 h 10.",
        ": Arrêt | Premier départ | Dernier départ",
        "| Gare de Vaise | 7 h 10 | 9 h 10",
        "| Site | 16 h 40 | 18 h 40",
    ]


def test_a_rich_text_document(parsers: ParserPool) -> None:
    assert outline(parse(parsers, FORMATS / "sponsorship.rtf")) == [
        "# Sponsorship and donations",
        "## Who decides",
        "Gifts to associations up to 750 EUR are decided by the site manager; above that, the committee for"
        " donations meets in May and November.",
        "## What we support",
        "- Clubs and schools within 40 km of a site.",
        "- Water projects, with an instrument on loan rather than money.",
        "## Budget",
        ": Site | Budget 2025 | Contact",
        "| Lyon | 9,000 EUR | 4242",
        "| Leeds | 5,500 GBP | 5242",
    ]


def test_an_electronic_book(parsers: ParserPool) -> None:
    document = parse(parsers, FORMATS / "brevent-40-guide.epub")
    assert document.title == "Field guide to the Brévent 40"
    assert outline(document) == [
        "# Choosing the place",
        "Fit the Brévent 40 with at least five pipe diameters of straight pipe before it and two behind it.",
        "Never fit it at the highest point of the line, where air collects.",
        "# First start",
        "- 1. Fill the pipe slowly.",
        "- 2. Hold the key ZERO for eight seconds.",
        "- 3. Wait until the green light is steady.",
        ": Light | Meaning",
        "| Green, steady | Measuring",
        "| Amber, blinking | Pipe not full",
        "| Red | Electrode fault, call 6130",
    ]


@pytest.mark.parametrize(
    ("rtf", "text"),
    [
        (rb"{\rtf1\ansi\ansicpg1252 caf\'e9 \'80 5}", "café € 5"),
        (rb"{\rtf1\ansi\uc1 \u8364?5 \u-10179?\u-8704?}", "€5 😀"),
        (rb"{\rtf1{\fonttbl{\f0\fcharset204 Arial;}}\f0 \'cf\'f0}", "Пр"),
        (rb"{\rtf1{\header Page \chpgn}Body{\footer End}}", "Body"),
        (rb'{\rtf1 See {\field{\*\fldinst HYPERLINK "http://x"}{\fldrslt the plan}}.}', "See the plan."),
        (rb"{\rtf1 Seen{\v  unseen}{\deleted  gone}.}", "Seen."),
        (rb"{\rtf1 Claim{\footnote Source 1}.}", "Claim [Source 1]."),
        (rb"{\rtf1 a{\*\unknown secret}{\pict\bin4 ab}}}cd}", "acd"),
    ],
)
def test_rich_text_control_words(rtf: bytes, text: str) -> None:
    assert [block.text for block in parse_rtf(rtf).blocks] == [text]


def test_rich_text_headings_by_outline_level_and_by_style() -> None:
    styles = rb"{\stylesheet{\s1\outlinelevel0 heading 1;}{\s5 Titre 2;}}"
    document = parse_rtf(
        rb"{\rtf1" + styles + rb"\pard\s1 A\par\pard\s5 B\par\pard\outlinelevel2 C\par\pard d}"
    )
    assert [(block.level, block.text) for block in document.blocks] == [
        (1, "A"),
        (2, "B"),
        (3, "C"),
        (0, "d"),
    ]
