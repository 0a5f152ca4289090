"""What every mail format has in common: who wrote to whom, when, about what, and the text."""

from __future__ import annotations

import io
import mimetypes
import re
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.errors import HeaderParseError
from email.generator import BytesGenerator
from email.header import decode_header
from email.message import Message
from email.utils import parsedate_to_datetime

from ingest.parsing.encoding import decode
from ingest.parsing.html import html_blocks
from ingest.parsing.table import file_type, suffix_of
from ingest.parsing.text import text_blocks
from ingest.stages import BlockKind, EmbeddedFile, ParsedBlock, ParsedDocument
from rag.errors import SourceError

_QUOTED_NAME = re.compile(r"""^(["'])([^"'<>]+)\1(?=\s*<)""")
_PGP_BODY = re.compile(r"^-----BEGIN PGP MESSAGE-----$", re.MULTILINE)
_STATEFUL = re.compile(r"^(?:iso-?2022|hz|utf-?7)", re.IGNORECASE)
_SHOWN_PEOPLE = 20
_FIELD_SEPARATOR = " · "


@dataclass(frozen=True, kw_only=True, slots=True)
class Mail:
    """A mail in whatever format it came.

    Attributes:
        date: when it was sent.
        attachments: the files in it, each to become a document of its own.
    """

    subject: str = ""
    sender: str = ""
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    date: datetime | None = None
    body: tuple[ParsedBlock, ...] = ()
    attachments: tuple[EmbeddedFile, ...] = ()

    def document(self) -> ParsedDocument:
        """The mail with a first paragraph that says who wrote to whom, when, and about what."""
        fields = {
            "From": self.sender,
            "To": _people(self.to),
            "Cc": _people(self.cc),
            "Date": self.date.strftime("%Y-%m-%d %H:%M") if self.date else "",
            "Subject": self.subject,
            "Attachments": ", ".join(file.name for file in self.attachments if file.name),
        }
        head = _FIELD_SEPARATOR.join(f"{label}: {value}" for label, value in fields.items() if value)
        metadata = {
            "from": self.sender,
            "to": ", ".join(self.to),
            "cc": ", ".join(self.cc),
            "date": self.date.isoformat() if self.date else "",
            "subject": self.subject,
        }
        return ParsedDocument(
            blocks=(ParsedBlock(kind=BlockKind.PARAGRAPH, text=head), *self.body),
            title=self.subject or None,
            metadata={key: value for key, value in metadata.items() if value},
            embedded=self.attachments,
        )


def body_blocks(data: bytes, charset: str | None, *, is_html: bool) -> list[ParsedBlock]:
    """Blocks of a mail's text. Raises: SourceError ``encrypted_file`` when it is a PGP message."""
    text = _text(data, charset)
    if is_html:
        return list(html_blocks(text))
    if _PGP_BODY.search(text):
        raise sealed()
    return text_blocks(text)


def sealed() -> SourceError:
    """For a mail that only its receivers can open."""
    return SourceError("encrypted_file", "The mail is encrypted; save a decrypted copy, for instance as PDF.")


def header(message: Message, name: str) -> str:
    """A header in plain words; empty when it is missing."""
    return _unquoted(plain_words(_raw(message, name)))


def addresses(message: Message, name: str) -> tuple[str, ...]:
    """The people in a header, as ``Name <address>``, split before encoded words are read."""
    people = re.findall(r'(?:"(?:[^"\\]|\\.)*"|[^,"])+', _raw(message, name))
    return tuple(_unquoted(shown) for person in people if (shown := plain_words(person)))


def sent(message: Message) -> datetime | None:
    """When the mail was sent; ``None`` where its date cannot be read."""
    try:
        return parsedate_to_datetime(_raw(message, "date"))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def as_bytes(message: Message) -> bytes:
    """The mail as an ``.eml`` file holds it."""
    buffer = io.BytesIO()
    BytesGenerator(buffer, mangle_from_=False, policy=policy.compat32.clone(cte_type="8bit")).flatten(message)
    return buffer.getvalue()


def _raw(message: Message, name: str) -> str:
    """The header as it stands, bytes that nobody declared read as text."""
    value = next((str(value) for key, value in message.raw_items() if key.lower() == name), "")
    if any("\udc80" <= character <= "\udcff" for character in value):
        value = _word(value.encode("utf-8", "surrogateescape"), "utf-8")
    return value


def plain_words(value: str) -> str:
    """Encoded words read, each by its own encoding."""
    line = " ".join(value.split())
    try:
        words = decode_header(line)
    except (ValueError, HeaderParseError):  # broken base64
        return line
    return " ".join(
        "".join(word if isinstance(word, str) else _word(word, kind) for word, kind in words).split()
    )


def _word(word: bytes, charset: str | None) -> str:
    """A word of a header; too short to guess an encoding from, so Windows' stands in for an unknown one."""
    try:
        return word.decode(charset or "raw-unicode-escape")
    except (LookupError, UnicodeError):
        return word.decode("cp1252", "replace")


def _unquoted(person: str) -> str:
    return _QUOTED_NAME.sub(r"\2", person)


def _text(data: bytes, charset: str | None) -> str:
    if charset and _STATEFUL.match(charset):  # looks like ASCII, so it would pass for UTF-8
        try:
            return data.decode(charset)
        except (UnicodeDecodeError, LookupError):
            pass
    return decode(data, charset) if data.strip() else ""


def typed_name(name: str, kind: str) -> str:
    """A file's name, with the suffix of its media type where it has none that we know."""
    if suffix_of(name) and file_type(name):
        return name
    suffix = mimetypes.guess_extension(kind) or ""
    return name + suffix if file_type(f"x{suffix}") and suffix else name


def _people(people: tuple[str, ...]) -> str:
    more = len(people) - _SHOWN_PEOPLE
    shown = ", ".join(people[:_SHOWN_PEOPLE])
    return f"{shown} and {more} others" if more > 0 else shown
