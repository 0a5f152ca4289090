"""JSON, and one JSON value a line: labels and values, records apart, uniform records as a table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ingest.parsing.elements import rows_to_blocks, table_blocks
from ingest.parsing.encoding import decode
from ingest.stages import BlockKind, ParsedBlock, ParsedDocument
from rag.errors import SourceError

_DEEPEST = 64
_LABEL_STEPS = 4
_LONGEST_CELL = 200
_MOST_COLUMNS = 16
_SHORT_LIST = 200  # characters; a longer list of values gets a line for each
_ELEMENT_KINDS = {"ListItem": BlockKind.LIST_ITEM, "CodeSnippet": BlockKind.CODE}
_ELEMENT_NOISE = frozenset({"Header", "Footer", "PageBreak", "PageNumber", "Image"})

Record = dict[str, Any]


def parse_json(data: bytes) -> ParsedDocument:
    """Blocks of a JSON file. Raises: SourceError ``not_text``, ``damaged_file`` or ``nested_too_deep``."""
    return _document(_loads(decode(data), "The file"))


def parse_json_lines(data: bytes) -> ParsedDocument:
    """Blocks of a file with one JSON value a line.

    Raises:
        SourceError: ``not_text``, ``damaged_file`` (names the line) or ``nested_too_deep``.
    """
    lines = decode(data).split("\n")
    return _document(
        [_loads(line, f"Line {number}") for number, line in enumerate(lines, start=1) if line.strip()]
    )


def _loads(text: str, where: str) -> Any:
    """The value; numbers stay as they are written."""
    try:
        return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except RecursionError as exc:
        raise _too_deep() from exc
    except ValueError as exc:
        raise SourceError(
            "damaged_file", f"{where} is not valid JSON ({exc}); export the file again, or name it .txt."
        ) from exc


def _document(value: Any) -> ParsedDocument:
    title = (
        next((value[key] for key in ("title", "name") if _is_word(value.get(key))), None)
        if (isinstance(value, dict))
        else None
    )
    if isinstance(value, list) and value and all(map(_is_element, value)):
        return ParsedDocument(blocks=tuple(_elements(value)))
    return ParsedDocument(blocks=tuple(_Layout().blocks(value)), title=title)


class _Layout:
    """Lays a value out as lines; a record begins apart from the one before."""

    def __init__(self) -> None:
        self._opens = True

    def blocks(self, value: Any, path: tuple[str, ...] = ()) -> Iterator[ParsedBlock]:
        """The lines of ``value``, which is found at ``path``."""
        if len(path) > _DEEPEST:
            raise _too_deep()
        if isinstance(value, dict):
            for key, inner in value.items():
                yield from self.blocks(inner, (*path, key))
        elif isinstance(value, list):
            yield from self._list(value, path)
        elif shown(value):
            yield from self._line(shown(value), path)

    def _list(self, values: list[Any], path: tuple[str, ...]) -> Iterator[ParsedBlock]:
        if not any(isinstance(value, dict | list) for value in values):
            line = ", ".join(filter(None, map(shown, values)))
            each = values if len(line) > _SHORT_LIST else [line] if line else []
            for value in each:
                yield from self._line(shown(value), path)
        elif rows := _table(values):
            if path:
                yield ParsedBlock(kind=BlockKind.PARAGRAPH, text=f"{_label(path)}:")
            yield from rows_to_blocks(rows)
            self._opens = True
        else:
            for value in values:
                self._opens = True
                yield from self.blocks(value, (*path, "") if isinstance(value, list) else path)
            self._opens = True

    def _line(self, text: str, path: tuple[str, ...]) -> Iterator[ParsedBlock]:
        label = _label(path)
        for number, paragraph in enumerate(part for part in text.split("\n\n") if part.strip()):
            line = f"{label}: {paragraph}" if label and not number else paragraph
            yield ParsedBlock(kind=BlockKind.LIST_ITEM, text=" ".join(line.split()), opens=self._opens)
            self._opens = False


def _label(path: tuple[str, ...]) -> str:
    """Where a value is: the last names on the way to it."""
    return ".".join([step for step in path if step][-_LABEL_STEPS:])


def shown(value: Any) -> str:
    """A single value as a reader expects it; empty for nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip()


def _table(values: list[Any]) -> list[tuple[list[str], bool]]:
    """Rows under a header row when all values are flat records with mostly the same keys; else nothing."""
    if len(values) < 2 or not all(_is_flat(value) for value in values):
        return []
    columns = list(dict.fromkeys(key for value in values for key in value))
    filled = sum(len(value) for value in values)
    if not 1 < len(columns) <= _MOST_COLUMNS or 2 * filled < len(columns) * len(values):
        return []
    return [(columns, True), *(([shown(value.get(key)) for key in columns], False) for value in values)]


def _is_flat(value: Any) -> bool:
    return isinstance(value, dict) and not any(
        isinstance(inner, dict | list) or len(shown(inner)) > _LONGEST_CELL or "\n" in shown(inner)
        for inner in value.values()
    )


def _is_element(value: Any) -> bool:
    """Whether it is an element of a document that a parser took apart and wrote down as JSON."""
    return isinstance(value, dict) and _is_word(value.get("type")) and {"element_id", "text"} <= value.keys()


def _elements(elements: list[Record]) -> Iterator[ParsedBlock]:
    for element in elements:
        kind, text, about = element["type"], shown(element["text"]), element.get("metadata") or {}
        if kind in _ELEMENT_NOISE or not isinstance(about, dict):
            continue
        table = about.get("text_as_html")
        if kind == "Table" and isinstance(table, str) and table.strip():
            yield from table_blocks(table)
        elif kind == "Title":
            depth = shown(about.get("category_depth"))
            level = min(int(depth) + 1, 6) if depth.isdecimal() else 1
            yield ParsedBlock(kind=BlockKind.HEADING, text=text, level=level)
        else:
            yield ParsedBlock(kind=_ELEMENT_KINDS.get(kind, BlockKind.PARAGRAPH), text=text)


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _too_deep() -> SourceError:
    return SourceError("nested_too_deep", f"Values are nested more than {_DEEPEST} deep; flatten the file.")
