"""Each file type: what a reader of the document would expect to find in its stored text."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.parsing.process import ParserPool
from ingest.stages import BlockKind, CleanDocument
from tests.ingest.conftest import parse
from tests.ingest.makers import pdf_bytes, write_docx


def blocks(document: CleanDocument, kind: BlockKind) -> list[str]:
    return [document.text[block.start : block.end] for block in document.blocks if block.kind is kind]


@pytest.fixture
def read(parsers: ParserPool, tmp_path: Path):  # type: ignore[no-untyped-def]
    def read_as(name: str, content: str | bytes) -> CleanDocument:
        file = tmp_path / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return parse(parsers, file)

    return read_as


# --------------------------------------------------------------------------------------- Markdown


def test_markdown_front_matter_gives_title_and_metadata(read) -> None:  # type: ignore[no-untyped-def]
    document = read("x.md", "---\ntitle: Congés\ntags: [rh, 2024-01-02]\n---\n# Autre titre\n\nTexte.\n")
    assert document.title == "Congés"
    assert document.metadata == {"tags": ["rh", "2024-01-02"]}
    assert document.text == "Autre titre\n\nTexte."


@pytest.mark.parametrize("matter", ["title: [open", "just a sentence", "when: 2024-99-99"])
def test_malformed_front_matter_stays_text(read, matter: str) -> None:  # type: ignore[no-untyped-def]
    assert matter.split()[0] in read("x.md", f"---\n{matter}\n---\n\nBody.\n").text


def test_a_list_needs_no_blank_line_and_has_one_line_per_item(read) -> None:  # type: ignore[no-untyped-def]
    document = read("x.md", "Bring:\n- a pen\n- a note\n  book\n\n3. third\n4. fourth\n")
    assert document.text == "Bring:\n\na pen\na note book\n3. third\n4. fourth"


def test_a_markdown_table_keeps_every_cell(read) -> None:  # type: ignore[no-untyped-def]
    document = read("x.md", "| Ville | Plafond |\n|---|---|\n| Paris | 150 € |\n| Lyon | |\n| | 90 € |\n")
    assert document.text == "Ville | Plafond\nParis | 150 €\nLyon\n| 90 €"
    assert [block.header for block in document.blocks] == ["", *["Ville | Plafond"] * 3]


def test_template_tags_go_but_code_stays(read) -> None:  # type: ignore[no-untyped-def]
    document = read("x.md", "{% include nav.html %}\nText{:.lead}\n\n```\n{% keep %}\n    indented\n```\n")
    assert document.text == "Text\n\n{% keep %}\n    indented"


def test_headings_carry_their_levels(read) -> None:  # type: ignore[no-untyped-def]
    document = read("x.md", "# A\n\n### B\n\ntext\n\n## C\n\nmore\n")
    assert [block.level for block in document.blocks if block.level] == [1, 3, 2]


# ------------------------------------------------------------------------------------------- HTML


def test_html_loses_navigation_and_keeps_text(read) -> None:  # type: ignore[no-untyped-def]
    page = """<!-- saved --><html><head><title>Règlement &amp; usages</title><style>p {}</style></head><body>
    <nav><a href=/>Home</a></nav><header><p>ACME</p></header>
    <h1>Règlement<a class="anchor" href="#r">¶</a></h1><p>Un <b>badge</b> est<br>obligatoire.</p>
    <ol start="2"><li>Entrer</li><li><p>Saluer</p></li></ol>
    <script>alert(1)</script><footer>© ACME</footer></body></html>"""
    document = read("x.html", page)
    assert document.title == "Règlement & usages"
    assert document.text == "Règlement\n\nUn badge est obligatoire.\n\n2. Entrer\n3. Saluer"


def test_an_html_table_keeps_header_and_rows(read) -> None:  # type: ignore[no-untyped-def]
    page = "<table><thead><tr><th>A</th><th>B</th></tr></thead><tr><td>1</td><td>2<br>3</td></tr></table>"
    assert read("x.html", page).text == "A | B\n1 | 2 3"


def test_columns_that_only_make_room_are_left_out(read) -> None:  # type: ignore[no-untyped-def]
    rows = ["<td>Item 1</td><td></td><td>4</td>", "<td>Item 2</td><td> </td><td>9</td>"]
    page = "<table>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>"
    assert read("x.html", page).text == "Item 1 | 4\nItem 2 | 9"


# ------------------------------------------------------------------------------------------- text


def test_wrapped_lines_become_paragraphs_and_bullets_items(read) -> None:  # type: ignore[no-untyped-def]
    wrapped = "This line is long enough to have been wrapped by an editor\nat some column.\n"
    document = read("notes.txt", f"{wrapped}\n- one\n- two\n\n1. first\n")
    assert blocks(document, BlockKind.PARAGRAPH) == [
        "This line is long enough to have been wrapped by an editor at some column."
    ]
    assert blocks(document, BlockKind.LIST_ITEM) == ["one", "two", "1. first"]


def test_short_lines_stay_lines(read) -> None:  # type: ignore[no-untyped-def]
    assert (
        read("address.txt", "ACME SAS\n12 rue du Bac\n75007 Paris\n").text.splitlines()[-1] == "75007 Paris"
    )


@pytest.mark.parametrize(
    ("name", "title"),
    [("annual_leave-2024.txt", "Annual leave 2024"), ("LICENSE", "LICENSE"), ("v1.2 notes", "V1.2 notes")],
)
def test_without_a_title_the_file_name_serves(read, name: str, title: str) -> None:  # type: ignore[no-untyped-def]
    assert read(name, "Some text.").title == title


def test_invisible_characters_are_removed(read) -> None:  # type: ignore[no-untyped-def]
    assert (
        read("x.txt", "zero\u200bwidth, soft\u00adhyphen,\u00a0blank\x07s").text
        == "zerowidth, softhyphen, blanks"
    )


def test_the_language_is_found(read) -> None:  # type: ignore[no-untyped-def]
    assert read("fr.txt", "Les salariés ont droit à vingt-cinq jours de congés par an.").language == "fr"
    assert read("en.txt", "Employees are entitled to twenty-five days of leave per year.").language == "en"


# -------------------------------------------------------------------------------------------- PDF

PARAGRAPH = [
    ("Every employee has twenty-five days of annual leave, to be taken be-", 11),
    ("tween June and May. Requests go to the manager, who answers", 11),
    ("within five days.", 11),
]


def test_pdf_pages_are_kept_and_footers_dropped(read) -> None:  # type: ignore[no-untyped-def]
    pages = [
        [(f"Chapter {word}", 18), ("", 11), *((f"{word.title()}: {line}", size) for line, size in PARAGRAPH)]
        for word in ("one", "two", "three")
    ]
    document = read("x.pdf", pdf_bytes(pages, title="Leave policy", footer="ACME - page {page}"))
    assert document.title == "Leave policy"
    assert "ACME" not in document.text
    assert blocks(document, BlockKind.HEADING) == ["Chapter one", "Chapter two", "Chapter three"]
    starts = document.page_starts
    assert [document.text[start:].split("\n")[0] for start in starts] == [
        "Chapter one",
        "Chapter two",
        "Chapter three",
    ]


def test_a_pdf_page_without_text_keeps_its_number(read) -> None:  # type: ignore[no-untyped-def]
    document = read("x.pdf", pdf_bytes([[("First page.", 11)], [], [("Third page.", 11)]]))
    assert document.text == "First page.\n\nThird page."
    assert document.page_starts == (0, 13, 13)


def test_pdf_lines_join_to_paragraphs_also_across_pages(read) -> None:  # type: ignore[no-untyped-def]
    document = read("x.pdf", pdf_bytes([PARAGRAPH[:2], PARAGRAPH[2:]]))
    assert len(document.blocks) == 1
    assert document.text.endswith("who answers within five days.")
    assert document.text[document.page_starts[1] :] == "within five days."


def test_pdf_bullets_become_items(read) -> None:  # type: ignore[no-untyped-def]
    document = read("x.pdf", pdf_bytes([[("Bring:", 11), ("• a pen", 11), ("• a book", 11)]]))
    assert blocks(document, BlockKind.LIST_ITEM) == ["a pen", "a book"]


def test_pdf_table_rows_keep_their_cells_apart(read) -> None:  # type: ignore[no-untyped-def]
    rows = [
        ("City" + " " * 40 + "Limit", 11),
        ("Paris" + " " * 40 + "150", 11),
        ("Lyon" + " " * 40 + "120", 11),
    ]
    document = read("x.pdf", pdf_bytes([[("Limits by city.", 11), ("", 11), ("", 11), *rows]]))
    assert blocks(document, BlockKind.TABLE_ROW) == ["City | Limit", "Paris | 150", "Lyon | 120"]
    assert [block.header for block in document.blocks] == ["", "", "City | Limit", "City | Limit"]


def test_numbered_pdf_headings_are_headings_and_numbered_steps_are_not(read) -> None:  # type: ignore[no-untyped-def]
    lines = [("1. Reception", 15), ("", 11), ("1. Check the parcel.", 11), ("2. Open the parcel.", 11)]
    document = read("x.pdf", pdf_bytes([lines]))
    assert blocks(document, BlockKind.HEADING) == ["1. Reception"]
    assert blocks(document, BlockKind.LIST_ITEM) == ["1. Check the parcel.", "2. Open the parcel."]


def test_a_page_number_on_both_of_two_pages_is_dropped(read) -> None:  # type: ignore[no-untyped-def]
    document = read("x.pdf", pdf_bytes([[("One.", 11)], [("Two.", 11)]], footer="Charter - Page {page}"))
    assert document.text == "One.\n\nTwo."


# ------------------------------------------------------------------------------------------- DOCX


def test_docx_headings_lists_and_tables(parsers: ParserPool, tmp_path: Path) -> None:
    write_docx(tmp_path / "x.docx", title="Note de frais")
    document = parse(parsers, tmp_path / "x.docx")
    assert document.title == "Note de frais"
    assert [document.text[b.start : b.end] for b in document.blocks if b.level == 2] == ["Repas", "Hôtel"]
    assert blocks(document, BlockKind.LIST_ITEM) == ["Garder le ticket", "Remplir la note de frais"]
    assert document.text.endswith("Ville | Plafond\nParis | 150 €\nLyon | 120 €")


def test_a_meaningless_docx_title_gives_way_to_the_heading(parsers: ParserPool, tmp_path: Path) -> None:
    write_docx(tmp_path / "x.docx", title="Word Document")
    assert parse(parsers, tmp_path / "x.docx").title == "Frais de déplacement"
