"""Build the mails, archives and marked-up texts of ``samples/formats``.

The outputs are committed, so this is only needed after a text below has changed:

    pip install python-docx
    python samples/make_mails.py
"""

# ruff: noqa: E501 - sentences and markup stay whole
from __future__ import annotations

import gzip
import io
import json
import struct
import zipfile
from email.message import EmailMessage
from pathlib import Path

from docx import Document

FORMATS = Path(__file__).resolve().parent / "formats"
MADE_ON = (2025, 1, 20, 9, 0, 0)

Tree = dict[str, "bytes | Tree"]

# -------------------------------------------------------------------------------------------- mails


def kiosk_order() -> bytes:
    """A mail with an HTML body, a table attached as CSV and a Word document."""
    mail = EmailMessage()
    mail["From"] = "Camille Astier <camille.astier@orvellan.example>"
    mail["To"] = "Priya Doss <priya.doss@orvellan.example>, facilities@orvellan.example"
    mail["Date"] = "Mon, 20 Jan 2025 08:42:00 +0100"
    mail["Subject"] = "Visitor kiosk for the Leeds reception – order KI-311"
    mail["Message-ID"] = "<ki-311@orvellan.example>"
    mail.set_content("The kiosk for the Leeds reception arrives on 4 March 2025.")
    mail.add_alternative(
        "<p>Hello Priya,</p><p>the kiosk for the Leeds reception arrives on <b>4 March 2025</b>. "
        "The old badge printer goes back to the supplier the same day.</p>"
        "<p>The prices are in the table, the wiring in the Word document.</p><p>Camille</p>",
        subtype="html",
    )
    mail.add_attachment(
        b"Item,Quantity,Price EUR\r\nKiosk with camera,1,2480.00\r\nBadge roll of 500,6,31.50\r\nFloor stand,1,190.00\r\n",
        maintype="text",
        subtype="csv",
        filename="kiosk-prices.csv",
    )
    mail.add_attachment(
        word_document("Wiring of the kiosk", "The kiosk needs socket S-14 and network port N-207."),
        maintype="application",
        subtype="vnd.openxmlformats-officedocument.wordprocessingml.document",
        filename="kiosk-wiring.docx",
    )
    for part, mark in zip(mail.walk(), "abcdefgh", strict=False):
        if part.is_multipart():
            part.set_boundary(f"=====orvellan-{mark}=====")
    return mail.as_bytes()


def word_document(title: str, sentence: str) -> bytes:
    """A heading and a paragraph."""
    document, buffer = Document(), io.BytesIO()
    document.add_heading(title, level=1)
    document.add_paragraph(sentence)
    document.save(buffer)
    return buffer.getvalue()


def roof_inspection() -> bytes:
    """An Outlook mail in French with a text attached."""
    text = (
        "Bonjour à tous,\r\n\r\nla toiture du bâtiment C sera inspectée le jeudi 13 février 2025 à partir de 7 h 30.\r\n\r\n"
        "Merci de libérer les places de parking P-21 à P-34.\r\n\r\nÉlodie"
    )
    headers = (
        "From: =?utf-8?q?=C3=89lodie_Varenne?= <elodie.varenne@orvellan.example>\r\n"
        "To: batiment-c@orvellan.example\r\nDate: Thu, 30 Jan 2025 16:05:00 +0100\r\n"
    )
    properties = {
        (0x001A, 0x1F): "IPM.Note",
        (0x0037, 0x1F): "Inspection de la toiture du bâtiment C",
        (0x007D, 0x1F): headers,
        (0x0C1A, 0x1F): "Élodie Varenne",
        (0x0C1F, 0x1F): "elodie.varenne@orvellan.example",
        (0x1000, 0x1F): text,
    }
    recipient = {(0x3001, 0x1F): "Bâtiment C", (0x39FE, 0x1F): "batiment-c@orvellan.example"}
    attachment = {
        (0x3701, 0x102): "L'entreprise Toits du Rhône intervient avec une nacelle de 18 mètres.\r\n".encode(),
        (0x3705, 0x03): 1,
        (0x3707, 0x1F): "intervention.txt",
        (0x370E, 0x1F): "text/plain",
    }
    root = struct.pack("<8xIIII8x", 1, 1, 1, 1)
    return compound_file(
        {
            **outlook_object(properties, root),
            "__nameid_version1.0": {f"__substg1.0_000{number}0102": b"" for number in (2, 3, 4)},
            "__recip_version1.0_#00000000": outlook_object(recipient, bytes(8)),
            "__attach_version1.0_#00000000": outlook_object(attachment, bytes(8)),
        }
    )


