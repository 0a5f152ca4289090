"""Word documents through ``unstructured``."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from ingest.parsing.elements import element_blocks
from ingest.parsing.unstructured_setup import prepare_unstructured
from ingest.stages import ParsedDocument
from rag.errors import SourceError

_OLE_SIGNATURE = b"\xd0\xcf\x11\xe0"
_MAX_UNPACKED_BYTES = 1 << 30
_ENCRYPTED_FLAG = 0x1


def parse_docx(data: bytes) -> ParsedDocument:
    """Blocks of a Word document.

    Raises:
        SourceError: ``damaged_file``, ``encrypted_file`` or ``too_large``.
    """
    _check_archive(data)
    prepare_unstructured()
    from docx import Document
    from unstructured.partition.docx import partition_docx

    try:
        title = Document(io.BytesIO(data)).core_properties.title
        elements = partition_docx(file=io.BytesIO(data), languages=[""], include_page_breaks=False)
    except MemoryError:
        raise
    except Exception as exc:  # python-docx fails in many ways on a broken document
        raise _damaged() from exc
    return ParsedDocument(blocks=element_blocks(_visible(elements)), title=title)


def _check_archive(data: bytes) -> None:
    if data.startswith(_OLE_SIGNATURE):
        raise SourceError(
            "encrypted_file",
            "The document has a password, or is an old .doc file; save it as .docx without a password.",
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
    except zipfile.BadZipFile as exc:
        raise _damaged() from exc
    if any(member.flag_bits & _ENCRYPTED_FLAG for member in members):
        raise SourceError("encrypted_file", "The document is protected by a password; save it without one.")
    if sum(member.file_size for member in members) > _MAX_UNPACKED_BYTES:
        raise SourceError("too_large", "The document unpacks to more than 1 GiB; split it.")


def _visible(elements: list[Any]) -> list[Any]:
    return [element for element in elements if element.text]


def _damaged() -> SourceError:
    return SourceError("damaged_file", "The Word document is damaged; open it in Word and save it again.")
