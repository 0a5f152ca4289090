"""Files of one record a line, plain or gzip-compressed, in which a bad line never spoils the good ones."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, BinaryIO, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from rag.errors import DatasetError

Record = TypeVar("Record")
Row = TypeVar("Row", bound=BaseModel)

_GZIP_MAGIC = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SHOWN = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class LineFailure:
    """A line, or the record on it, that could not be evaluated.

    Attributes:
        file: name of the file, without its folder.
        line: 1-based; 0 where the failure belongs to no line.
    """

    file: str
    line: int
    reason: str


def _storable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as exc:
        raise ValueError(
            f"holds half of a surrogate pair at character {exc.start}, which is not text"
        ) from exc
    return text


Text = Annotated[str, AfterValidator(_storable)]
"""A string that can be written as UTF-8 (JSON can spell strings that cannot)."""

Id = Annotated[str, Field(coerce_numbers_to_str=True, min_length=1), AfterValidator(_storable)]
"""An identifier: a string that is not empty, or a number."""


class FileRow(BaseModel):
    """Base of the rows of a file: fields that no reader knows are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


def numbered_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, with their 1-based numbers, without line end and byte order mark.

    Raises:
        DatasetError: the file is missing, unreadable or not sound gzip data.
    """
    try:
        with _open(path) as stream:
            for number, line in enumerate(stream, start=1):
                content = line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line
                if content.strip():
                    yield number, content.rstrip(b"\r\n")
    except (EOFError, gzip.BadGzipFile, zlib.error) as exc:
        raise DatasetError(f"{path} is not sound gzip data ({exc}); fetch or compress it again.") from exc
    except OSError as exc:
        reason = (
            "does not exist" if isinstance(exc, FileNotFoundError) else f"cannot be read ({exc.strerror})"
        )
        raise DatasetError(f"{path} {reason}; name an existing, readable file.") from exc


def read_records(
    path: Path, row_type: type[Row], convert: Callable[[int, Row], Record]
) -> tuple[list[Record], list[LineFailure]]:
    """Read a JSONL file: the records of the good lines, in order, and the failures of the others.

    Args:
        row_type: shape of a line.
        convert: from line number and row to record; a ``ValueError`` it raises is that line's failure.

    Raises:
        DatasetError: the file cannot be read or holds no good line.
    """
    return _converted(path, numbered_lines(path), _parse, row_type, convert)


def read_table(
    path: Path, row_type: type[Row], convert: Callable[[int, Row], Record]
) -> tuple[list[Record], list[LineFailure]]:
    """The same of a file of values separated by tabs, whose first line names the columns.

    Nothing is quoted: a quotation mark is part of its value. A value left empty is missing.

    Raises:
        DatasetError: the file cannot be read or holds no good line.
    """
    lines = numbered_lines(path)
    columns = [name.strip() for name in next(lines, (1, b""))[1].decode(errors="replace").split("\t")]

    def parse(line: bytes) -> dict[str, Any]:
        values = _text(line).split("\t")
        if len(values) != len(columns):
            raise ValueError(
                f"expected {len(columns)} values separated by tabs, as in the first line, got {len(values)}"
            )
        return {name: value for name, value in zip(columns, values, strict=True) if value.strip()}

    return _converted(path, lines, parse, row_type, convert)


def _converted(
    path: Path,
    lines: Iterator[tuple[int, bytes]],
    parse: Callable[[bytes], dict[str, Any]],
    row_type: type[Row],
    convert: Callable[[int, Row], Record],
) -> tuple[list[Record], list[LineFailure]]:
    records: list[Record] = []
    failures: list[LineFailure] = []
    for number, line in lines:
        try:
            records.append(convert(number, row_type.model_validate(parse(line))))
        except ValidationError as exc:
            failures.append(LineFailure(file=path.name, line=number, reason=first_problem(exc)))
        except ValueError as exc:
            failures.append(LineFailure(file=path.name, line=number, reason=str(exc)))
    require_good_line(path, bool(records), failures)
    return records, failures


def require_good_line(path: Path, found: bool, failures: list[LineFailure]) -> None:
    """Raise :class:`DatasetError`, with the first failure, unless ``path`` gave something to evaluate."""
    if found:
        return
    if not failures:
        raise DatasetError(f"{path} holds no line; expected one record a line.")
    first = failures[0]
    raise DatasetError(f"{path} holds no usable line; line {first.line}: {first.reason}.")


def _open(path: Path) -> BinaryIO:
    with path.open("rb") as stream:
        compressed = stream.read(2) == _GZIP_MAGIC
    return gzip.open(path, "rb") if compressed else path.open("rb")  # type: ignore[return-value]


def _text(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as exc:
        raise ValueError(f"not UTF-8: byte 0x{line[exc.start]:02x} at position {exc.start}") from exc


def _parse(line: bytes) -> dict[str, Any]:
    text = _text(line)
    try:
        value = json.loads(text)
    except json.JSONDecodeError as exc:
        raise ValueError(f"not JSON: {exc.msg} at column {exc.colno}") from exc
    except RecursionError as exc:
        raise ValueError("not usable JSON: nested too deeply") from exc
    if not isinstance(value, dict):
        raise ValueError(f"expected a JSON object, got {type(value).__name__}")
    return value


def first_problem(exc: ValidationError) -> str:
    """What is wrong with a row, in words: the field's name, what was expected, and what it holds."""
    problem = exc.errors(include_url=False)[0]
    name = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "missing":
        return f"{name!r} is missing"
    message = problem["msg"].removeprefix("Value error, ")
    if not name:
        return message
    shown = repr(problem["input"])
    return f"{name!r}: {message}, got {shown if len(shown) <= _SHOWN else shown[:_SHOWN] + '…'}"
