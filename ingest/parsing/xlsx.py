"""Excel workbooks (.xlsx, .xlsm) through ``openpyxl``, row by row."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from typing import Any
from zipfile import ZipFile

from ingest.parsing.number_format import shown_value
from ingest.parsing.sheets import Sheet, workbook
from ingest.parsing.table_rows import Row
from ingest.parsing.unpacking import damaged, open_archive
from ingest.stages import ParsedDocument
from rag.errors import SourceError

_WHAT = "Excel workbook"
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s+ref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"')
_PIECE = 1 << 20
_OVERLAP = 100  # longer than one mergeCell element


def parse_xlsx(data: bytes) -> ParsedDocument:
    """Blocks of a workbook; hidden sheets are left out.

    Raises:
        SourceError: ``damaged_file``, ``encrypted_file`` or ``too_large``.
    """
    archive = open_archive(data, _WHAT)
    import openpyxl

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on features that are not text, such as data validation
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
            visible = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
            sheets = (
                Sheet(name=sheet.title, rows=_rows(sheet), merged=_merged(archive, sheet))
                for sheet in visible
            )
            return workbook(sheets, title=book.properties.title)
    except (MemoryError, SourceError):
        raise
    except Exception as exc:  # openpyxl fails in many ways on a broken workbook
        raise damaged(_WHAT) from exc


def _rows(sheet: Any) -> Iterator[Row]:
    sheet.reset_dimensions()  # programs write wrong ones, and openpyxl believes them
    for row in sheet.iter_rows():
        yield [shown_value(cell.value, cell.number_format) if cell.value is not None else "" for cell in row]


def _merged(archive: ZipFile, sheet: Any) -> tuple[tuple[int, int, int, int], ...]:
    """Merged ranges, which openpyxl leaves out when it reads row by row."""
    from openpyxl.utils import column_index_from_string

    found: list[tuple[int, int, int, int]] = []
    with archive.open(sheet._worksheet_path) as file:
        rest = b""
        while piece := file.read(_PIECE):
            piece = rest + piece
            end = 0
            for match in _MERGED.finditer(piece):
                left, top, right, bottom = (part.decode() for part in match.groups())
                columns = column_index_from_string(left) - 1, column_index_from_string(right) - 1
                found.append((int(top) - 1, columns[0], int(bottom) - 1, columns[1]))
                end = match.end()
            rest = piece[max(end, len(piece) - _OVERLAP) :]
    return tuple(found)
