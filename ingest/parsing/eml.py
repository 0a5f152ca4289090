"""Mails as ``.eml`` files, with the standard library."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import Message

from ingest.parsing.archive import bounded
from ingest.parsing.mail import (
    Mail,
    addresses,
    as_bytes,
    body_blocks,
    header,
    plain_words,
    sealed,
    sent,
    typed_name,
)
from ingest.parsing.table import file_type
from ingest.stages import EmbeddedFile, ParsedBlock, ParsedDocument
from rag.errors import SourceError

_TELLING_HEADERS = ("from", "to", "subject", "date", "received", "message-id", "content-type")
_UNWORDED = frozenset(
    {"application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature"}
)
_SEALED = frozenset({"multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"})
_DECORATION_BYTES = 128 * 1024  # logos and the like; a bigger picture in the text may be a scan


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
        name = plain_words(part.get_filename() or "")
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


def content(part: Message) -> bytes:
    """The decoded bytes of a part."""
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


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
