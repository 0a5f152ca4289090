"""Small real files of every type, made on the spot."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

Lines = Sequence[tuple[str, int]]
"""Text lines with their font sizes, top to bottom."""

LINE_HEIGHT = 1.2
PAGE_TOP = 740


def pdf_bytes(pages: Sequence[Lines], *, title: str = "", footer: str = "") -> bytes:
    """A PDF with one text line per entry; ``footer`` may hold ``{page}``. An empty page has no text."""
    objects: list[bytes] = [
        b"",
        b"",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    kids = []
    for number, lines in enumerate(pages, start=1):
        stream = _page_stream(lines, footer.format(page=number) if lines else "")
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % len(objects)
        )
        kids.append(b"%d 0 R" % len(objects))
    objects[0] = b"<< /Type /Catalog /Pages 2 0 R >>"
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b" ".join(kids), len(kids))
    objects.append(b"<< /Title (%s) >>" % title.encode("cp1252"))
    return _with_xref(objects)


def _page_stream(lines: Lines, footer: str) -> bytes:
    drawn, height = [], float(PAGE_TOP)
    for text, size in lines:
        height -= LINE_HEIGHT * size
        if text:
            drawn.append(_show(text, size, height))
    if footer:
        drawn.append(_show(footer, 8, 30))
    return b"\n".join(drawn)


def _show(text: str, size: int, height: float) -> bytes:
    escaped = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)").encode("cp1252")
    return b"BT /F1 %d Tf 72 %.1f Td (%s) Tj ET" % (size, height, escaped)


def _with_xref(objects: list[bytes]) -> bytes:
    out = io.BytesIO()
    out.write(b"%PDF-1.4\n")
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    start = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    out.writelines(b"%010d 00000 n \n" % offset for offset in offsets)
    out.write(
        b"trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (len(objects) + 1, len(objects), start)
    )
    return out.getvalue()


def write_docx(path: Path, *, title: str = "") -> None:
    """A Word document with a heading, a list and a table."""
    from docx import Document

    document = Document()
    document.core_properties.title = title
    document.add_heading("Frais de déplacement", level=1)
    document.add_heading("Repas", level=2)
    document.add_paragraph("Un repas est remboursé à hauteur de 25 euros par jour.")
    document.add_paragraph("Garder le ticket", style="List Bullet")
    document.add_paragraph("Remplir la note de frais", style="List Bullet")
    document.add_heading("Hôtel", level=2)
    table = document.add_table(rows=3, cols=2)
    for row, cells in zip(
        table.rows, [("Ville", "Plafond"), ("Paris", "150 €"), ("Lyon", "120 €")], strict=True
    ):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    document.save(str(path))
