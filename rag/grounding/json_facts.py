"""JSON records read as facts that keep the places of their values; the standard parser forgets them."""

from __future__ import annotations

import json
import re

from rag.grounding.facts import NONE, Fact, fact, key_words, worded
from rag.text.sentences import split_sentences

_OPENS = re.compile(r"^[ \t]*(?=[{\[])", re.MULTILINE)
_LINE_ENDS = re.compile(r"[ \t\r]*(?:\n|$)")
_BLANKS = re.compile(r"[ \t\r\n]*")
_SCALAR = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[^\s,\[\]{}"]+')
_ESCAPE = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.")
_DEEPEST = 40
_LONGEST_LISTED = 60
_MOST_BROKEN = 50
"""Openings that turn out to be no record, after which a text is taken for code: each costs a reading."""


def json_facts(text: str) -> list[Fact]:
    """The facts of every JSON record in ``text``, in order.

    A record is an object, or a list of objects, that begins a line and ends one. A list of short values is
    one fact; a string of several sentences is one fact each. What is broken off, deeper than 40 levels, or
    no strict JSON (``NaN``) is not read.
    """
    facts: list[Fact] = []
    broken = 0
    opening = _OPENS.search(text)
    while opening is not None and broken < _MOST_BROKEN:
        at = opening.end()
        found = _record(text, at)
        if isinstance(found, list):
            facts += found
            at = _decoded(text, at)[1]
        else:
            broken += 1
            at = max(found, at + 1)
        opening = _OPENS.search(text, at)
    return facts


def _record(text: str, at: int) -> list[Fact] | int:
    """The facts of the record at ``at``; or how far it was read before it turned out to be none."""
    try:
        value, end = _decoded(text, at)
    except json.JSONDecodeError as exc:
        return exc.pos
    except (ValueError, RecursionError):
        return at
    is_record = isinstance(value, dict) or (
        isinstance(value, list) and all(isinstance(item, dict) for item in value)
    )
    if not value or not is_record or not _LINE_ENDS.match(text, end):
        return end
    reader = _Reader(text)
    try:
        reader.read(at, (), 0)
    except _TooDeep:
        return end
    return reader.facts


def _decoded(text: str, at: int) -> tuple[object, int]:
    return _DECODER.raw_decode(text, at)


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


class _TooDeep(ValueError):
    """The record is nested deeper than a record of facts is."""


class _Reader:
    """Walks text that is known to be JSON."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.facts: list[Fact] = []

    def read(self, at: int, path: tuple[str, ...], depth: int) -> int:
        """Read the value at ``at``, and give where it ends."""
        if depth > _DEEPEST:
            raise _TooDeep
        at = self._skip(at)
        if self._text[at] == "{":
            return self._read_object(at, path, depth)
        if self._text[at] == "[":
            return self._read_list(at, path, depth)
        end = self._scalar_end(at)
        self.facts += _scalar_facts(self._text, at, end, path)
        return end

    def _read_object(self, opened: int, path: tuple[str, ...], depth: int) -> int:
        at = self._skip(opened + 1)
        if self._text[at] == "}":
            return self._nothing_in(opened, at + 1, path)
        while True:
            end = self._scalar_end(at)
            key = key_words(json.loads(self._text[at:end]))
            colon = self._skip(end)
            at = self._skip(self.read(colon + 1, (*path, key), depth + 1))
            if self._text[at] == "}":
                return at + 1
            at = self._skip(at + 1)

    def _read_list(self, opened: int, path: tuple[str, ...], depth: int) -> int:
        listed = self._short_list(opened)
        if listed is not None:
            values, end = listed
            self.facts.append(fact(opened, end, path, ", ".join(values) or NONE))
            return end
        at, number = opened, 0
        while self._text[at] != "]":
            number += 1
            at = self._skip(self.read(at + 1, _numbered(path, number), depth + 1))
        return at + 1

    def _short_list(self, opened: int) -> tuple[list[str], int] | None:
        """The values of a list without records and long texts, and its end."""
        values: list[str] = []
        at = self._skip(opened + 1)
        if self._text[at] == "]":
            return values, at + 1
        while True:
            if self._text[at] in "{[":
                return None
            end = self._scalar_end(at)
            value = json.loads(self._text[at:end])
            if isinstance(value, str) and len(value) > _LONGEST_LISTED:
                return None
            values.append(_shown(value, self._text[at:end]))
            at = self._skip(end)
            if self._text[at] == "]":
                return values, at + 1
            at = self._skip(at + 1)

    def _nothing_in(self, start: int, end: int, path: tuple[str, ...]) -> int:
        self.facts.append(fact(start, end, path, NONE))
        return end

    def _skip(self, at: int) -> int:
        found = _BLANKS.match(self._text, at)
        return found.end() if found else at

    def _scalar_end(self, at: int) -> int:
        found = _SCALAR.match(self._text, at)
        return found.end() if found else len(self._text)


def _numbered(path: tuple[str, ...], number: int) -> tuple[str, ...]:
    """``reviews`` and the second of them: ``reviews 2``."""
    return (*path[:-1], f"{path[-1]} {number}") if path else (str(number),)


def _scalar_facts(text: str, start: int, end: int, path: tuple[str, ...]) -> list[Fact]:
    raw = text[start:end]
    value = json.loads(raw)
    if not isinstance(value, str) or worded(value) != value or not value.strip():
        return [fact(start, end, path, _shown(value, raw))]
    places = _places(raw)
    return [
        fact(start + places[first], start + places[last], path, value[first:last])
        for first, last in split_sentences(value)
    ]


def _shown(value: object, raw: str) -> str:
    """The value in words on one line."""
    return worded(" ".join(value.split()) if isinstance(value, str) else raw)


def _places(raw: str) -> list[int]:
    """Where each character of the string's value begins in its quoted form, and where the last one ends."""
    places: list[int] = []
    at = 1
    for escape in _ESCAPE.finditer(raw, 1, len(raw) - 1):
        places += [*range(at, escape.start()), escape.start()]
        at = escape.end()
    return [*places, *range(at, len(raw))]
