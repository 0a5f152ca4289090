"""Spreadsheets and tables in text files: what a reader of the sheet would expect to find."""

from __future__ import annotations

import io
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
from openpyxl import Workbook

from ingest.parsing.delimited import parse_csv, parse_tsv
from ingest.parsing.number_format import shown_value
from ingest.parsing.process import ParserPool
from ingest.parsing.xlsx import parse_xlsx
from ingest.stages import ParsedDocument
from tests.ingest.conftest import parse
from tests.ingest.formats import FORMATS, outline


def xlsx(*rows: tuple[object, ...], merged: str = "") -> bytes:
    """A workbook of one sheet."""
    book = Workbook()
    sheet = book.active
    for row in rows:
        sheet.append(row)
    if merged:
        sheet.merge_cells(merged)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def texts(document: ParsedDocument) -> list[str]:
    return [block.text for block in document.blocks]


def test_a_workbook_has_its_sheets_as_pages_and_its_tables_with_headers(parsers: ParserPool) -> None:
    document = parse(parsers, FORMATS / "spare-parts.xlsx")
    assert outline(document) == [
        "p1 ## Spare parts",
        "p1 Spare parts for the Tarn 12 and the Brévent 40",
        "p1 : Part | Description | Fits | List price | In stock | Counted on",
        "p1 | SP-1180 | Pump piston seal, set of four | Tarn 12 | 38.50 EUR | 212 | 2025-01-14",
        "p1 | SP-1184 | Pressure hose 400 bar, 1.5 m | Tarn 12 | 129.00 EUR | 46 | 2025-01-14",
        "p1 | SP-2207 | Grounding ring DN 80 | Brévent 40 | 174.90 EUR | 9 | 2025-01-16",
        "p1 | SP-2211 | Terminal box lid with gasket | Brévent 40 | 61.00 EUR | 0 | 2025-01-16",
        "p1 : Discount group | Discount | From value",
        "p1 | Water utilities | 12.5% | 2,500",
        "p1 | Hospitals | 10.0% | 1,000",
        "p2 ## Repairs by quarter",
        "p2 : Workshop | Repairs finished 2023 | Repairs finished 2024 | Median days 2023 | Median days 2024",
        "p2 | Lyon | 1,412 | 1,566 | 6.5 | 5",
        "p2 | Leeds | 803 | 871 | 8 | 7.5",
        "p2 | Québec | 455 | 530 | 9 | 11",
    ]
    assert document.title == "Spare parts"
    assert document.blocks[-1].header.startswith("Workshop | Repairs finished 2023")


def test_a_workbook_with_macros_is_read_like_any_other(parsers: ParserPool) -> None:
    assert outline(parse(parsers, FORMATS / "test-bench-water.xlsm")) == [
        "p1 ## Test bench water",
        "p1 : Bench | Month | Water used (m³) | Recycled",
        "p1 | B1 | 2025-01 | 118.2 | 82%",
        "p1 | B2 | 2025-01 | 96.75 | 79%",
        "p1 | B5 | 2025-01 | 240 | 91%",
    ]


def test_an_old_workbook_keeps_dates_and_units(parsers: ParserPool) -> None:
    assert outline(parse(parsers, FORMATS / "loan-pool.xls")) == [
        "p1 ## Loan pool 2025",
        "p1 : Inventory no. | Instrument | Kept in | Booked until | Deposit",
        "p1 | LP-07 | Tarn 12, 60 bar | Leeds | 2025-03-28 | 450.00 GBP",
        "p1 | LP-08 | Tarn 12, 400 bar | Lyon | 2025-02-11 | 600.00 GBP",
        "p1 | LP-15 | Brévent 40, DN 50 | Québec | | 820.50 GBP",
    ]


def test_an_opendocument_spreadsheet_shows_its_cells_as_they_are_shown(parsers: ParserPool) -> None:
    document = parse(parsers, FORMATS / "restaurant-vaise.ods")
    assert outline(document) == [
        "p1 ## Restaurant de Vaise",
        "p1 : Formule | Salarié | Alternant | Visiteur",
        "p1 | Plat seul | 4.10 € | 3.20 € | 9.80 €",
        "p1 | Plat et dessert | 5.35 € | 4.25 € | 12.40 €",
        "p1 | Petit déjeuner | 2.60 € | 2.00 € | 6.90 €",
    ]
    assert document.language == "fr"


def test_csv_finds_semicolons_and_the_old_encoding(parsers: ParserPool) -> None:
    assert outline(parse(parsers, FORMATS / "vehicules.csv")) == [
        ": Immatriculation | Modèle | Site | Boîte à clés | Prochain contrôle technique",
        "| GH-318-QL | Fourgon électrique | Lyon | Casier 6, code chez l'accueil | 17/09/2025",
        "| FD-902-ZR | Berline hybride | Lyon | Casier 2 | 03/04/2026",
        "| EK-551-BN | Utilitaire; attelage 750 kg | Lyon | Casier 9 | 22/11/2025",
    ]


