"""Build ``samples/formats``: one small file of each type that an office has, about Orvellan Instruments.

The outputs are committed, so this is only needed after a text below has changed:

    pip install olefile openpyxl python-docx python-pptx pillow reportlab
    apt-get install libreoffice-writer libreoffice-calc libreoffice-impress fonts-dejavu-core
    python samples/make_formats.py

LibreOffice writes the old Microsoft formats and OpenDocument; scans are drawn as pictures of text.
"""

# ruff: noqa: E501 - sentences and markup stay whole
from __future__ import annotations

import csv
import struct
import subprocess
import zipfile
from collections.abc import Sequence
from datetime import date
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import olefile
from docx import Document
from openpyxl import Workbook
from openpyxl.styles import Font
from PIL import Image, ImageDraw, ImageFont
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches
from reportlab.lib.pagesizes import A5
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

FORMATS = Path(__file__).resolve().parent / "formats"
SCAN_FONT = "DejaVuSans.ttf"
SECTOR, SHORTEST_STREAM = 512, 4096
END_OF_CHAIN, SECTOR_OF_TABLE, FREE = 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFF
NO_ENTRY = 0xFFFFFFFF

# ------------------------------------------------------------------------------------- spreadsheets


def spare_parts() -> Workbook:
    """Two sheets; percentages, prices, dates, a merged label and two tables on one sheet."""
    book = Workbook()
    sheet = book.active
    sheet.title = "Spare parts"
    sheet.append(["Spare parts for the Tarn 12 and the Brévent 40"])
    sheet.merge_cells("A1:F1")
    sheet.append([])
    sheet.append(["Part", "Description", "Fits", "List price", "In stock", "Counted on"])
    for row in (
        ("SP-1180", "Pump piston seal, set of four", "Tarn 12", 38.5, 212, date(2025, 1, 14)),
        ("SP-1184", "Pressure hose 400 bar, 1.5 m", "Tarn 12", 129, 46, date(2025, 1, 14)),
        ("SP-2207", "Grounding ring DN 80", "Brévent 40", 174.9, 9, date(2025, 1, 16)),
        ("SP-2211", "Terminal box lid with gasket", "Brévent 40", 61, 0, date(2025, 1, 16)),
    ):
        sheet.append(row)
    for row in sheet.iter_rows(min_row=4, max_row=7):
        row[3].number_format = '#,##0.00\\ "EUR"'
        row[5].number_format = "yyyy-mm-dd"
    sheet.append([])
    sheet.append(["Discount group", "Discount", "From value"])
    for group, discount, least in (("Water utilities", 0.125, 2500), ("Hospitals", 0.1, 1000)):
        sheet.append([group, discount, least])
        sheet.cell(sheet.max_row, 2).number_format = "0.0%"
        sheet.cell(sheet.max_row, 3).number_format = "#,##0"
    sheet = book.create_sheet("Repairs by quarter")
    sheet.append(["Workshop", "Repairs finished", None, "Median days", None])
    sheet.append([None, "2023", "2024", "2023", "2024"])
    sheet.merge_cells("B1:C1")
    sheet.merge_cells("D1:E1")
    for row in (("Lyon", 1412, 1566, 6.5, 5), ("Leeds", 803, 871, 8, 7.5), ("Québec", 455, 530, 9, 11)):
        sheet.append(row)
    for row in sheet.iter_rows(min_row=3, min_col=2, max_col=3):
        for cell in row:
            cell.number_format = "#,##0"
    _bold_first(book)
    return book


def loan_pool() -> Workbook:
    """For the old Excel format."""
    book = Workbook()
    sheet = book.active
    sheet.title = "Loan pool 2025"
    sheet.append(["Inventory no.", "Instrument", "Kept in", "Booked until", "Deposit"])
    for row in (
        ("LP-07", "Tarn 12, 60 bar", "Leeds", date(2025, 3, 28), 450),
        ("LP-08", "Tarn 12, 400 bar", "Lyon", date(2025, 2, 11), 600),
        ("LP-15", "Brévent 40, DN 50", "Québec", None, 820.5),
    ):
        sheet.append(row)
    for row in sheet.iter_rows(min_row=2):
        row[3].number_format = "dd/mm/yyyy"
        row[4].number_format = '0.00 "GBP"'
    _bold_first(book)
    return book


