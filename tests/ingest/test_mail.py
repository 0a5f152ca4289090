"""Mails: who, when, about what; their text; and each attachment as a document of its own."""

from __future__ import annotations

import io
from email.message import EmailMessage
from pathlib import Path

import pytest
from docx import Document

from ingest.parsing.eml import parse_eml
from ingest.parsing.process import ParserPool
from ingest.stages import BlockKind
from rag.errors import SourceError
from samples.make_mails import compound_file, outlook_object
from tests.ingest.conftest import read_whole, refuse
from tests.ingest.formats import FORMATS


def invitation() -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "René Dupont <rene@example.org>"
    mail["To"] = '"Low, Ann" <ann@example.org>, bob@example.org'
    mail["Date"] = "Mon, 03 Mar 2025 09:30:00 +0100"
    mail["Subject"] = "Déménagement à Lyon"
    mail.set_content("Le déménagement a lieu le 12 mai.")
    return mail


def word_bytes(text: str) -> bytes:
    buffer = io.BytesIO()
    document = Document()
    document.add_paragraph(text)
    document.save(buffer)
    return buffer.getvalue()


def texts(data: bytes) -> list[str]:
    return [block.text for block in parse_eml(data).blocks]


def test_a_mail_says_who_when_and_about_what() -> None:
    parsed = parse_eml(invitation().as_bytes())
    assert parsed.title == "Déménagement à Lyon"
    assert parsed.metadata == {
        "from": "René Dupont <rene@example.org>",
        "to": "Low, Ann <ann@example.org>, bob@example.org",
        "date": "2025-03-03T09:30:00+01:00",
        "subject": "Déménagement à Lyon",
    }
    assert [block.text for block in parsed.blocks] == [
        "From: René Dupont <rene@example.org> · To: Low, Ann <ann@example.org>, bob@example.org · "
        "Date: 2025-03-03 09:30 · Subject: Déménagement à Lyon",
        "Le déménagement a lieu le 12 mai.",
    ]


def test_html_is_preferred_since_it_keeps_tables_apart() -> None:
    mail = invitation()
    mail.add_alternative(
        "<p>Les prix :</p>"
        "<table><tr><th>Ville</th><th>Prix</th></tr><tr><td>Lyon</td><td>5</td></tr></table>",
        subtype="html",
    )
    rows = [block.text for block in parse_eml(mail.as_bytes()).blocks if block.kind is BlockKind.TABLE_ROW]
    assert rows == ["Ville | Prix", "Lyon | 5"]


def test_attachments_and_forwarded_mails_are_documents_of_their_own(
    parsers: ParserPool, tmp_path: Path
) -> None:
    inner = invitation()
    inner.add_attachment(b"city,rooms\nLyon,12\nLeeds,9\n", maintype="text", subtype="csv", filename="r.csv")
    outer = EmailMessage()
    outer["From"], outer["Subject"] = "Bob", "Fwd"
    outer.set_content("See below.")
    outer.add_attachment(inner)
    outer.add_attachment(
        word_bytes("Rooms cost 90 pounds."), maintype="application", subtype="octet-stream", filename="a.docx"
    )
    outer.add_attachment(b"ID3", maintype="audio", subtype="mpeg", filename="song.mp3")
    file = tmp_path / "fwd.eml"
    file.write_bytes(outer.as_bytes())

    read = read_whole(parsers, file)

    assert {document.part: document.title for document in read.documents} == {
        "": "Fwd",
        "Déménagement à Lyon.eml": "Déménagement à Lyon",
        "Déménagement à Lyon.eml/r.csv": "R",
        "a.docx": "A",
    }
    assert len({document.sha256 for document in read.documents}) == 1
    assert [(failure.path, failure.code) for failure in read.failures] == [
        ("fwd.eml!/song.mp3", "unsupported_type")
    ]


def test_logos_and_signatures_are_no_attachments() -> None:
    mail = invitation()
    mail.add_alternative("<p>Bonjour <img src='cid:logo'></p>", subtype="html")
    mail.get_payload()[1].add_related(b"\x89PNG", maintype="image", subtype="png", cid="<logo>")
    mail.add_attachment(b"sig", maintype="application", subtype="pkcs7-signature", filename="smime.p7s")
    assert parse_eml(mail.as_bytes()).embedded == ()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/cron.d/evil.txt", "etc/cron.d/evil.txt"),
        ("C:\\Users\\ann\\notes.txt", "Users/ann/notes.txt"),
        ("/etc/passwd.txt", "etc/passwd.txt"),
        ("a\u202etxt.exe.txt", "atxt.exe.txt"),
    ],
)
def test_an_attachments_name_is_only_a_name(
    parsers: ParserPool, tmp_path: Path, name: str, shown: str
) -> None:
    mail = invitation()
    mail.add_attachment(b"Some words.", maintype="text", subtype="plain", filename=name)
    file = tmp_path / "mail.eml"
    file.write_bytes(mail.as_bytes())
    assert [document.part for document in read_whole(parsers, file).documents] == ["", shown]
    assert [path.name for path in tmp_path.iterdir()] == ["mail.eml"]


