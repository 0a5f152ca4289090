"""Which parser reads which file: one table."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import PurePosixPath

from ingest.stages import ParsedDocument

Parser = Callable[[bytes], ParsedDocument]


@dataclass(frozen=True, kw_only=True, slots=True)
class FileType:
    """A supported type.

    Attributes:
        parser: ``module:function`` below ``ingest.parsing``, imported when the first such file comes.
        may_be_scan: its pages may be pictures, which take seconds each to read.
    """

    media_type: str
    parser: str
    may_be_scan: bool = False

    def load(self) -> Parser:
        """The parser itself."""
        module, function = self.parser.split(":")
        parser: Parser = getattr(import_module(f"ingest.parsing.{module}"), function)
        return parser


_MARKDOWN = FileType(media_type="text/markdown", parser="markdown:parse_markdown")
_TEXT = FileType(media_type="text/plain", parser="text:parse_text")
_HTML = FileType(media_type="text/html", parser="html:parse_html")
_PDF = FileType(media_type="application/pdf", parser="pdf:parse_pdf", may_be_scan=True)
_DOCX = FileType(
    media_type="application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    parser="docx:parse_docx",
)
_XLSX = FileType(
    media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", parser="xlsx:parse_xlsx"
)
_XLS = FileType(media_type="application/vnd.ms-excel", parser="xls:parse_xls")
_ODS = FileType(media_type="application/vnd.oasis.opendocument.spreadsheet", parser="ods:parse_ods")
_CSV = FileType(media_type="text/csv", parser="delimited:parse_csv")
_TSV = FileType(media_type="text/tab-separated-values", parser="delimited:parse_tsv")
_PPTX = FileType(
    media_type="application/vnd.openxmlformats-officedocument.presentationml.presentation",
    parser="pptx:parse_pptx",
)
_PPT = FileType(media_type="application/vnd.ms-powerpoint", parser="ppt:parse_ppt")
_DOC = FileType(media_type="application/msword", parser="doc:parse_doc")
_ODT = FileType(media_type="application/vnd.oasis.opendocument.text", parser="odt:parse_odt")
_RTF = FileType(media_type="application/rtf", parser="rtf:parse_rtf")
_EPUB = FileType(media_type="application/epub+zip", parser="epub:parse_epub")
_PNG = FileType(media_type="image/png", parser="image:parse_image", may_be_scan=True)
_JPEG = FileType(media_type="image/jpeg", parser="image:parse_image", may_be_scan=True)
_TIFF = FileType(media_type="image/tiff", parser="image:parse_image", may_be_scan=True)
_BMP = FileType(media_type="image/bmp", parser="image:parse_image", may_be_scan=True)
_GIF = FileType(media_type="image/gif", parser="image:parse_image", may_be_scan=True)
_WEBP = FileType(media_type="image/webp", parser="image:parse_image", may_be_scan=True)
_EML = FileType(media_type="message/rfc822", parser="eml:parse_eml")
_MSG = FileType(media_type="application/vnd.ms-outlook", parser="msg:parse_msg")
_ZIP = FileType(media_type="application/zip", parser="archive:parse_zip")
_GZIP = FileType(media_type="application/gzip", parser="archive:parse_gzip")
_XML = FileType(media_type="application/xml", parser="xml:parse_xml")
_JSON = FileType(media_type="application/json", parser="structured:parse_json")
_JSON_LINES = FileType(media_type="application/x-ndjson", parser="structured:parse_json_lines")
_RST = FileType(media_type="text/x-rst", parser="rst:parse_rst")
_ORG = FileType(media_type="text/x-org", parser="org:parse_org")

FILE_TYPES: dict[str, FileType] = {
    "": _TEXT,
    ".md": _MARKDOWN,
    ".markdown": _MARKDOWN,
    ".txt": _TEXT,
    ".text": _TEXT,
    ".log": _TEXT,
    ".html": _HTML,
    ".htm": _HTML,
    ".xhtml": _HTML,
    ".pdf": _PDF,
    ".docx": _DOCX,
    ".eml": _EML,
    ".msg": _MSG,
    ".zip": _ZIP,
    ".gz": _GZIP,
    ".xml": _XML,
    ".json": _JSON,
    ".jsonl": _JSON_LINES,
    ".ndjson": _JSON_LINES,
    ".rst": _RST,
    ".org": _ORG,
    ".xlsx": _XLSX,
    ".xlsm": _XLSX,
    ".xls": _XLS,
    ".ods": _ODS,
    ".csv": _CSV,
    ".tsv": _TSV,
    ".tab": _TSV,
    ".pptx": _PPTX,
    ".ppt": _PPT,
    ".doc": _DOC,
    ".odt": _ODT,
    ".rtf": _RTF,
    ".epub": _EPUB,
    ".png": _PNG,
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".bmp": _BMP,
    ".gif": _GIF,
    ".webp": _WEBP,
}
"""Suffix, lower case, to type; the empty suffix is for files such as LICENSE."""

_SUFFIX = re.compile(r"\.(?!\d+$)[A-Za-z0-9_-]{1,12}$")


def suffix_of(path: str) -> str:
    """The lower-case suffix; empty where the last dot is part of a name, as in ``minutes 3.12``."""
    match = _SUFFIX.search(PurePosixPath(path).name)
    return match.group().lower() if match else ""


def file_type(path: str) -> FileType | None:
    """The type of the file called ``path``; ``None`` when it is not supported."""
    return FILE_TYPES.get(suffix_of(path))