def test_tsv_in_utf_16(parsers: ParserPool) -> None:
    lines = outline(parse(parsers, FORMATS / "room-sensors.tsv"))
    assert lines[0] == ": Sensor | Room | Model | Battery changed | Alarm above"
    assert lines[3] == "| TH-11 | Lyon, clean bench | Particles | 2025-01-21 | 3,500 per litre"


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("a,b\n1,2\n", "1 | 2"),
        ("a;b\n1,5;2,5\n", "1,5 | 2,5"),
        ("a\tb\n1\t2\n", "1 | 2"),
        ("a|b\n1|2\n", "1 | 2"),
        ("sep=#\na#b\n1#2\n", "1 | 2"),
        ('a,b\n"x, y\nz",2\n', "x, y z | 2"),
        ("\ufeffa,b\r\n1,2\r\n", "1 | 2"),
    ],
)
def test_delimiters_are_found(text: str, row: str) -> None:
    found = parse_csv(text.encode()).blocks
    assert found[-1].text == row
    assert found[-1].header == "a | b"


def test_a_tsv_that_is_a_list_stays_one() -> None:
    assert texts(parse_tsv(b"one, two\nthree\n")) == ["one, two", "three"]


def test_cells_merged_over_rows_are_said_of_each_row() -> None:
    rows = ("Site", "Room", "Seats"), ("Lyon", "Saône", 8), (None, "Rhône", 12)
    assert texts(parse_xlsx(xlsx(*rows, merged="A2:A3")))[-2:] == ["Lyon | Saône | 8", "Lyon | Rhône | 12"]


def test_a_gap_below_the_header_or_above_the_total_does_not_end_the_table() -> None:
    document = parse_xlsx(xlsx(("Site", "Staff"), (), ("Lyon", 131), ("Leeds", 68), (), ("Total", 199)))
    assert texts(document) == ["Sheet", "Site | Staff", "Lyon | 131", "Leeds | 68", "Total | 199"]
    assert [block.header for block in document.blocks[2:]] == ["Site | Staff"] * 3


def test_a_table_that_starts_with_numbers_has_no_header() -> None:
    assert {block.header for block in parse_xlsx(xlsx(("a", 1), ("b", 2), ("c", 3))).blocks} == {""}


def test_hidden_sheets_are_left_out() -> None:
    book = Workbook()
    book.active.append(["Shown", "here"])
    hidden = book.create_sheet("Lists")
    hidden.append(["secret"])
    hidden.sheet_state = "hidden"
    file = io.BytesIO()
    book.save(file)
    assert texts(parse_xlsx(file.getvalue())) == ["Sheet", "Shown | here"]


@pytest.mark.parametrize(
    ("value", "number_format", "shown"),
    [
        (3.0, "General", "3"),
        (0.1 + 0.2, "General", "0.3"),
        (1234567.5, "#,##0.00", "1,234,567.50"),
        (0.256, "0.0%", "25.6%"),
        (0.256, "0%", "26%"),
        (1499, '#,##0 "€"', "1,499 €"),
        (1499, "[$€-40C]#,##0", "€1,499"),
        (-81, r"#,##0\ ;\(#,##0\)", "-81"),
        (0, '_(* #,##0_);_(* \\(#,##0\\);_(* "—"_);_(@_)', "—"),
        (2.5, "0.0##", "2.5"),
        (2_500_000, '0.0,,"M"', "2.5M"),
        (12345.678, "0.00E+00", "1.23E+04"),
        (-0.001, "0.00", "0.00"),
        (7, "000", "007"),
        (True, "General", "TRUE"),
        (datetime(2025, 3, 4), "dd/mm/yyyy", "2025-03-04"),
        (datetime(2025, 3, 4, 9, 30), "dd/mm/yyyy hh:mm", "2025-03-04 09:30"),
        (date(2025, 3, 1), "mmm-yy", "2025-03"),
        (time(8, 5), "hh:mm", "08:05"),
        (timedelta(hours=26, minutes=5), "[h]:mm", "26:05"),
        (" two\n lines ", "@", "two lines"),
    ],
)
def test_values_are_shown_as_in_the_sheet(value: object, number_format: str, shown: str) -> None:
    assert shown_value(value, number_format) == shown


def test_a_very_long_table_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from rag.errors import SourceError

    monkeypatch.setattr("ingest.parsing.sheets.MAX_CELLS", 5)
    with pytest.raises(SourceError) as refused:
        parse_xlsx(xlsx(("a", "b"), (1, 2), (3, 4)))
    assert refused.value.source_code == "too_large"