def canteen_prices() -> Workbook:
    """For OpenDocument; in French."""
    book = Workbook()
    sheet = book.active
    sheet.title = "Restaurant de Vaise"
    sheet.append(["Formule", "Salarié", "Alternant", "Visiteur"])
    for row in (
        ("Plat seul", 4.1, 3.2, 9.8),
        ("Plat et dessert", 5.35, 4.25, 12.4),
        ("Petit déjeuner", 2.6, 2, 6.9),
    ):
        sheet.append(row)
    for row in sheet.iter_rows(min_row=2, min_col=2):
        for cell in row:
            cell.number_format = '0.00 "€"'
    _bold_first(book)
    return book


def meter_readings() -> Workbook:
    """For a workbook that may hold macros."""
    book = Workbook()
    sheet = book.active
    sheet.title = "Test bench water"
    sheet.append(["Bench", "Month", "Water used (m³)", "Recycled"])
    for bench, used, recycled in (("B1", 118.2, 0.82), ("B2", 96.75, 0.79), ("B5", 240, 0.91)):
        sheet.append([bench, date(2025, 1, 1), used, recycled])
        sheet.cell(sheet.max_row, 2).number_format = "mmm yyyy"
        sheet.cell(sheet.max_row, 4).number_format = "0%"
    _bold_first(book)
    return book


def _bold_first(book: Workbook) -> None:
    for sheet in book:
        for cell in sheet[1]:
            cell.font = Font(bold=True)


VEHICLES = (
    ("Immatriculation", "Modèle", "Site", "Boîte à clés", "Prochain contrôle technique"),
    ("GH-318-QL", "Fourgon électrique", "Lyon", "Casier 6, code chez l'accueil", "17/09/2025"),
    ("FD-902-ZR", "Berline hybride", "Lyon", "Casier 2", "03/04/2026"),
    ("EK-551-BN", "Utilitaire;\nattelage 750 kg", "Lyon", "Casier 9", "22/11/2025"),
)
ROOM_SENSORS = (
    ("Sensor", "Room", "Model", "Battery changed", "Alarm above"),
    ("TH-03", "Leeds, pressure room 1", "Humidity and temperature", "2024-10-08", "20.6 °C"),
    ("TH-04", "Leeds, pressure room 2", "Humidity and temperature", "2024-10-08", "20.4 °C"),
    ("TH-11", "Lyon, clean bench", "Particles", "2025-01-21", "3,500 per litre"),
)

# ------------------------------------------------------------------------------------ presentations


def quarterly_review() -> Any:
    """A deck with nested bullets, a table, a chart, notes and a footer on each slide."""
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[0])
    slide.shapes.title.text = "Quarterly review, autumn 2024"
    slide.placeholders[1].text = "For all staff, 7 November 2024"
    slide = _bullets(
        deck,
        "Relevé in numbers",
        [
            (0, "41,300 instruments connected, 12% more than in spring"),
            (0, "Two interruptions"),
            (1, "19 August: 47 minutes, a full disk in the Canadian region"),
            (1, "3 October: 12 minutes, an expired certificate"),
            (0, "Dark mode is the wish most often heard"),
        ],
    )
    slide.notes_slide.notes_text_frame.text = (
        "Thank Imani's team for the night of 19 August.\nThe new disk alarm fires at 70% since 1 September."
    )
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = "Orders by region"
    rows = (
        ("Region", "Orders", "Against plan"),
        ("France", "1,204", "+4%"),
        ("UK and Ireland", "688", "-7%"),
    )
    _table(slide, rows)
    box = slide.shapes.add_textbox(Inches(1), Inches(4.2), Inches(7), Inches(1))
    box.text_frame.text = (
        "The fair in Birmingham moved to February, which explains most of the gap in the UK."
    )
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = "Support calls"
    data = CategoryChartData()
    data.categories = ["July", "August", "September"]
    data.add_series("Calls answered", (931, 1187, 1044))
    chart = slide.shapes.add_chart(
        XL_CHART_TYPE.COLUMN_CLUSTERED, Inches(1), Inches(2), Inches(6), Inches(4), data
    ).chart
    chart.has_title = True
    chart.chart_title.text_frame.text = "Calls answered in Québec"
    for slide in deck.slides:
        footer = slide.shapes.add_textbox(Inches(0.2), Inches(7), Inches(4), Inches(0.4))
        footer.text_frame.text = "Orvellan Instruments, internal"
    return _without_unused_layouts(deck)


