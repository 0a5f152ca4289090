"""From a source file to its documents: the file's own, and those of the files inside it.

An attachment or an archive's member goes through the same table of parsers as a file in a folder, and may
hold files itself. Nothing is unpacked to disk, and a name found inside a file is only ever shown.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ingest.clean import FileFacts, clean
from ingest.parsing.table import FileType, file_type
from ingest.parsing.unpacking import UNPACKED_BYTES
from ingest.result import IngestFailure
from ingest.sources import is_ignored, unreadable
from ingest.stages import CleanDocument, EmbeddedFile, ParsedDocument, ReadFile
from rag.errors import SourceError

MAX_DEPTH = 3
"""Files inside files inside files are read; what is deeper is reported."""
MAX_PARTS = 10_000
MEBIBYTE = 1024 * 1024
_LONGEST_NAME = 240
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_DRIVE = re.compile(r"^[A-Za-z]:")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadLimits:
    """How much one source file may unpack to, in bytes, and be read as.

    Attributes:
        part: the largest single file inside it.
        total: all files inside it together, the inner ones of inner ones included.
        text: the longest text of one document, in characters.
    """

    part: int = 200 * MEBIBYTE
    total: int = 1024 * MEBIBYTE
    text: int = 20_000_000


DEFAULT_LIMITS = ReadLimits()


def read_file(local: Path, path: str, title: str | None, limits: ReadLimits = DEFAULT_LIMITS) -> ReadFile:
    """Read, parse and clean one file and the files inside it.

    Raises:
        SourceError: neither the file nor anything in it could be taken.
    """
    kind = file_type(path)
    if kind is None:
        raise SourceError("unsupported_type", f"Files like {path!r} are not supported.")
    try:
        data = local.read_bytes()
    except OSError as exc:
        raise SourceError("file_unreadable", unreadable("The file", exc)) from exc
    if not data.strip():
        raise SourceError("empty_file", "The file is empty.")
    UNPACKED_BYTES.set(limits.total)
    reading = _Reading(path=path, sha256=hashlib.sha256(data).hexdigest(), limits=limits)
    reading.document(kind, data, part="", title=title)
    return reading.result()


@dataclass(kw_only=True, slots=True)
class _Reading:
    """One source file on its way: what was found in it so far, and how much more may be unpacked."""

    path: str
    sha256: str
    limits: ReadLimits
    documents: list[CleanDocument] = field(default_factory=list)
    failures: list[IngestFailure] = field(default_factory=list)
    unpacked: int = 0
    is_full: bool = False
    parts: set[str] = field(default_factory=set)

    def document(
        self, kind: FileType, data: bytes, *, part: str, title: str | None = None, depth: int = 0
    ) -> None:
        """Take a file and what is in it. Raises: SourceError when it cannot be taken itself."""
        parsed = kind.load()(data)
        if parsed.blocks or not parsed.embedded:
            self._clean(parsed, kind, part=part, title=title)
        for embedded in parsed.embedded:
            self._embedded(embedded, outer=part, depth=depth + 1)

    def _clean(self, parsed: ParsedDocument, kind: FileType, *, part: str, title: str | None) -> None:
        facts = FileFacts(
            path=part or self.path, media_type=kind.media_type, sha256=self.sha256, title=title, part=part
        )
        length = sum(len(block.text) for block in parsed.blocks)
        if length > self.limits.text:
            raise SourceError(
                "too_large",
                f"Its text has {length / 1e6:,.0f} million characters, more than {self.limits.text / 1e6:g} "
                "million; split the file, or raise max_text_mb.",
            )
        try:
            self.documents.append(clean(parsed, facts))
        except SourceError:
            if not parsed.embedded:
                raise

    def _embedded(self, embedded: EmbeddedFile, *, outer: str, depth: int) -> None:
        """Take one file inside another; a failure costs that one only."""
        name = part_name(embedded.name or PurePosixPath(outer or self.path).stem)
        if self.is_full or any(is_ignored(step) for step in name.split("/")):
            return
        part = self._unique(f"{outer}/{name}" if outer else name)
        try:
            self._part(embedded, part, depth=depth)
        except SourceError as exc:
            self._fail(part, exc.source_code, str(exc))
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - whatever a parsing library raises costs this part; it is logged
            _log.exception("The parser failed on %s!/%s", self.path, part)
            message = "The parser failed on this file; save it again, or convert it."
            self._fail(part, "parser_crashed", message)

    def _part(self, embedded: EmbeddedFile, part: str, *, depth: int) -> None:
        if len(self.parts) > MAX_PARTS:
            self.is_full = True  # told once, not for each of what may be millions
            raise SourceError(
                "too_many_parts", f"Only the first {MAX_PARTS:,} files in a file are read; split it."
            )
        kind = file_type(part)
        if kind is None:
            raise SourceError("unsupported_type", f"Files like {part!r} are not supported.")
        if depth > MAX_DEPTH:
            raise SourceError(
                "nested_too_deep", f"This file lies more than {MAX_DEPTH} files deep; unpack the outer one."
            )
        data = embedded.read(min(self.limits.part, self.limits.total - self.unpacked))
        self.unpacked += len(data)
        if not data.strip():
            raise SourceError("empty_file", "The file is empty.")
        self.document(kind, data, part=part, depth=depth)

    def _unique(self, part: str) -> str:
        """The part's path, numbered when an earlier part has the same."""
        stem, dot, suffix = part.rpartition(".")
        unique, number = part, 1
        while unique in self.parts:
            number += 1
            unique = f"{stem} ({number}).{suffix}" if dot else f"{part} ({number})"
        self.parts.add(unique)
        return unique

    def _fail(self, part: str, code: str, message: str) -> None:
        self.failures.append(IngestFailure(path=f"{self.path}!/{part}", code=code, message=message))

    def result(self) -> ReadFile:
        """Everything found. Raises: SourceError when there is no document at all."""
        if self.documents:
            return ReadFile(documents=tuple(self.documents), failures=tuple(self.failures))
        if not self.failures:
            raise SourceError("no_text", "The file was read, but it holds no text and no file with text.")
        first = self.failures[0]
        codes = Counter(failure.code for failure in self.failures)
        raise SourceError(
            codes.most_common(1)[0][0],
            f"None of the {len(self.failures):,} files in it could be taken; the first is "
            f"{first.path!r}: {first.message}",
        )


def part_name(name: str) -> str:
    """A name found inside a file as a plain relative path, whatever it was meant to do.

    Folders above, drive letters and control characters are dropped, and backslashes separate folders too.
    """
    plain = _UNPRINTABLE.sub("", _DRIVE.sub("", name.replace("\\", "/")))
    steps = [step.strip() for step in plain.split("/")]
    shown = "/".join(step for step in steps if step not in ("", ".", "..")) or "unnamed"
    return shown if len(shown) <= _LONGEST_NAME else shown[-_LONGEST_NAME:].lstrip("/ ")
