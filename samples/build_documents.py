"""Build the PDF and DOCX files of the sample handbook from the plain text in ``sources/``.

Each source is a short text in a small part of Markdown: headings (``#`` to ``###``), paragraphs,
``- `` bullets, ``1. `` numbered steps and pipe tables, one block per line, blank lines between blocks.
The outputs are committed, so this is only needed after a source has changed:

    pip install reportlab python-docx
    python samples/build_documents.py

The same source gives the same bytes: reportlab runs with ``invariant``, and the dates inside the DOCX
archive are fixed. Only the built-in Helvetica font is used; its WinAnsi encoding covers French.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from pathlib import Path
from xml.sax.saxutils import escape

from docx import Document
from docx.shared import Pt
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

HERE = Path(__file__).resolve().parent
SOURCES = HERE / "sources"
HANDBOOK = HERE / "handbook"
FIXED_DATE = datetime(2025, 1, 20, 9, 0, 0)


@dataclass(frozen=True)
class Target:
    """One file to build."""

    source: str
    output: str
    language: str
    footer: str


TARGETS = (
    Target(
        "calibration-procedures.md", "en/laboratory/calibration-procedures.pdf", "en", "LAB-PR-003 rev. 7"
    ),
    Target("procurement.md", "en/finance/procurement.docx", "en", "PUR-006"),
    Target("charte-informatique.md", "fr/securite/charte-informatique.pdf", "fr", "SEC-050"),
    Target("plan-de-formation.md", "fr/formation/plan-de-formation.docx", "fr", "RH-021"),
)


@dataclass
class Block:
    """A heading, paragraph, bullet, numbered step or table of a source text."""

    kind: str
    text: str = ""
    level: int = 0
    rows: list[list[str]] = field(default_factory=list)


def read_blocks(text: str) -> list[Block]:
    """Split a source text into blocks; lines of the same table are gathered into one block."""
    blocks: list[Block] = []
    table_open = False
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("|"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if all(re.fullmatch(r":?-+:?", cell) for cell in cells):
                continue
            if not table_open:
                blocks.append(Block("table"))
                table_open = True
            blocks[-1].rows.append(cells)
            continue
        table_open = False
        if not line:
            continue
        if heading := re.match(r"(#{1,3}) (.+)", line):
            blocks.append(Block("heading", heading[2], level=len(heading[1])))
        elif line.startswith("- "):
            blocks.append(Block("bullet", line[2:]))
        elif step := re.match(r"(\d+)\. (.+)", line):
            blocks.append(Block("step", step[2], level=int(step[1])))
        else:
            blocks.append(Block("paragraph", line))
    return blocks


def firm_spaces(text: str) -> str:
    """Make the blank next to a sign (French punctuation, units) one that does not break the line."""
    text = re.sub(r" (?=[:;!?%€°±»])", "\u00a0", text)
    return re.sub(r"(?<=[«±]) ", "\u00a0", text)


def column_widths(rows: list[list[str]], total: float) -> list[float]:
    """Share the width between columns by their longest cell, within limits."""
    longest = [min(max(len(cell) for cell in column), 40) + 4 for column in zip(*rows, strict=True)]
    return [total * length / sum(longest) for length in longest]


def pdf_story(blocks: list[Block], width: float) -> Iterator[Flowable]:
    """Yield the reportlab elements for the blocks."""
    base = getSampleStyleSheet()
    body = ParagraphStyle("body", parent=base["BodyText"], fontSize=10.5, leading=14.5, spaceAfter=6)
    item = ParagraphStyle("item", parent=body, leftIndent=16, bulletIndent=3, spaceAfter=3)
    cell_style = ParagraphStyle("cell", parent=body, fontSize=9.5, leading=12, spaceAfter=0, spaceBefore=0)
    header_style = ParagraphStyle("header", parent=cell_style, fontName="Helvetica-Bold")
    headings = {level: base[f"Heading{level}"] for level in (1, 2, 3)}
    for block in blocks:
        if block.kind == "heading":
            yield Paragraph(escape(block.text), headings[block.level])
        elif block.kind == "bullet":
            yield Paragraph(escape(block.text), item, bulletText="\u2022")
        elif block.kind == "step":
            yield Paragraph(escape(block.text), item, bulletText=f"{block.level}.")
        elif block.kind == "table":
            cells = [
                [Paragraph(escape(cell), header_style if number == 0 else cell_style) for cell in row]
                for number, row in enumerate(block.rows)
            ]
            table = Table(cells, colWidths=column_widths(block.rows, width), repeatRows=1)
            table.setStyle(
                TableStyle(
                    [
                        ("GRID", (0, 0), (-1, -1), 0.4, colors.grey),
                        ("BACKGROUND", (0, 0), (-1, 0), colors.whitesmoke),
                        ("VALIGN", (0, 0), (-1, -1), "TOP"),
                    ]
                )
            )
            yield Spacer(1, 2 * mm)
            yield table
            yield Spacer(1, 4 * mm)
        else:
            yield Paragraph(escape(block.text), body)


def build_pdf(blocks: list[Block], target: Target, path: Path) -> None:
    """Write the blocks as an A4 PDF with a footer on every page."""
    document = SimpleDocTemplate(
        str(path),
        pagesize=A4,
        leftMargin=24 * mm,
        rightMargin=24 * mm,
        topMargin=22 * mm,
        bottomMargin=24 * mm,
        title=blocks[0].text,
        author="Orvellan Instruments",
        lang=target.language,
        invariant=1,
    )

    def draw_footer(canvas: Canvas, _: SimpleDocTemplate) -> None:
        canvas.setFont("Helvetica", 8)
        canvas.drawString(24 * mm, 13 * mm, f"Orvellan Instruments - {target.footer}")
        canvas.drawRightString(A4[0] - 24 * mm, 13 * mm, f"Page {canvas.getPageNumber()}")

    document.build(list(pdf_story(blocks, document.width)), onFirstPage=draw_footer, onLaterPages=draw_footer)


def build_docx(blocks: list[Block], target: Target, path: Path) -> None:
    """Write the blocks as a Word document that uses the built-in heading, list and table styles."""
    document = Document()
    document.styles["Normal"].font.name = "Calibri"
    document.styles["Normal"].font.size = Pt(11)
    properties = document.core_properties
    properties.title = blocks[0].text
    properties.author = "Orvellan Instruments"
    properties.language = target.language
    properties.created = properties.modified = FIXED_DATE
    document.sections[0].footer.paragraphs[0].text = f"Orvellan Instruments - {target.footer}"
    for block in blocks:
        if block.kind == "heading":
            document.add_heading(block.text, level=block.level)
        elif block.kind == "bullet":
            document.add_paragraph(block.text, style="List Bullet")
        elif block.kind == "step":
            document.add_paragraph(block.text, style="List Number")
        elif block.kind == "table":
            table = document.add_table(rows=0, cols=len(block.rows[0]), style="Table Grid")
            for row in block.rows:
                for cell, text in zip(table.add_row().cells, row, strict=True):
                    cell.text = text
            for cell in table.rows[0].cells:
                cell.paragraphs[0].runs[0].bold = True
            document.add_paragraph()
        else:
            document.add_paragraph(block.text)
    buffer = BytesIO()
    document.save(buffer)
    copy_with_fixed_dates(buffer, path)


def copy_with_fixed_dates(archive: BytesIO, path: Path) -> None:
    """Copy a zip archive to ``path`` with the same date on every member."""
    with zipfile.ZipFile(archive) as read, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as write:
        for name in read.namelist():
            member = zipfile.ZipInfo(name, FIXED_DATE.timetuple()[:6])
            member.compress_type = zipfile.ZIP_DEFLATED
            write.writestr(member, read.read(name))


def main() -> None:
    """Build every target and print where it went."""
    for target in TARGETS:
        text = (SOURCES / target.source).read_text(encoding="utf-8")
        blocks = read_blocks(firm_spaces(text))
        path = HANDBOOK / target.output
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".pdf":
            build_pdf(blocks, target, path)
        else:
            build_docx(blocks, target, path)
        print(path.relative_to(HERE))


if __name__ == "__main__":
    main()
