"""Rows of tables in stored text, and the line that says what their columns are."""

from __future__ import annotations

from rag.text.tables import row_headers, with_labels

TABLE = "Bench | Water 2023 | Recycled\nB4 | 240 | 88%\nB5 | 310 | 91%"
TEXT = f"Water use\n\n{TABLE}\n\nAll benches are in building B."


def lines(text: str) -> dict[str, str]:
    return {text[slice(*row)]: text[slice(*header)] for row, header in row_headers(text).items()}


def test_every_row_has_the_first_line_as_its_header() -> None:
    header, *rows = TABLE.split("\n")
    assert lines(TEXT) == dict.fromkeys(rows, header)


def test_a_passage_that_begins_inside_a_table_has_no_header() -> None:
    assert lines("B4 | 240 | 88%\nB5 | 310 | 91%") == {}
    assert lines("Red | Green | Blue\nPurple | Orange | Yellow") == {}


def test_a_lone_line_is_no_table() -> None:
    assert lines("Bench | Water\n\nB4 | 240 | 88%") == {}


def test_a_row_is_read_with_its_labels() -> None:
    assert with_labels("B5 | 310 | 91%", "Bench | Water 2023 | Recycled") == (
        "Bench B5, Water 2023 310, Recycled 91%"
    )
    assert with_labels("B5 | 310", "Bench") == "Bench B5, 310"
