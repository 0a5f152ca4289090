"""The documents of a collection as questions are made from them: sections of blocks, with their places."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ingest.layout import stored_document
from ingest.stages import BlockKind, CleanBlock
from rag.domain import Access, Collection
from rag.interfaces import Catalog
from rag.text.sentences import split_sentences

_PAGE = 100
_EVERYTHING = Access.everything()
_SMALL_WORD = re.compile(r"\b[a-zà-öø-ÿœ][\w-]*")
_LARGE_INSIDE = re.compile(r"(?<=[a-zà-ÿ,;] )[A-ZÀ-ÖØ-Þ][\w-]+")
_NUMBERING = re.compile(
    r"^(?:[A-Z]?\d+(?:\.\d+)*[.):]?|[A-Z][.)]|[-*•–—]|(?:Article|Annexe?|Appendix|Chap\w+) \w+ ?[:.–-])\s+"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A block of a document: its text, and where it starts."""

    kind: BlockKind
    text: str
    start: int
    header: str = ""

    def sentences(self) -> Iterator[str]:
        """Its sentences, each an exact part of the document's text."""
        for start, end in split_sentences(self.text):
            yield self.text[start:end]


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """A heading with the blocks directly below it; an empty heading above the first one."""

    heading: str
    blocks: tuple[Block, ...]

    @property
    def text(self) -> str:
        """Its blocks, one a line."""
        return "\n".join(block.text for block in self.blocks)


@dataclass(frozen=True, kw_only=True)
class SourceDocument:
    """A stored document.

    Attributes:
        address: as citations name it.
    """

    address: str
    title: str
    language: str
    text: str
    sections: tuple[Section, ...]


def small_words_of(documents: Iterable[SourceDocument]) -> set[str]:
    """Words that stand inside sentences with a small letter more often than with a capital."""
    small: Counter[str] = Counter()
    large: Counter[str] = Counter()
    for document in documents:
        small.update(_SMALL_WORD.findall(document.text))
        large.update(word.lower() for word in _LARGE_INSIDE.findall(document.text))
    return {word for word, count in small.items() if count > large[word]}


def read_documents(catalog: Catalog, collection: Collection) -> Iterator[SourceDocument]:
    """All documents, in the order of their ids."""
    after = None
    while page := catalog.documents(collection.id, access=_EVERYTHING, limit=_PAGE, after=after):
        for document in page:
            stored = stored_document(catalog.content(document.id, access=_EVERYTHING))
            yield SourceDocument(
                address=document.source_uri,
                title=without_numbering(stored.title),
                language=document.language,
                text=stored.text,
                sections=tuple(_sections(stored.text, stored.blocks)),
            )
        after = page[-1].id


def without_numbering(heading: str) -> str:
    """``2.1 Scope`` as ``Scope``; white space in one piece."""
    return _NUMBERING.sub("", " ".join(heading.split())).strip(" :|")


def _sections(text: str, blocks: tuple[CleanBlock, ...]) -> Iterator[Section]:
    heading = ""
    held: list[Block] = []
    for block in blocks:
        if block.kind is BlockKind.HEADING:
            if held:
                yield Section(heading=heading, blocks=tuple(held))
            heading, held = without_numbering(text[block.start : block.end]), []
        elif block.kind is not BlockKind.CODE:
            part = text[block.start : block.end]
            held.append(Block(kind=block.kind, text=part, start=block.start, header=block.header))
    if held:
        yield Section(heading=heading, blocks=tuple(held))