@pytest.mark.parametrize(
    ("charset", "body", "read"),
    [
        ("utf-8", b"Le caf\xe9 est \x93ouvert\x94 le dimanche.", "Le café est “ouvert” le dimanche."),
        ("us-ascii", "Le café est ouvert.".encode(), "Le café est ouvert."),
        ("iso-2022-jp", "日本語".encode("iso-2022-jp"), "日本語"),
        ("x-unknown", "Le café est ouvert.".encode(), "Le café est ouvert."),
    ],
)
def test_a_wrong_or_unusual_charset_is_seen_through(charset: str, body: bytes, read: str) -> None:
    head = (
        f"From: a\r\nSubject: =?x-unknown?Q?caf=E9?=\r\nContent-Type: text/plain; charset={charset}\r\n\r\n"
    )
    assert texts(head.encode() + body)[-1] == read
    assert parse_eml(head.encode() + body).title == "café"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"just some words\n", "damaged_file"),
        (b"From: a\nContent-Type: multipart/encrypted; boundary=x\n\n--x\n\n--x--", "encrypted_file"),
        (
            b"From: a\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nMIIB",
            "encrypted_file",
        ),
        (b"From: a\n\n-----BEGIN PGP MESSAGE-----\nhQEM\n-----END PGP MESSAGE-----\n", "encrypted_file"),
        (
            b"From: a\n"
            + b"".join(
                b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(3000)
            ),
            "nested_too_deep",
        ),
    ],
)
def test_a_mail_that_cannot_be_read_says_why(data: bytes, code: str) -> None:
    with pytest.raises(SourceError) as caught:
        parse_eml(data)
    assert caught.value.source_code == code


def test_an_outlook_mail_is_read_with_its_attachment(parsers: ParserPool) -> None:
    own, attached = read_whole(parsers, FORMATS / "inspection-toiture.msg").documents
    assert own.title == "Inspection de la toiture du bâtiment C"
    assert own.metadata == {
        "from": "Élodie Varenne <elodie.varenne@orvellan.example>",
        "to": "batiment-c@orvellan.example",
        "date": "2025-01-30T16:05:00+01:00",
        "subject": "Inspection de la toiture du bâtiment C",
    }
    assert "Merci de libérer les places de parking P-21 à P-34." in own.text
    assert (attached.part, attached.language) == ("intervention.txt", "fr")


def test_an_outlook_mail_inside_another_is_a_mail_again(parsers: ParserPool, tmp_path: Path) -> None:
    text = 0x1F
    note = {(0x3701, 0x102): b"Some words.", (0x3705, 3): 1, (0x3707, text): "note.txt"}
    inner = {
        **outlook_object(
            {
                (0x001A, text): "IPM.Note",
                (0x0037, text): "Émargement / mai",
                (0x0C1A, text): "Ann Low",
                (0x0C1F, text): "ann@example.org",
                (0x1000, text): "La réunion est le 5 mai.",
            },
            bytes(24),
        ),
        "__attach_version1.0_#00000000": outlook_object(note, bytes(8)),
    }
    outer = {
        **outlook_object(
            {(0x001A, text): "IPM.Note", (0x0037, text): "Fwd", (0x1000, text): "Below."}, bytes(32)
        ),
        "__attach_version1.0_#00000000": {
            **outlook_object({(0x3705, 3): 5, (0x3001, text): "x"}, bytes(8)),
            "__substg1.0_3701000D": inner,
        },
    }
    file = tmp_path / "fwd.msg"
    file.write_bytes(compound_file(outer))

    documents = {document.part: document for document in read_whole(parsers, file).documents}

    assert list(documents) == ["", "Émargement - mai.eml", "Émargement - mai.eml/note.txt"]
    assert documents["Émargement - mai.eml"].text.endswith("La réunion est le 5 mai.")
    assert documents["Émargement - mai.eml"].metadata["from"] == "Ann Low <ann@example.org>"


def test_a_file_that_is_no_outlook_mail_is_damaged(parsers: ParserPool, tmp_path: Path) -> None:
    file = tmp_path / "mail.msg"
    file.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 2000)
    assert refuse(parsers, file).code == "damaged_file"
