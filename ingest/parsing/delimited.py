"""Tables in text files (.csv, .tsv): the delimiter is found by trying."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter

from ingest.parsing.encoding import decode
from ingest.parsing.sheets import MAX_CELLS, too_many_cells
from ingest.parsing.table_rows import Row, table_blocks
from ingest.stages import ParsedDocument
from rag.errors import SourceError

_DELIMITERS = ",;\t|"
_DECLARED = re.compile(r"\Asep=(.)\r?\n", re.IGNORECASE)  # how Excel is told
_SAMPLE_CHARACTERS = 65_536
_SAMPLE_ROWS = 200
_LEAST_SHARE = 0.5  # of rows; sentences have commas too
_LONGEST_FIELD = 10_000_000


def parse_csv(data: bytes) -> ParsedDocument:
    """Rows of a table whose cells are separated by commas, semicolons, tabs or bars.

    Raises:
        SourceError: ``not_text``, ``damaged_file`` or ``too_large``.
    """
    return _parse(data, preferred=",")


def parse_tsv(data: bytes) -> ParsedDocument:
    """Rows of a table whose cells are separated by tabs, or by what else is found. Raises: as parse_csv."""
    return _parse(data, preferred="\t")


def _parse(data: bytes, *, preferred: str) -> ParsedDocument:
    text = decode(data)
    declared = _DECLARED.match(text)
    if declared:
        text, delimiter = text[declared.end() :], declared.group(1)
    else:
        delimiter = _delimiter(text, preferred)
    rows: list[Row] = []
    cells = 0
    csv.field_size_limit(_LONGEST_FIELD)
    try:
        for fields in csv.reader(io.StringIO(text.replace("\0", ""), newline=""), delimiter=delimiter):
            row = [" ".join(field.split()) for field in fields]
            cells += len(row)
            if cells > MAX_CELLS:
                raise too_many_cells()
            if any(row):
                rows.append(row)
    except csv.Error as exc:
        raise SourceError(
            "damaged_file",
            "The table cannot be read: a quote is never closed; save it from its program again.",
        ) from exc
    return ParsedDocument(blocks=tuple(table_blocks(rows)))


def _delimiter(text: str, preferred: str) -> str:
    """The delimiter that cuts most rows into the same number of cells, more than one."""
    sample = text[:_SAMPLE_CHARACTERS]
    if len(text) > len(sample):
        sample = sample[: sample.rfind("\n") + 1] or sample

    def score(delimiter: str) -> tuple[float, bool, int]:
        widths = _widths(sample, delimiter)
        wide = Counter(width for width in widths if width > 1)
        if not wide:
            return 0.0, delimiter == preferred, 0
        width, count = wide.most_common(1)[0]
        return round(count / len(widths), 1), delimiter == preferred, width

    best = max(_DELIMITERS, key=score)
    return best if score(best)[0] > _LEAST_SHARE else preferred


def _widths(sample: str, delimiter: str) -> list[int]:
    widths: list[int] = []
    try:
        for row in csv.reader(io.StringIO(sample.replace("\0", ""), newline=""), delimiter=delimiter):
            if row:
                widths.append(len(row))
            if len(widths) == _SAMPLE_ROWS:
                break
    except csv.Error:  # a field that never ends: the wrong delimiter, or told when all is read
        pass
    return widths or [1]
