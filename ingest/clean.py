"""From parsed blocks to the text that is stored, quoted and cited.

Offsets are computed here, after every change to the characters, and nothing changes the text afterwards.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from ingest.parsing.table import suffix_of
from ingest.stages import PAGE_BREAK, BlockKind, CleanBlock, CleanDocument, ParsedBlock, ParsedDocument
from rag.errors import SourceError
from rag.text.language import detect_language

# Control characters (line feed, tab and our page break aside), zero-width and direction marks, soft hyphens,
# byte order marks, noncharacters. The zero-width joiners stay: Persian and Indic words and emoji need them.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
    "\ufffe\uffff\ud800-\udfff]"
)
_BLANKS = re.compile(r"[^\S\f ][^\S\f]*| [^\S\f]+")  # single blanks, nearly all, need no work
_TRAILING_BLANKS = re.compile(r"[^\S\n]+$", re.MULTILINE)
_MEANINGLESS_TITLE = re.compile(
    r"^(?:untitled.*|(?:word |microsoft word )?document ?\d*|microsoft word - .*|sans titre.*|title|titre"
    r"|slide \d+|pr[ée]sentation\d*|.*\.(?:docx?|pdf|indd|jpe?g|png|tex|dvi|xlsx?|pptx?|html?))$",
    re.IGNORECASE,
)
_LONGEST_TITLE = 200
_FIRST_BLOCKS = 3
_GROUPED = frozenset({BlockKind.LIST_ITEM, BlockKind.TABLE_ROW})


@dataclass(frozen=True, kw_only=True, slots=True)
class FileFacts:
    """What is known of a file apart from its content.

    Attributes:
        path: where its name is; for a file inside another one the path there.
        part: path inside the source file; empty for the source file itself.
    """

    path: str
    media_type: str
    sha256: str
    title: str | None = None
    part: str = ""


def clean(parsed: ParsedDocument, facts: FileFacts) -> CleanDocument:
    """Normalise characters and blanks, lay the blocks out as one text, and find title and language.

    Raises:
        SourceError: ``no_text`` when nothing readable is left.
    """
    builder = _TextBuilder(pages=parsed.pages)
    for block in parsed.blocks:
        builder.add(block)
    text = builder.text
    if not text:
        raise SourceError("no_text", "The file was read, but it holds no text.")
    return CleanDocument(
        title=_title(parsed, facts),
        language=detect_language(text),
        media_type=facts.media_type,
        sha256=facts.sha256,
        text=text,
        blocks=tuple(builder.blocks),
        page_starts=builder.page_starts(),
        metadata=parsed.metadata,
        part=facts.part,
    )


def clean_line(text: str) -> str:
    """One line: composed characters, nothing invisible, single blanks."""
    return _BLANKS.sub(" ", _characters(text)).replace(PAGE_BREAK, "").strip()


def page_at(page_starts: tuple[int, ...], offset: int) -> int | None:
    """1-based page of the character at ``offset``; ``None`` without pages."""
    return max(bisect_right(page_starts, offset), 1) if page_starts else None


class _TextBuilder:
    """Lays blocks out one after the other and notes where each one and each page begins."""

    def __init__(self, *, pages: int) -> None:
        self.blocks: list[CleanBlock] = []
        self._pieces: list[str] = []
        self._length = 0
        self._pages = pages
        self._first_offsets: dict[int, int] = {}
        self._previous: BlockKind | None = None

    @property
    def text(self) -> str:
        """Everything added so far."""
        return "".join(self._pieces)

    def add(self, block: ParsedBlock) -> None:
        """Append a block, unless nothing visible is left of it."""
        text, turns = _cleaned(block)
        if not any(character.isalnum() or _is_symbol(character) for character in text):
            return
        self._append(self._separator(block))
        start = self._length
        self._append(text)
        if block.page is not None:
            self._first_offsets.setdefault(block.page, start)
            for number, turn in enumerate(turns, start=1):
                self._first_offsets.setdefault(block.page + number, start + turn)
        self.blocks.append(
            CleanBlock(
                kind=block.kind,
                start=start,
                end=self._length,
                level=block.level,
                header=clean_line(block.header),
            )
        )
        self._previous = block.kind

    def page_starts(self) -> tuple[int, ...]:
        """Offset of each page; a page without text begins where the next one does."""
        starts: list[int] = []
        following = self._length
        for page in range(self._pages, 0, -1):
            following = self._first_offsets.get(page, following)
            starts.append(following)
        return tuple(reversed(starts))

    def _separator(self, block: ParsedBlock) -> str:
        if self._previous is None:
            return ""
        return "\n" if block.kind is self._previous and block.kind in _GROUPED and not block.opens else "\n\n"

    def _append(self, text: str) -> None:
        self._pieces.append(text)
        self._length += len(text)


def _cleaned(block: ParsedBlock) -> tuple[str, list[int]]:
    """The block's text, and the offsets in it at which a new page begins."""
    if block.kind is BlockKind.CODE:
        lines = _TRAILING_BLANKS.sub("", _characters(block.text.expandtabs(4)).replace(PAGE_BREAK, "\n"))
        return lines.strip("\n"), []
    pieces = _BLANKS.sub(" ", _characters(block.text)).strip().split(PAGE_BREAK)
    turns: list[int] = []
    text = pieces[0]
    for piece in pieces[1:]:
        turns.append(len(text))
        text += piece
    return text, turns


def _characters(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return unicodedata.normalize("NFC", _INVISIBLE.sub("", text))


def _is_symbol(character: str) -> bool:
    """Currency, mathematics and emoji say something; lone dashes, bars and dots do not."""
    return unicodedata.category(character) in ("Sc", "Sm", "So") and character not in "|=~^"


def _title(parsed: ParsedDocument, facts: FileFacts) -> str:
    candidates = _candidates(facts.title, parsed.title, _main_heading(parsed.blocks))
    return next(iter(candidates), readable_stem(facts.path))


def _main_heading(blocks: tuple[ParsedBlock, ...]) -> str | None:
    """The first top heading, if it heads the whole document and not just one of its chapters."""
    tops = [n for n, block in enumerate(blocks) if block.kind is BlockKind.HEADING and block.level == 1]
    return blocks[tops[0]].text if tops and (len(tops) == 1 or tops[0] < _FIRST_BLOCKS) else None


def _candidates(override: str | None, own: str | None, heading: str | None) -> Iterable[str]:
    if override and clean_line(override):
        yield clean_line(override)
    for found in (own, heading):
        title = clean_line(found or "")
        is_usable = any(character.isalnum() for character in title) and not _MEANINGLESS_TITLE.match(title)
        if is_usable and len(title) <= _LONGEST_TITLE:
            yield title


def readable_stem(path: str) -> str:
    """The file's name as a title: ``annual_leave-2024.md`` gives ``Annual leave 2024``."""
    name = PurePosixPath(path).name
    suffix = suffix_of(path)
    stem = clean_line(re.sub(r"[_\-]+", " ", name[: len(name) - len(suffix)] if suffix else name))
    return (stem[:1].upper() + stem[1:])[:_LONGEST_TITLE] or name