def visitor_briefing() -> Any:
    """For the old PowerPoint format."""
    deck = Presentation()
    slide = _bullets(
        deck,
        "Visitors in the Leeds laboratory",
        [
            (0, "Leave phones in the locker by the door"),
            (1, "Pacemakers: stay two metres from bench 4, it has strong magnets"),
            (0, "Put on overshoes; the blue ones are for visitors"),
        ],
    )
    slide.notes_slide.notes_text_frame.text = (
        "Lockers have a four-digit code; the master code is with the guard."
    )
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = "Groups"
    rows = (
        ("Group", "Largest size", "Guide"),
        ("Customers", "8", "Sales engineer"),
        ("Schools", "14", "Two trainers"),
    )
    _table(slide, rows)
    return _without_unused_layouts(deck)


def _table(slide: Any, rows: Sequence[tuple[str, ...]]) -> None:
    columns = len(rows[0])
    table = slide.shapes.add_table(len(rows), columns, Inches(1), Inches(2), Inches(7), Inches(1.5)).table
    for number, row in enumerate(rows):
        for column, text in enumerate(row):
            table.cell(number, column).text = text


def _without_unused_layouts(deck: Any) -> Any:
    """A smaller file."""
    used = {slide.slide_layout.name for slide in deck.slides}
    for layout in list(deck.slide_layouts):
        if layout.name not in used:
            deck.slide_layouts.remove(layout)
    return deck


def _bullets(deck: Any, title: str, items: list[tuple[int, str]]) -> Any:
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = title
    frame = slide.placeholders[1].text_frame
    for number, (level, text) in enumerate(items):
        paragraph = frame.paragraphs[0] if number == 0 else frame.add_paragraph()
        paragraph.text, paragraph.level = text, level
    return slide


# -------------------------------------------------------------------------------------------- texts

Block = tuple[str, Any]

WORKS_MINUTES: tuple[Block, ...] = (
    ("h1", "Minutes of the works meeting, building B"),
    ("p", "Lyon, 24 January 2025. Present: the site manager, the safety officer and the architect."),
    ("h2", "Roof"),
    (
        "p",
        "The roof of building B is renewed between 16 June and 29 August 2025. Bench 5 moves to hall C for that time.",
    ),
    ("h2", "Decisions"),
    ("-", "The scaffolding stands on the north side only."),
    ("-", "Deliveries use gate 3 while gate 1 is blocked."),
    ("h2", "Noise"),
    (
        "t",
        (
            ("Work", "Hours", "Longest noise"),
            ("Drilling", "07:30 to 09:00", "85 dB"),
            ("Cutting", "17:00 to 18:30", "92 dB"),
        ),
    ),
)
MOBILITY_PLAN: tuple[Block, ...] = (
    ("h1", "Plan de mobilité du site de Lyon"),
    ("p", "Ce plan décrit les moyens de venir au site de Vaise. Il est revu chaque année en mars."),
    ("h2", "Atelier vélo"),
    ("1", "Prendre rendez-vous sur la feuille affichée à l'accueil."),
    ("1", "Déposer le vélo le mardi avant 9 h 30."),
    ("1", "Le reprendre le jour même à partir de 16 h."),
    ("h2", "Navette"),
    ("p", "Une navette relie la gare de Vaise au site toutes les 20 minutes entre 7 h 10 et 9 h 10."),
    (
        "t",
        (
            ("Arrêt", "Premier départ", "Dernier départ"),
            ("Gare de Vaise", "7 h 10", "9 h 10"),
            ("Site", "16 h 40", "18 h 40"),
        ),
    ),
)
SPONSORSHIP: tuple[Block, ...] = (
    ("h1", "Sponsorship and donations"),
    ("h2", "Who decides"),
    ("p", "Gifts to associations up to 750 EUR are decided by the site manager; above that, the committee for donations meets in May and November."),
    ("h2", "What we support"),
    ("-", "Clubs and schools within 40 km of a site."),
    ("-", "Water projects, with an instrument on loan rather than money."),
    ("h2", "Budget"),
    ("t", (("Site", "Budget 2025", "Contact"), ("Lyon", "9,000 EUR", "4242"), ("Leeds", "5,500 GBP", "5242"))),
)  # fmt: skip


