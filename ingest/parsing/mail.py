"""Mails as ``.eml`` files, with the standard library; what every mail format has in common."""

from __future__ import annotations

import io
import mimetypes
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from email.errors import HeaderParseError
from email.generator import BytesGenerator
from email.header import decode_header
from email.message import Message
from email.utils import parsedate_to_datetime

from ingest.parsing.archive import bounded
from ingest.parsing.encoding import decode
from ingest.parsing.html import html_blocks
from ingest.parsing.table import file_type, suffix_of
from ingest.parsing.text import text_blocks
from ingest.stages import BlockKind, EmbeddedFile, ParsedBlock, ParsedDocument
from rag.errors import SourceError

_TELLING_HEADERS = ("from", "to", "subject", "date", "received", "message-id", "content-type")
_UNWORDED = frozenset(
    {"application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature"}
)
_SEALED = frozenset({"multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"})
_QUOTED_NAME = re.compile(r"""^(["'])([^"'<>]+)\1(?=\s*<)""")
_PGP_BODY = re.compile(r"^-----BEGIN PGP MESSAGE-----$", re.MULTILINE)
_STATEFUL = re.compile(r"^(?:iso-?2022|hz|utf-?7)", re.IGNORECASE)
_DECORATION_BYTES = 128 * 1024  # logos and the like; a bigger picture in the text may be a scan
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


def parse_eml(data: bytes) -> ParsedDocument:
    """A mail and, as embedded files, its attachments.

    Raises:
        SourceError: ``encrypted_file``, ``damaged_file`` or ``nested_too_deep``.
    """
    try:
        message = message_from_bytes(data.lstrip(), policy=policy.compat32)
        if not any(name in message for name in _TELLING_HEADERS):
            raise SourceError("damaged_file", "This is no mail: its headers are missing; export it again.")
        content = _Content()
        content.take(message)
    except RecursionError as exc:
        raise SourceError("nested_too_deep", "The mail's parts are nested too deep to be read.") from exc
    return Mail(
        subject=header(message, "subject"),
        sender=header(message, "from"),
        to=addresses(message, "to"),
        cc=addresses(message, "cc"),
        date=sent(message),
        body=tuple(content.body),
        attachments=tuple(content.attachments),
    ).document()


@dataclass(slots=True)
class _Content:
    """Text and attachments of a mail's parts, in order."""

    body: list[ParsedBlock] = field(default_factory=list)
    attachments: list[EmbeddedFile] = field(default_factory=list)

    def take(self, part: Message) -> None:
        """Take a part and the parts in it."""
        kind = part.get_content_type()
        if kind in _SEALED:
            raise sealed()
        if kind == "message/rfc822":
            self._mail(part)
        elif kind == "multipart/alternative":
            self._best(part)
        elif part.is_multipart():
            for inner in _parts(part):
                self.take(inner)
        elif kind in ("text/plain", "text/html") and not is_attached(part):
            self.body += body_blocks(content(part), part.get_content_charset(), is_html=kind == "text/html")
        else:
            self._attachment(part)

    def _best(self, part: Message) -> None:
        """The richest of the alternatives that says anything: HTML keeps lists and tables apart."""
        for inner in sorted(_parts(part), key=_richness, reverse=True):
            before = len(self.body)
            self.take(inner)
            if len(self.body) > before:
                break

    def _mail(self, part: Message) -> None:
        """A forwarded mail."""
        inner = next(_parts(part), None)
        if inner is not None:
            name = f"{header(inner, 'subject') or 'message'}.eml".replace("/", "-")
            self.attachments.append(
                EmbeddedFile(name=name, read=lambda limit: bounded(as_bytes(inner), limit))
            )

    def _attachment(self, part: Message) -> None:
        name = _decoded(part.get_filename() or "")
        kind = part.get_content_type()
        if kind in _UNWORDED or (
            not name and not is_attached(part) and file_type(typed_name("x", kind)) is None
        ):
            return
        if kind.startswith("image/") and not is_attached(part) and len(content(part)) < _DECORATION_BYTES:
            return
        self.attachments.append(
            EmbeddedFile(
                name=typed_name(name or "attachment", kind), read=lambda limit: bounded(content(part), limit)
            )
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
    return _unquoted(_decoded(_raw(message, name)))


def addresses(message: Message, name: str) -> tuple[str, ...]:
    """The people in a header, as ``Name <address>``, split before encoded words are read."""
    people = re.findall(r'(?:"(?:[^"\\]|\\.)*"|[^,"])+', _raw(message, name))
    return tuple(_unquoted(shown) for person in people if (shown := _decoded(person)))


def sent(message: Message) -> datetime | None:
    """When the mail was sent; ``None`` where its date cannot be read."""
    try:
        return parsedate_to_datetime(_raw(message, "date"))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def content(part: Message) -> bytes:
    """The decoded bytes of a part."""
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def as_bytes(message: Message) -> bytes:
    """The mail as an ``.eml`` file holds it."""
    buffer = io.BytesIO()
    BytesGenerator(buffer, mangle_from_=False, policy=policy.compat32.clone(cte_type="8bit")).flatten(message)
    return buffer.getvalue()


def is_attached(part: Message) -> bool:
    """Whether the part is a file of its own rather than something shown in the text."""
    disposition = part.get_content_disposition()
    return disposition == "attachment" or (
        disposition is None and part.get_filename() is not None and "content-id" not in part
    )


def _parts(part: Message) -> Iterator[Message]:
    payload = part.get_payload()
    if isinstance(payload, list):
        yield from (inner for inner in payload if isinstance(inner, Message))


def _richness(part: Message) -> int:
    kinds = [inner.get_content_type() for inner in part.walk()]
    return 2 if "text/html" in kinds else int("text/plain" in kinds)


def _raw(message: Message, name: str) -> str:
    """The header as it stands, bytes that nobody declared read as text."""
    value = next((str(value) for key, value in message.raw_items() if key.lower() == name), "")
    if any("\udc80" <= character <= "\udcff" for character in value):
        value = _word(value.encode("utf-8", "surrogateescape"), "utf-8")
    return value


def _decoded(value: str) -> str:
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
