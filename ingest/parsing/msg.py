"""Outlook mails (``.msg``) through ``python-oxmsg``."""

from __future__ import annotations

from dataclasses import replace
from email.message import EmailMessage
from email.parser import HeaderParser
from functools import partial
from typing import Any

from oxmsg import Message
from oxmsg.domain import constants as pids

from ingest.parsing.archive import bounded
from ingest.parsing.mail import Mail, addresses, as_bytes, body_blocks, header, sealed, sent, typed_name
from ingest.stages import EmbeddedFile, ParsedBlock, ParsedDocument
from rag.errors import SourceError

_SEALED_NAMES = (".rpmsg", ".p7m", ".pgp-encrypted")
_SEALED_CLASSES = ("IPM.NOTE.SMIME", "IPM.NOTE.SECURE", "IPM.NOTE.RPMSG")
_SHORT_NAME = 0x3704
_IS_HIDDEN = 0x7FFE
_CONTENT_ID = 0x3712
_EMBEDDED_OBJECT = "__substg1.0_3701000D"
_PROPERTIES = "__properties_version1.0"
_INNER_HEAD = 24  # bytes, where the outermost mail has 32
_SIGNATURE_KINDS = ("application/pkcs7-signature", "application/pgp-signature")


def parse_msg(data: bytes) -> ParsedDocument:
    """An Outlook mail and, as embedded files, its attachments.

    Raises:
        SourceError: ``encrypted_file`` or ``damaged_file``.
    """
    try:
        return _mail(Message.load(data)).document()
    except (SourceError, MemoryError):
        raise
    except Exception as exc:  # olefile and oxmsg fail in many ways on a broken file
        raise SourceError(
            "damaged_file", "The Outlook mail is damaged; open it in Outlook and save it again."
        ) from exc


def _mail(message: Any) -> Mail:
    attachments = tuple(_Attachment(each) for each in message.attachments)
    is_sealed = message.message_class.upper().startswith(_SEALED_CLASSES)
    if is_sealed or any(each.name.lower().endswith(_SEALED_NAMES) for each in attachments):
        raise sealed()
    headers = HeaderParser().parsestr(
        message.properties.str_prop_value(pids.PID_TRANSPORT_MESSAGE_HEADERS) or ""
    )
    people = tuple(
        f"{each.name} <{each.email_address}>" if each.email_address != each.name else each.name
        for each in message.recipients
    )
    return Mail(
        subject=" ".join(message.subject.split()) or header(headers, "subject"),
        sender=header(headers, "from") or " ".join((message.sender or "").split()),
        to=addresses(headers, "to") or people,
        cc=addresses(headers, "cc"),
        date=sent(headers) or message.sent_date,
        body=tuple(_body(message)),
        attachments=tuple(each.file for each in attachments if each.counts),
    )


def _body(message: Any) -> list[ParsedBlock]:
    """The HTML text where there is one, else the plain one."""
    properties = message.properties
    page = properties.binary_prop_value(pids.PID_HTML)
    if page:
        blocks = body_blocks(page, properties.body_encoding, is_html=True)
    else:
        older = properties.str_prop_value(pids.PID_BODY_HTML) or ""
        blocks = body_blocks(older.encode(), "utf-8", is_html=True)
    return blocks or body_blocks((message.body or "").encode(), "utf-8", is_html=False)


class _Attachment:
    """One attachment, in oxmsg's terms."""

    def __init__(self, attachment: Any) -> None:
        self._attachment = attachment
        properties = attachment.properties
        self._kind = (attachment.mime_type or "").lower()
        self._mail = _embedded_mail(attachment)
        name = attachment.file_name or properties.str_prop_value(_SHORT_NAME) or "attachment"
        self.name = typed_name(name, self._kind)
        self._is_decoration = self._kind.startswith("image/") and bool(
            properties.int_prop_value(_IS_HIDDEN) or properties.str_prop_value(_CONTENT_ID)
        )

    @property
    def counts(self) -> bool:
        """Whether a person would call it an attachment."""
        return not self._is_decoration and self._kind not in _SIGNATURE_KINDS

    @property
    def file(self) -> EmbeddedFile:
        """The attachment; a mail inside the mail is handed on as an ``.eml`` file."""
        if self._mail is not None:
            name = f"{self._mail.subject or 'message'}.eml".replace("/", "-")
            return EmbeddedFile(name=name, read=partial(_eml, self._mail))
        return EmbeddedFile(
            name=self.name, read=lambda limit: bounded(self._attachment.file_bytes or b"", limit)
        )


def _embedded_mail(attachment: Any) -> Any:
    """The message that is attached as an object rather than as bytes, or ``None``."""
    for storage in attachment._storage.storages:
        if storage.name == _EMBEDDED_OBJECT and any(
            stream.name.startswith("__substg1.0_001A") for stream in storage.streams
        ):
            return Message(_as_outermost(storage))
    return None


def _as_outermost(storage: Any) -> Any:
    """The storage of an inner mail, with the longer head that oxmsg expects before its properties."""
    streams = tuple(
        replace(stream, bytes_=stream.bytes_[:_INNER_HEAD] + bytes(8) + stream.bytes_[_INNER_HEAD:])
        if stream.name == _PROPERTIES
        else stream
        for stream in storage.streams
    )
    return replace(storage, streams=streams)


def _eml(message: Any, limit: int) -> bytes:
    """An Outlook mail as an ``.eml`` file, so that it is read like any other attachment."""
    mail = _mail(message)
    rewritten = EmailMessage()
    rewritten["From"], rewritten["To"], rewritten["Subject"] = mail.sender, ", ".join(mail.to), mail.subject
    if mail.date:
        rewritten["Date"] = mail.date
    rewritten.set_content(message.body or "")
    page = message.html_body
    if page:
        rewritten.add_alternative(page, subtype="html")
    for file in mail.attachments:
        rewritten.add_attachment(
            file.read(limit), maintype="application", subtype="octet-stream", filename=file.name
        )
    return bounded(as_bytes(rewritten), limit)