def word_document(blocks: tuple[Block, ...], footer: str) -> Any:
    """A Word document with a running header and footer."""
    document = Document()
    document.sections[0].header.paragraphs[0].text = "Orvellan Instruments"
    document.sections[0].footer.paragraphs[0].text = footer
    document.core_properties.title = ""
    styles = {"h1": "Heading 1", "h2": "Heading 2", "p": "Normal", "-": "List Bullet", "1": "List Number"}
    for kind, content in blocks:
        if kind != "t":
            document.add_paragraph(content, style=styles[kind])
            continue
        table = document.add_table(rows=0, cols=len(content[0]), style="Table Grid")
        for row in content:
            for cell, text in zip(table.add_row().cells, row, strict=True):
                cell.text = text
    return document


BOOK = (
    ("Choosing the place", "<h1>Choosing the place</h1><p>Fit the Brévent 40 with at least <b>five pipe diameters</b> of straight pipe before it and two behind it.</p><p>Never fit it at the highest point of the line, where air collects.</p>"),
    ("First start", "<h1>First start</h1><ol><li>Fill the pipe slowly.</li><li>Hold the key <i>ZERO</i> for eight seconds.</li><li>Wait until the green light is steady.</li></ol><table><tr><th>Light</th><th>Meaning</th></tr><tr><td>Green, steady</td><td>Measuring</td></tr><tr><td>Amber, blinking</td><td>Pipe not full</td></tr><tr><td>Red</td><td>Electrode fault, call 6130</td></tr></table>"),
)  # fmt: skip


