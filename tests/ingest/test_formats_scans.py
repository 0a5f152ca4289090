"""Scans and pictures of text, with tesseract and without."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from ingest.parsing.image import parse_image
from ingest.parsing.ocr import choose_languages
from ingest.parsing.ocr_lines import Word, even_heights, words_to_lines
from ingest.parsing.page_image import clear_page
from ingest.parsing.pdf import parse_pdf
from ingest.parsing.pdf_scan import quality
from ingest.parsing.process import ParserPool
from rag.errors import SourceError
from tests.ingest.conftest import parse, read_whole
from tests.ingest.formats import FORMATS, needs_tesseract, outline


@pytest.fixture
def without_tesseract(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


@needs_tesseract
def test_a_scanned_notice(parsers: ParserPool) -> None:
    assert outline(parse(parsers, FORMATS / "goods-lift.png")) == [
        "p1 # Goods lift, hall C",
        "p1 The goods lift carries 1,250 kg at most. Only people with the card GL-2 may use it."
        " The yearly inspection is due on 12 May 2025; the lift is closed that day.",
    ]


@needs_tesseract
def test_the_scanned_page_of_a_pdf_is_read_and_its_table_kept(parsers: ParserPool) -> None:
    document = parse(parsers, FORMATS / "compressed-air.pdf")
    assert outline(document) == [
        "p1 # Compressed air, report 2025",
        "p1 The compressors of building B feed the benches at 9.5 bar."
        " Leaks cost us about 14% of the air in 2024. The scan of the inspection follows.",
        "p2 Compressors of building B, inspection of 20 January 2025",
        "p2 : Compressor | Hours run | Oil changed | Next visit",
        "p2 | C-1 | 8,412 | 2024-11-05 | 2025-05-05",
        "p2 | C-2 | 3,970 | 2025-01-13 | 2025-07-13",
    ]
    assert document.metadata == {}


@needs_tesseract
def test_a_scan_of_several_french_pages(parsers: ParserPool) -> None:
    document = parse(parsers, FORMATS / "note-de-service.tif")
    assert document.language == "fr"
    assert [line for line in outline(document) if "#" in line] == [
        "p1 # Note de service",
        "p2 ## Consignes de chauffage",
    ]
    assert "le portail sud ferme à 19 h 15." in document.text


@needs_tesseract
@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("key-board.jpg", "The spare key of the Leeds archive hangs in cabinet K-17."),
        ("first-aid.bmp", "The defibrillator in Québec is beside the coffee corner, floor 2."),
        ("radio-check.gif", "Channel 4 is tested each Thursday at 08:45 in Leeds."),
        ("dechets.webp", "Les piles usagées vont dans le bac rouge du local R-08."),
    ],
)
def test_every_kind_of_picture_is_read(parsers: ParserPool, name: str, sentence: str) -> None:
    assert sentence in parse(parsers, FORMATS / name).text


@needs_tesseract
def test_a_picture_without_text_says_so(tmp_path: Path) -> None:
    file = tmp_path / "grey.png"
    Image.new("L", (400, 300), 180).save(file)
    with pytest.raises(SourceError) as refused:
        parse_image(file.read_bytes())
    assert refused.value.source_code == "no_text"


@pytest.mark.usefixtures("without_tesseract")
def test_without_tesseract_a_picture_names_the_command_that_installs_it() -> None:
    with pytest.raises(SourceError, match="apt-get install tesseract-ocr") as refused:
        parse_image((FORMATS / "goods-lift.png").read_bytes())
    assert refused.value.source_code == "ocr_needed"


@pytest.mark.usefixtures("without_tesseract")
def test_without_tesseract_a_pdf_is_taken_with_the_pages_that_have_text() -> None:
    document = parse_pdf((FORMATS / "compressed-air.pdf").read_bytes())
    assert {block.page for block in document.blocks} == {1}
    assert document.metadata == {"pages_not_read": [2]}


@pytest.mark.usefixtures("without_tesseract")
def test_without_tesseract_a_scanned_pdf_needs_it(tmp_path: Path) -> None:
    scan = tmp_path / "scan.pdf"
    Image.open(FORMATS / "goods-lift.png").save(scan)
    with pytest.raises(SourceError) as refused:
        parse_pdf(scan.read_bytes())
    assert refused.value.source_code == "ocr_needed"


@needs_tesseract
def test_a_language_that_is_not_installed_is_named() -> None:
    choose_languages("tlh")
    try:
        with pytest.raises(SourceError, match="apt-get install tesseract-ocr-tlh") as refused:
            parse_image((FORMATS / "goods-lift.png").read_bytes())
    finally:
        choose_languages("eng+fra")
    assert refused.value.source_code == "ocr_needed"


def test_ruled_lines_go_and_letters_on_grey_stay() -> None:
    picture = Image.new("L", (1200, 400), 255)
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 0, 1200, 100), fill=170)
    pen.text((50, 40), "IIII", fill=20)
    for middle in (200, 250):
        pen.line((0, middle, 1200, middle), fill=0, width=3)
        pen.line((400 + middle, 100, 400 + middle, 400), fill=0, width=3)
    page = clear_page(picture)
    assert page.is_ruled
    assert page.image.getpixel((300, 250)) == 255
    assert page.image.getpixel((650, 320)) == 255
    assert page.image.getpixel((300, 50)) > 200
    assert page.image.crop((45, 35, 90, 60)).getextrema()[0] < 100


def word(text: str, column: int, *, left: int, top: int, height: int = 30) -> Word:
    return Word(
        text=text,
        line=(column, top),
        left=left,
        top=top,
        right=left + 18 * len(text),
        bottom=top + height,
        sure=95,
    )


def test_columns_of_short_words_are_rows_of_a_table() -> None:
    words = [word(text, 1, left=0, top=60 * row) for row, text in enumerate(("City", "Paris", "Lyon"))]
    words += [word(text, 2, left=400, top=60 * row) for row, text in enumerate(("Limit", "150", "120"))]
    lines = words_to_lines(words, page=1, scale=4, height=800)
    assert [line.text for line in lines] == ["City | Limit", "Paris | 150", "Lyon | 120"]


def test_specks_are_no_words_and_sizes_come_in_steps() -> None:
    words = [word("Heading", 1, left=0, top=0, height=60), word("body", 1, left=0, top=90, height=27)]
    words += [word("axe", 1, left=0, top=150, height=20), word("|", 1, left=300, top=150)]
    (page,) = even_heights([words_to_lines(words, page=1, scale=4, height=800)])
    assert [line.text for line in page] == ["Heading", "body", "axe"]
    assert page[0].height > 1.5 * page[1].height
    assert page[1].height == page[2].height


def test_badly_read_text_is_told_from_good() -> None:
    assert quality("Desiring to keep you posted: 1,250 kg, l'été 2025.") == 1.0
    assert quality("«POAH «3E*»CM tanntxim^ s*r;tiiR» n»Bfl") < 0.5


@needs_tesseract
def test_every_sample_question_has_its_answer_in_its_file(parsers: ParserPool) -> None:
    questions = [
        json.loads(line)
        for line in (FORMATS.parent / "questions-formats.jsonl").read_text("utf-8").splitlines()
    ]
    texts = {
        f"formats/{file.name}" + (f"!/{document.part}" if document.part else ""): document.text
        for file in sorted(FORMATS.iterdir())
        for document in read_whole(parsers, file).documents
    }
    assert {question["document"] for question in questions} == set(texts)
    for question in questions:
        plain = " ".join(texts[question["document"]].replace("|", " ").split())
        assert plain.count(question["quote"]) == 1, question["id"]