def outlook_object(properties: dict[tuple[int, int], str | bytes | int], head: bytes) -> Tree:
    """The streams of a message, recipient or attachment, after [MS-OXMSG]."""
    streams: Tree = {}
    table = head
    for (number, kind), value in properties.items():
        if isinstance(value, int):
            table += struct.pack("<HHIII", kind, number, 6, value, 0)
            continue
        content = value.encode("utf-16-le") if isinstance(value, str) else value
        length = len(content) + 2 * (kind == 0x1F)
        table += struct.pack("<HHIII", kind, number, 6, length, 0)
        streams[f"__substg1.0_{number:04X}{kind:04X}"] = content
    return {"__properties_version1.0": table, **streams}


# ----------------------------------------------------------------------- compound files, [MS-CFB]

SECTOR, SMALL_SECTOR, SHORTEST_STREAM = 512, 64, 4096
FREE, END_OF_CHAIN, SECTOR_OF_TABLE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
ROOT, STREAM, STORAGE = 5, 2, 1


def compound_file(tree: Tree) -> bytes:
    """A compound file of streams that are all short, up to some fifty kilobytes."""
    small_streams, entries = _SmallStreams(), [b""]
    first = _entries(tree, entries, small_streams)
    table: list[int] = []
    body = b""

    def stored(content: bytes, filler: bytes = b"\0") -> int:
        nonlocal body
        start, count = len(table), -(-len(content) // SECTOR)
        table.extend([*range(start + 1, start + count), END_OF_CHAIN])
        body += content + filler * (count * SECTOR - len(content))
        return start

    start = stored(small_streams.body)
    entries[0] = _entry("Root Entry", ROOT, child=first, start=start, size=len(small_streams.body))
    entries += [_entry("", 0)] * (-len(entries) % 4)
    directory = stored(b"".join(entries))
    packed = struct.pack(f"<{len(small_streams.table)}I", *small_streams.table)
    small_count = -(-len(packed) // SECTOR)
    small = stored(packed, b"\xff")
    table.append(SECTOR_OF_TABLE)
    head = struct.pack(
        "<8s16xHHHHH6xIIIIIIIII109I",
        *(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6),
        *(0, 1, directory, 0, SHORTEST_STREAM, small, small_count, END_OF_CHAIN, 0),
        *(len(table) - 1, *[FREE] * 108),
    )
    table += [FREE] * (SECTOR // 4 - len(table))
    return head + body + struct.pack(f"<{len(table)}I", *table)


class _SmallStreams:
    """Where streams under 4 KiB are kept together."""

    def __init__(self) -> None:
        self.body = b""
        self.table: list[int] = []

    def stored(self, content: bytes) -> int:
        if not content:
            return END_OF_CHAIN
        start, count = len(self.table), -(-len(content) // SMALL_SECTOR)
        self.table += [*range(start + 1, start + count), END_OF_CHAIN]
        self.body += content.ljust(count * SMALL_SECTOR, b"\0")
        return start


def _entries(tree: Tree, entries: list[bytes], small: _SmallStreams) -> int:
    """Directory entries of a storage's children, each the right neighbour of the one before."""
    names = sorted(tree, key=lambda name: (len(name), name.upper()))
    numbers = range(len(entries), len(entries) + len(names))
    entries += [b""] * len(names)
    for number, name in zip(numbers, names, strict=True):
        right = number + 1 if number < numbers[-1] else FREE
        content = tree[name]
        if isinstance(content, bytes):
            start = small.stored(content)
            entries[number] = _entry(name, STREAM, right=right, start=start, size=len(content))
        else:
            entries[number] = _entry(name, STORAGE, right=right, child=_entries(content, entries, small))
    return numbers[0]


def _entry(
    name: str, kind: int, *, right: int = FREE, child: int = FREE, start: int = 0, size: int = 0
) -> bytes:
    written = name.encode("utf-16-le")
    length = len(written) + 2 if name else 0
    return struct.pack("<64sHBBIII36xIII", written, length, kind, 1, FREE, right, child, start, size, 0)


# ----------------------------------------------------------------------------- archives and markup


def site_notices() -> bytes:
    """Two documents in folders, and what a Mac adds."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (
            (
                "leeds/water.md",
                "# Water cut in Leeds\n\nOn 22 February 2025 there is no water on floor 3 from 06:00 to 11:00.\n",
            ),
            (
                "lyon/bruit.html",
                "<html><head><title>Travaux bruyants à Lyon</title></head><body><p>Le perçage du mur nord a lieu du 3 au 7 mars 2025, "
                "chaque matin avant 9 heures.</p></body></html>",
            ),
            ("__MACOSX/leeds/._water.md", "\0\0"),
        ):
            archive.writestr(zipfile.ZipInfo(name, MADE_ON), text)
    return buffer.getvalue()


LAB_DOORS = """\
Doors of the laboratory
=======================

:Author: Facilities
:Version: 7

.. include:: ../questions.jsonl

Codes
-----

The laboratory has three doors.

=====  ==================  ==============
Door   Leads to            Opens with
=====  ==================  ==============
L-1    Gas store           Key 44
L-2    Balance room        Badge, level 3
L-3    Loading bay         Badge, level 2
=====  ==================  ==============

.. note::

   Door L-1 is closed from 18:00 on, also for badges of level 3.

Alarms
------

1. Press the red button beside the door.
2. Call extension 6120.
"""

SHIFT_HANDOVER = """\
#+TITLE: Passation d'équipe à l'atelier
#+AUTHOR: Atelier de Lyon
#+INCLUDE: "../questions.jsonl"

* Avant de partir :atelier:
:PROPERTIES:
:ID: 88
:END:
L'équipe du matin remet le *carnet vert* à l'équipe de l'après-midi à 13 h 50.

- [ ] Purger le circuit d'air du banc B3.
- [ ] Noter la pression dans le carnet.

* Seuils
| Banc | Pression minimale | Pression maximale |
|------+-------------------+-------------------|
| B3   | 5,5 bar           | 7,2 bar           |
| B6   | 4,0 bar           | 6,1 bar           |

#+BEGIN_SRC sh
journal --atelier lyon --banc B3
#+END_SRC
"""

SUPPLIERS = """\
<?xml version="1.0" encoding="UTF-8"?>
<suppliers updated="2025-01-15">
  <title>Approved suppliers</title>
  <supplier><name>Ferrand Joints</name><goods>Seals</goods><leadTime>12 days</leadTime><rating>A</rating></supplier>
  <supplier><name>Harrow Castings</name><goods>Pump housings</goods><leadTime>45 days</leadTime><rating>B</rating></supplier>
  <supplier><name>Boréal Câble</name><goods>Signal cable</goods><leadTime>20 days</leadTime><rating>A</rating></supplier>
</suppliers>
"""

MEETING_ROOMS = {
    "title": "Meeting rooms in Québec",
    "booking": {"opens": "08:00", "longest": "4 hours", "contact": "extension 7045"},
    "rooms": [
        {"room": "Tadoussac", "seats": 14, "screen": True, "floor": 2},
        {"room": "Gaspé", "seats": 6, "screen": False, "floor": 2},
        {"room": "Saguenay", "seats": 22, "screen": True, "floor": 4},
    ],
    "equipment": ["flip chart", "speakerphone", "HDMI cable"],
}

IT_TICKETS = (
    {
        "ticket": "IT-9014",
        "subject": "Scanner in Lyon prints blank pages",
        "solution": "Clean the glass strip with the blue cloth.",
        "minutes": 10,
    },
    {
        "ticket": "IT-9027",
        "subject": "VPN asks for the password twice",
        "solution": "Remove the saved profile ORV-OLD.",
        "minutes": 5,
    },
    {
        "ticket": "IT-9033",
        "subject": "Projector in Tadoussac stays dark",
        "solution": "Hold the power button for eight seconds.",
        "minutes": 2,
    },
)

LOCKER_RULES = "# Lockers in Leeds\n\nA locker is emptied when its renter has not paid for 60 days.\n"


def write_all() -> None:
    """Every file, under its name."""
    FORMATS.mkdir(exist_ok=True)
    for name, content in {
        "kiosk-order.eml": kiosk_order(),
        "inspection-toiture.msg": roof_inspection(),
        "site-notices.zip": site_notices(),
        "lockers.md.gz": gzip.compress(LOCKER_RULES.encode(), mtime=0),
        "lab-doors.rst": LAB_DOORS.encode(),
        "passation.org": SHIFT_HANDOVER.encode(),
        "suppliers.xml": SUPPLIERS.encode(),
        "meeting-rooms.json": json.dumps(MEETING_ROOMS, ensure_ascii=False, indent=2).encode(),
        "it-tickets.jsonl": "".join(json.dumps(each) + "\n" for each in IT_TICKETS).encode(),
    }.items():
        (FORMATS / name).write_bytes(content)


if __name__ == "__main__":
    write_all()