def write_epub(path: Path) -> None:
    """A book of two chapters."""
    page = '<?xml version="1.0" encoding="utf-8"?>\n<html xmlns="http://www.w3.org/1999/xhtml"><head><title>{}</title></head><body>{}</body></html>'
    items = "".join(
        f'<item id="c{n}" href="c{n}.xhtml" media-type="application/xhtml+xml"/>' for n in range(len(BOOK))
    )
    spine = "".join(f'<itemref idref="c{n}"/>' for n in range(len(BOOK)))
    links = "".join(f'<li><a href="c{n}.xhtml">{title}</a></li>' for n, (title, _) in enumerate(BOOK))
    package = (
        '<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="id">brevent-40-guide</dc:identifier>'
        "<dc:title>Field guide to the Brévent 40</dc:title><dc:language>en</dc:language></metadata><manifest>"
        f'<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>{items}</manifest>'
        f'<spine><itemref idref="nav"/>{spine}</spine></package>'
    )
    container = (
        '<?xml version="1.0"?><container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
        '<rootfiles><rootfile full-path="OEBPS/content.opf" media-type="application/oebps-package+xml"/></rootfiles>'
        "</container>"
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        book.writestr("META-INF/container.xml", container)
        book.writestr("OEBPS/content.opf", package)
        book.writestr(
            "OEBPS/nav.xhtml",
            page.format(
                "Contents",
                f'<nav xmlns:epub="http://www.idpf.org/2007/ops" epub:type="toc"><ol>{links}</ol></nav>',
            ),
        )
        for number, (title, body) in enumerate(BOOK):
            book.writestr(f"OEBPS/c{number}.xhtml", page.format(title, body))


# -------------------------------------------------------------------------------------------- scans

Lines = tuple[tuple[str, int], ...]

LIFT: Lines = (
    ("Goods lift, hall C", 54),
    ("", 30),
    ("The goods lift carries 1,250 kg at most. Only people with", 34),
    ("the card GL-2 may use it. The yearly inspection is due", 34),
    ("on 12 May 2025; the lift is closed that day.", 34),
)
SERVICE_NOTE: tuple[Lines, ...] = (
    (
        ("Note de service", 54),
        ("", 30),
        ("À partir du lundi 3 mars 2025, le portail sud ferme à 19 h 15.", 34),
        ("Après cette heure, on sort par l'accueil.", 34),
    ),
    (
        ("Consignes de chauffage", 54),
        ("", 30),
        ("La température des bureaux est réglée à 19,5 °C. Le chauffage", 34),
        ("d'appoint électrique est interdit.", 34),
    ),
)
KEY_BOARD: Lines = (("Keys", 50), ("The spare key of the Leeds archive hangs in cabinet K-17.", 34))
FIRST_AID: Lines = (
    ("First aid", 50),
    ("The defibrillator in Québec is beside the coffee corner, floor 2.", 34),
)
RADIO: Lines = (("Radio check", 50), ("Channel 4 is tested each Thursday at 08:45 in Leeds.", 34))
WASTE: Lines = (("Déchets", 50), ("Les piles usagées vont dans le bac rouge du local R-08.", 34))
INSPECTION_TABLE = (
    ("Compressor", "Hours run", "Oil changed", "Next visit"),
    ("C-1", "8,412", "2024-11-05", "2025-05-05"),
    ("C-2", "3,970", "2025-01-13", "2025-07-13"),
)


def drawn(lines: Lines, *, size: tuple[int, int] = (1240, 560)) -> Image.Image:
    """A black and white picture of lines of text, with their sizes in pixels."""
    image = Image.new("L", size, 255)
    pen = ImageDraw.Draw(image)
    top = 60
    for text, height in lines:
        pen.text((80, top), text, font=ImageFont.truetype(SCAN_FONT, height), fill=0)
        top += round(height * 1.5)
    return image


def drawn_table() -> Image.Image:
    """A ruled table, slightly turned as scans are."""
    image = Image.new("L", (1300, 520), 255)
    pen = ImageDraw.Draw(image)
    font = ImageFont.truetype(SCAN_FONT, 32)
    pen.text((80, 50), "Compressors of building B, inspection of 20 January 2025", font=font, fill=0)
    for number, row in enumerate(INSPECTION_TABLE):
        for column, text in enumerate(row):
            left, top = 80 + 280 * column, 140 + 90 * number
            pen.rectangle((left, top, left + 280, top + 90), outline=0, width=3)
            pen.text((left + 18, top + 26), text, font=font, fill=0)
    return image.rotate(0.2, fillcolor=255, resample=Image.Resampling.BICUBIC)


def write_mixed_pdf(path: Path) -> None:
    """Two pages: one with text, one scanned."""
    canvas = Canvas(str(path), pagesize=A5, invariant=True)
    width, height = A5
    canvas.setTitle("Compressed air, report 2025")
    canvas.setFont("Helvetica-Bold", 16)
    canvas.drawString(40, height - 70, "Compressed air, report 2025")
    canvas.setFont("Helvetica", 10)
    for number, line in enumerate(
        (
            "The compressors of building B feed the benches at 9.5 bar. Leaks cost",
            "us about 14% of the air in 2024. The scan of the inspection follows.",
        )
    ):
        canvas.drawString(40, height - 105 - 14 * number, line)
    canvas.showPage()
    picture = BytesIO()
    drawn_table().point(lambda grey: 255 * (grey > 128)).convert("1").save(picture, "PNG")
    canvas.drawImage(ImageReader(picture), 10, height - 190, width - 20, (width - 20) * 520 / 1300)
    canvas.save()


# -------------------------------------------------------------------------------------------- files


def write_all() -> None:
    """Write every file."""
    FORMATS.mkdir(exist_ok=True)
    spare_parts().save(FORMATS / "spare-parts.xlsx")
    with (FORMATS / "vehicules.csv").open("w", encoding="cp1252", newline="") as file:
        csv.writer(file, delimiter=";").writerows(VEHICLES)
    with (FORMATS / "room-sensors.tsv").open("w", encoding="utf-16", newline="") as file:
        csv.writer(file, delimiter="\t").writerows(ROOM_SENSORS)
    quarterly_review().save(FORMATS / "quarterly-review.pptx")
    write_epub(FORMATS / "brevent-40-guide.epub")
    write_mixed_pdf(FORMATS / "compressed-air.pdf")
    drawn(LIFT).convert("1").save(FORMATS / "goods-lift.png", optimize=True)
    pages = [drawn(lines).convert("1") for lines in SERVICE_NOTE]
    pages[0].save(
        FORMATS / "note-de-service.tif",
        save_all=True,
        append_images=pages[1:],
        compression="group4",
        dpi=(150, 150),
    )
    drawn(KEY_BOARD, size=(1300, 260)).save(FORMATS / "key-board.jpg", quality=60)
    drawn(FIRST_AID, size=(1280, 230)).convert("1").save(FORMATS / "first-aid.bmp")
    drawn(RADIO, size=(1300, 260)).convert("1").save(FORMATS / "radio-check.gif")
    drawn(WASTE, size=(1300, 260)).save(FORMATS / "dechets.webp", quality=40)
    with TemporaryDirectory() as folder:
        write_converted(Path(folder))


def write_converted(folder: Path) -> None:
    """The formats that LibreOffice writes."""
    for name, made, suffix, wanted in (
        ("loan-pool", loan_pool(), "xlsx", "xls"),
        ("restaurant-vaise", canteen_prices(), "xlsx", "ods"),
        ("test-bench-water", meter_readings(), "xlsx", "xlsm"),
        ("visitor-briefing", visitor_briefing(), "pptx", "ppt"),
        ("works-minutes", word_document(WORKS_MINUTES, "BAT-114, page"), "docx", "doc"),
        ("plan-de-mobilite", word_document(MOBILITY_PLAN, "RH-033, page"), "docx", "odt"),
        ("sponsorship", word_document(SPONSORSHIP, "COM-009, page"), "docx", "rtf"),
    ):
        source = folder / f"{name}.{suffix}"
        made.save(str(source))
        command = ["soffice", "--headless", "--convert-to", wanted, "--outdir", str(FORMATS), str(source)]
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - a fixed program
    leave_out_preview(FORMATS / "visitor-briefing.ppt")


def leave_out_preview(path: Path) -> None:
    """Write a compound file again without its properties: LibreOffice puts a picture of 588 kB there.

    The plainest form that [MS-CFB] allows: one table of sectors, and no stream so short that it would need a
    second one.
    """
    with olefile.OleFileIO(str(path)) as old:
        streams = {
            name: old.openstream(name).read().ljust(SHORTEST_STREAM, b"\0")
            for name in ("Current User", "PowerPoint Document")
        }
    table, body, entries = [], b"", [_entry("Root Entry", 5, child=1)]
    for number, (name, content) in enumerate(streams.items(), start=1):
        start, count = len(table), -(-len(content) // SECTOR)
        table += [*range(start + 1, start + count), END_OF_CHAIN]
        body += content.ljust(count * SECTOR, b"\0")
        right = number + 1 if number < len(streams) else NO_ENTRY
        entries.append(_entry(name, 2, right=right, start=start, size=len(content)))
    directory = len(table)
    table += [END_OF_CHAIN, SECTOR_OF_TABLE]
    table += [FREE] * (SECTOR // 4 - len(table))
    head = struct.pack(
        "<8s16xHHHHH6xIIIIIIIII109I",
        *(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6),
        *(0, 1, directory, 0, SHORTEST_STREAM, END_OF_CHAIN, 0, END_OF_CHAIN, 0),
        *(directory + 1, *[FREE] * 108),
    )
    entries += [_entry("", 0)] * (4 - len(entries))
    path.write_bytes(head + body + b"".join(entries) + struct.pack(f"<{len(table)}I", *table))


def _entry(
    name: str, kind: int, *, right: int = 0xFFFFFFFF, child: int = 0xFFFFFFFF, start: int = 0, size: int = 0
) -> bytes:
    written = name.encode("utf-16-le")
    length = len(written) + 2 if name else 0
    return struct.pack("<64sHBBIII36xIII", written, length, kind, 1, NO_ENTRY, right, child, start, size, 0)


if __name__ == "__main__":
    write_all()
    for path in sorted(FORMATS.iterdir()):
        print(f"{path.stat().st_size:7,} {path.name}")
