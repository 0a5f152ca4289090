"""Word documents through ``unstructured``."""

from __future__ import annotations

import io
from typing import Any

from ingest.parsing.elements import element_blocks
from ingest.parsing.unpacking import damaged, open_archive
from ingest.parsing.unstructured_setup import prepare_unstructured
from ingest.stages import ParsedDocument

_WHAT = "Word document"


def parse_docx(data: bytes) -> ParsedDocument:
    """Blocks of a Word document.

    Raises:
        SourceError: ``damaged_file``, ``encrypted_file`` or ``too_large``.
    """
    open_archive(data, _WHAT)
    prepare_unstructured()
    from docx import Document
    from unstructured.partition.docx import partition_docx

    try:
        title = Document(io.BytesIO(data)).core_properties.title
        elements = partition_docx(file=io.BytesIO(data), languages=[""], include_page_breaks=False)
    except MemoryError:
        raise
    except Exception as exc:  # python-docx fails in many ways on a broken document
        raise damaged(_WHAT) from exc
    return ParsedDocument(blocks=element_blocks(_visible(elements)), title=title)


def _visible(elements: list[Any]) -> list[Any]:
    return [element for element in elements if element.text]
