"""Pairs of a query and a chunk that answers it, mined from a document's own outline and sentences.

The query is taken out of the chunk's context and text: otherwise a model would learn to find copies.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile

from ingest.chunk import PATH_SEPARATOR
from ingest.stages import BlockKind, CleanBlock
from rag.domain import StoredChunk, embedded_text


class PairKind(StrEnum):
    """Where a pair's query comes from."""

    TITLE = "title"
    HEADING = "heading"
    QUESTION = "question"
    TERM = "term"
    SENTENCE = "sentence"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """A query and the chunk that answers it.

    Attributes:
        parent: the heading above, or the title: tells apart what is headed alike; may be empty.
        ordinal: of the chunk in its document.
        context, text: the chunk's own, without the query.
        hidden: the query as it stands in the document; the parent too, where that became part of the query.
    """

    kind: PairKind
    query: str
    parent: str
    document_id: str
    ordinal: int
    context: str
    text: str
    hidden: tuple[str, ...] = ()

    @property
    def passage(self) -> str:
        """What the model reads of the chunk."""
        return embedded_text(self.context, self.text)


@dataclass(frozen=True, kw_only=True, slots=True)
class OutlinedDocument:
    """A stored document with its blocks and its chunks, both in order."""

    id: str
    path: str
    title: str
    language: str
    text: str
    blocks: tuple[CleanBlock, ...]
    chunks: tuple[StoredChunk, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Section:
    """A heading with the blocks directly below it."""

    heading: str
    parent: str
    start: int
    end: int


_INSIDE = frozenset((PairKind.TERM, PairKind.SENTENCE, PairKind.QUESTION))
"""Their queries stand within a line of the text."""

TITLE_CHUNKS = 3
"""A title is paired with so many chunks of its document, spread over it."""

_MIN_TEXT_WORDS = 12
_MIN_QUERY_WORDS = 2
_MAX_QUERY_WORDS = 32
_MIN_OPENING_WORDS = 6
_MIN_REST_WORDS = 30  # of a chunk that can spare its first sentence
_COPIED = 0.6  # share of the query's words that make a line its copy
_MAX_TERM_WORDS = 6
_MIN_DEFINITION_WORDS = 10
_WORD = re.compile(r"[^\W_]+")
# Also where the blank after a sentence is missing, as in "demandes.Pour cela": pages copied from the web.
_SENTENCE_END = re.compile(r"(?<=[\w)\"”»]{2}) ?[.!?…](?=\s|[^\W\d_a-z])|\n")
_NUMBERING = re.compile(r"^(?:[A-Z]?\d+(?:\.\d+)*[.):]?|[A-Za-z][.)]|[§•*–—-])\s+")
_DEFINITION = re.compile(r"^(?P<term>[^\n:|]{3,60}?)\s*(?::| \| | [–—-] )\s*(?P<text>.+)$", re.DOTALL)
_QUESTION_WORDS = frozenset(
    """how what when where which who whom whose why can could do does did is are may must should
    comment combien pourquoi quand quel quelle quels quelles qui où quoi que peut-on doit-on faut-il est-ce
    qu'est-ce puis-je dois-je""".split()
)


def mine(document: OutlinedDocument) -> Iterator[Pair]:
    """All pairs of the document; the same query may head more than one chunk."""
    yield from _titled(document)
    for section in _sections(document):
        chunk = _first_within(document.chunks, section.start, section.end)
        if chunk is not None:
            kind = PairKind.QUESTION if is_question(section.heading) else PairKind.HEADING
            yield from _pair(kind, section.heading, section.parent, document, chunk)
    yield from _defined(document)
    for chunk in document.chunks:
        yield from _opening(document, chunk)


def is_question(text: str) -> bool:
    """Whether a heading or sentence asks something, in English or French."""
    first = text.lower().replace("’", "'").split(maxsplit=1)[:1]
    return text.rstrip().endswith("?") or (bool(first) and first[0] in _QUESTION_WORDS)


def words(text: str) -> list[str]:
    """The words of ``text`` in lower case, without punctuation."""
    return _WORD.findall(text.lower())


def without_query(context: str, text: str, query: str) -> tuple[str, str]:
    """A chunk's context and text without the lines and path elements that repeat the query."""
    kept_context = [
        PATH_SEPARATOR.join(part for part in line.split(PATH_SEPARATOR) if not _copies(part, query))
        for line in context.split("\n")
    ]
    kept_text = [line for line in text.split("\n") if not _is_line_of(line, query)]
    return "\n".join(filter(None, kept_context)), re.sub(r"\n{3,}", "\n\n", "\n".join(kept_text)).strip()


def conceal(context: str, text: str, pair: Pair) -> tuple[str, str]:
    """Any chunk's context and text without what ``pair`` asks with."""
    for part in pair.hidden:
        context, text = without_query(context, text, part)
        if pair.kind in _INSIDE:
            text = text.replace(part, "", 1)
    return context, text


def _titled(document: OutlinedDocument) -> Iterator[Pair]:
    count = len(document.chunks)
    places = dict.fromkeys(place * count // TITLE_CHUNKS for place in range(TITLE_CHUNKS)) if count else ()
    for place in places:
        yield from _pair(PairKind.TITLE, document.title, "", document, document.chunks[place])


def _sections(document: OutlinedDocument) -> Iterator[_Section]:
    """The headings that have text of their own directly below them, and are not the title once more."""
    path: list[tuple[int, str]] = []
    blocks = document.blocks
    for place, block in enumerate(blocks):
        if block.kind is not BlockKind.HEADING:
            continue
        heading = " ".join(document.text[block.start : block.end].split())
        path = [(level, above) for level, above in path if level < block.level]
        body = list(takewhile(lambda each: each.kind is not BlockKind.HEADING, blocks[place + 1 :]))
        if body and words(heading) != words(document.title):
            parent = path[-1][1] if path else document.title
            yield _Section(heading=heading, parent=parent, start=body[0].start, end=body[-1].end)
        path.append((block.level, heading))


def _defined(document: OutlinedDocument) -> Iterator[Pair]:
    """Terms that are followed by what they mean, in a list, a table or a short paragraph."""
    for block in document.blocks:
        found = _DEFINITION.match(document.text[block.start : block.end])
        if block.kind in (BlockKind.HEADING, BlockKind.CODE) or found is None:
            continue
        term, meaning = found["term"].strip("•*- "), found["text"]
        if not _names_something(term) or len(words(meaning)) < _MIN_DEFINITION_WORDS:
            continue
        chunk = _first_within(document.chunks, block.start, block.end)
        if chunk is not None and block.end <= chunk.end:
            yield from _pair(PairKind.TERM, term, document.title, document, chunk, text=meaning)


def _names_something(term: str) -> bool:
    """Whether a term is short and more than a number such as ``5.1.1``."""
    found = words(term)
    return len(found) <= _MAX_TERM_WORDS and any(word.isalpha() and len(word) > 1 for word in found)


def _opening(document: OutlinedDocument, chunk: StoredChunk) -> Iterator[Pair]:
    """The chunk's first full sentence and the text after it."""
    start = 0
    for found in _SENTENCE_END.finditer(chunk.text):
        opening, rest = chunk.text[start : found.start() + 1].strip(), chunk.text[found.end() :].strip()
        if len(words(rest)) < _MIN_REST_WORDS:
            return
        if len(words(opening)) >= _MIN_OPENING_WORDS:
            kind = PairKind.QUESTION if opening.endswith("?") else PairKind.SENTENCE
            yield from _pair(kind, opening, "", document, chunk, text=rest)
            return
        start = found.end()


def _pair(
    kind: PairKind,
    heading: str,
    parent: str,
    document: OutlinedDocument,
    chunk: StoredChunk,
    *,
    text: str | None = None,
) -> Iterator[Pair]:
    """The pair, unless query or text is too short or too long to mean anything."""
    query = _NUMBERING.sub("", " ".join(heading.split())).strip(" |")
    context, rest = without_query(chunk.context, chunk.text if text is None else text, heading)
    if len(words(query)) > _MAX_QUERY_WORDS or not words(query) or len(words(rest)) < _MIN_TEXT_WORDS:
        return
    yield Pair(
        kind=kind,
        query=query,
        parent=_NUMBERING.sub("", parent).strip(),
        document_id=document.id,
        ordinal=chunk.ordinal,
        context=context,
        text=rest,
        hidden=(heading,),
    )


def _first_within(chunks: Sequence[StoredChunk], start: int, end: int) -> StoredChunk | None:
    return next((chunk for chunk in chunks if chunk.start < end and chunk.end > start), None)


def _copies(part: str, query: str) -> bool:
    """Whether most of the query's words stand in a title, a heading or a file's name."""
    wanted, found = set(words(query)), set(words(part))
    return bool(wanted) and len(wanted & found) >= _COPIED * len(wanted)


def _is_line_of(line: str, query: str) -> bool:
    """Whether a line of the text is the query itself, and no more."""
    return bool(line) and words(line) == words(query)
