"""What travels between the stages: one frozen type each, so that a half-finished thing can't be passed on.

``SourceFile ─parse► ParsedDocument ─clean► CleanDocument ─chunk► ChunkedDocument ─embed► EmbeddedDocument``;
parsing and cleaning a file with others inside it gives one :class:`CleanDocument` each, together a
:class:`ReadFile`; a file that fails on the way becomes a :class:`FailedFile` and travels on to be counted.
Parser processes import this module, so it stays free of heavy imports.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ingest.result import IngestFailure
from ingest.sources import SourceFile
from rag.domain import embedded_text

if TYPE_CHECKING:
    from rag.domain import Matrix

PAGE_BREAK = "\f"
"""Inside a parsed block's text: the next character is the first of the next page."""


class BlockKind(StrEnum):
    """What a block is; it decides how the block is separated from the next one and where it may be cut."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST_ITEM = "list_item"
    TABLE_ROW = "table_row"
    CODE = "code"


@dataclass(frozen=True, kw_only=True, slots=True)
class ParsedBlock:
    """A piece of a document as a parser found it.

    Attributes:
        level: 1 to 6 for a heading, otherwise 0.
        page: 1-based page of the first character, where the format has pages.
        header: text of the table's header row, for the rows below it.
        opens: the first row of a table, which stands apart from what is before it.
    """

    kind: BlockKind
    text: str
    level: int = 0
    page: int | None = None
    header: str = ""
    opens: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class EmbeddedFile:
    """A file inside another one: an attachment, or a member of an archive.

    Attributes:
        name: as the outer file has it, so not to be trusted; may be a path. Empty: the outer file's own name
            without its suffix.
        read: unpacks the content; its argument is the largest number of bytes wanted, and more than that, a
            password or damage is a ``SourceError``.
    """

    name: str
    read: Callable[[int], bytes]


@dataclass(frozen=True, kw_only=True, slots=True)
class ParsedDocument:
    """All blocks of a file, in reading order.

    Attributes:
        title: the title that the format carries apart from the text; ``None`` when it has none.
        pages: number of pages; 0 where the format has none.
        embedded: the files inside it, each to become a document of its own.
    """

    blocks: tuple[ParsedBlock, ...]
    title: str | None = None
    pages: int = 0
    metadata: Mapping[str, Any] = field(default_factory=dict)
    embedded: tuple[EmbeddedFile, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class CleanBlock:
    """A block at its place in the stored text."""

    kind: BlockKind
    start: int
    end: int
    level: int = 0
    header: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CleanDocument:
    """The text as it will be stored, with the blocks' offsets into it.

    Attributes:
        sha256: hash of the source file's bytes that were parsed, hex; a part has that of its outer file.
        page_starts: offset of each page's first character.
        part: path inside the source file, as in ``inner.zip/report.docx``; empty for the file itself.
    """

    title: str
    language: str
    media_type: str
    sha256: str
    text: str
    blocks: tuple[CleanBlock, ...]
    page_starts: tuple[int, ...]
    metadata: Mapping[str, Any]
    part: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadFile:
    """A source file as its parser process gives it back.

    Attributes:
        documents: at least one: the file's own, if it has text, then those of the files inside it, in order.
            No two have the same ``part``.
        failures: files inside it that could not be taken, with paths like ``mail.eml!/scan.pdf``.
    """

    documents: tuple[CleanDocument, ...]
    failures: tuple[IngestFailure, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkDraft:
    """A chunk without its vector; ``document.text[start:end]`` is its text.

    Attributes:
        context: what is read before the text when embedding and searching, never quoted.
        tokens: word pieces of context and text together, special tokens included.
    """

    start: int
    end: int
    heading: str
    page: int | None
    context: str
    tokens: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkedDocument:
    """A document with its chunks."""

    document: CleanDocument
    drafts: tuple[ChunkDraft, ...]

    def embedded_texts(self) -> list[str]:
        """What the embedding model reads of each chunk."""
        text = self.document.text
        return [embedded_text(draft.context, text[draft.start : draft.end]) for draft in self.drafts]


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkedFile:
    """All documents of a source file, ready to embed; ``failures`` as in :class:`ReadFile`."""

    file: SourceFile
    documents: tuple[ChunkedDocument, ...]
    failures: tuple[IngestFailure, ...] = ()

    @property
    def chunks(self) -> int:
        """Chunks of all its documents."""
        return sum(len(document.drafts) for document in self.documents)


@dataclass(frozen=True, kw_only=True, slots=True)
class VectorizedFile:
    """A chunked file whose chunks all have vectors, ready to commit.

    Attributes:
        vectors: a matrix for each document of ``chunked``; row ``i`` belongs to draft ``i``.
        embedded: how many of the chunks the model was run for; the others had a vector already.
    """

    chunked: ChunkedFile
    vectors: tuple[Matrix, ...]
    embedded: int


@dataclass(frozen=True, kw_only=True, slots=True)
class FailedFile:
    """A file that could not be taken, on its way to the result."""

    file: SourceFile
    failure: IngestFailure
