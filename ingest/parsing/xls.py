"""Old Excel workbooks (.xls) through ``xlrd``."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from ingest.parsing.number_format import shown_date, shown_value
from ingest.parsing.ole import ZIP_SIGNATURE
from ingest.parsing.sheets import Sheet, workbook
from ingest.parsing.table_rows import Row
from ingest.parsing.unpacking import damaged, encrypted
from ingest.stages import ParsedDocument
from rag.errors import SourceError

_WHAT = "Excel workbook"


def parse_xls(data: bytes) -> ParsedDocument:
    """Blocks of a workbook of Excel 97-2003 or older; hidden sheets are left out.

    Raises:
        SourceError: ``damaged_file``, ``encrypted_file`` or ``too_large``.
    """
    if data.startswith(ZIP_SIGNATURE):  # a new workbook under an old name; Excel opens it too
        from ingest.parsing.xlsx import parse_xlsx

        return parse_xlsx(data)
    import xlrd

    try:
        book = xlrd.open_workbook(file_contents=data, formatting_info=True, logfile=io.StringIO())
        visible = [sheet for sheet in book.sheets() if sheet.visibility == 0]
        sheets = (Sheet(name=sheet.name, rows=_rows(book, sheet), merged=_merged(sheet)) for sheet in visible)
        return workbook(sheets, title=None)
    except (MemoryError, SourceError):
        raise
    except xlrd.XLRDError as exc:
        raise encrypted(_WHAT) if "encrypted" in str(exc) else damaged(_WHAT) from exc
    except Exception as exc:  # xlrd fails in many ways on a broken workbook
        raise damaged(_WHAT) from exc


def _rows(book: Any, sheet: Any) -> Iterator[Row]:
    for number in range(sheet.nrows):
        yield [_shown(book, cell) for cell in sheet.row(number)]


def _shown(book: Any, cell: Any) -> str:
    import xlrd

    if cell.ctype in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK):
        return ""
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return str(xlrd.error_text_from_code.get(cell.value, "#N/A"))
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return shown_value(bool(cell.value))
    number_format = _format(book, cell)
    if cell.ctype == xlrd.XL_CELL_DATE:
        try:
            moment = xlrd.xldate_as_datetime(cell.value, book.datemode)
        except (ValueError, OverflowError):
            return shown_value(cell.value)
        return shown_date(moment.time() if 0 <= cell.value < 1 else moment, number_format)
    return shown_value(cell.value, number_format)


def _format(book: Any, cell: Any) -> str:
    if cell.xf_index is None:
        return "General"
    found = book.format_map.get(book.xf_list[cell.xf_index].format_key)
    return found.format_str if found else "General"


def _merged(sheet: Any) -> tuple[tuple[int, int, int, int], ...]:
    return tuple((top, left, bottom - 1, right - 1) for top, bottom, left, right in sheet.merged_cells)
