"""Collections, documents, their versions and chunks, and who may read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rag.domain.arrays import Vector

CELL_SEPARATOR = " | "
"""Between the cells of a table's row in stored text, which has one line a row."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """What the asker may read: a document is visible if it has no groups, or shares one with the asker.

    Attributes:
        groups: the asker's groups; ``None`` reads every document (a local operator).
    """

    groups: frozenset[str] | None

    @classmethod
    def everything(cls) -> Access:
        """The rights of a local operator: every document."""
        return cls(groups=None)

    def allows(self, groups: frozenset[str]) -> bool:
        """Whether a document restricted to ``groups`` (empty: unrestricted) is visible."""
        return self.groups is None or not groups or bool(self.groups & groups)


@dataclass(frozen=True, kw_only=True, slots=True)
class EmbeddingProfile:
    """Which vectors a collection holds; two profiles with the same fingerprint are interchangeable.

    Attributes:
        fingerprint: SHA-256 of the model weights and tokenizer, hex, prefixed by the model's short name.
        dimension: numbers per vector.
        max_tokens: word pieces the model reads; longer input is cut silently by the model.
    """

    fingerprint: str
    dimension: int
    max_tokens: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Collection:
    """A named set of documents that is searched together.

    Attributes:
        sequence: counts committed changes; an index built at the same sequence is up to date.
        revision: counts the changes that no index needs to know of, of access groups and paths. What is kept
            of a search under someone's rights holds for the same ``sequence``, ``revision`` and ``space``.
        embedding_model: the setting that loads the model of ``fingerprint`` again; empty when unknown.
        chunker: version of the chunker that cut the chunks.
        space: the set of chunks that serves; a re-embedding prepares the next one beside it.
    """

    id: str
    name: str
    fingerprint: str
    dimension: int
    sequence: int
    created_at: datetime
    documents: int = 0
    chunks: int = 0
    embedding_model: str = ""
    chunker: int = 1
    space: int = 0
    revision: int = 0


def embedded_text(context: str, text: str) -> str:
    """What the embedding model and the keyword index read of a chunk; only ``text`` is ever quoted."""
    return f"{context}\n{text}"


def document_card(title: str, uri: str) -> str:
    """What a document is called by people who ask about it: its title, and where it lies."""
    return f"{title}\n{uri}"


def source_uri(label: str, path: str, part: str) -> str:
    """What citations show of a document: where the file is, and after ``!`` where in it the document is."""
    return f"{label}/{path}!/{part}" if part else f"{label}/{path}"


@dataclass(frozen=True, kw_only=True, slots=True)
class NewChunk:
    """A chunk with its vector, ready to commit.

    Attributes:
        start, end: offsets into the version's text; ``text == version.text[start:end]``.
        heading: heading path, outermost first, joined by `` > ``; empty above the first heading.
        page: 1-based page of the chunk's first character, where the format has pages.
        context: title and heading path, prefixed for embedding and keywords, never quoted.
    """

    ordinal: int
    start: int
    end: int
    text: str
    heading: str
    page: int | None
    context: str
    tokens: int
    vector: Vector


@dataclass(frozen=True, kw_only=True, slots=True)
class NewVersion:
    """One parsed, chunked and embedded state of a source file, committed in one transaction.

    Attributes:
        root: the synced folder (absolute path or URL); a sync only deletes below its own root.
        path: source file below ``root``, ``/``-separated.
        part: where in that file the document is embedded: a mail's attachment, an archive's member; empty
            for the file itself. ``root``, ``path`` and ``part`` are the document's identity.
        source_uri: what citations show.
        sha256, size, mtime_ns: of the source file, whose bytes are hashed (hex).
        language: ISO 639-1 code, or ``und`` when undetermined.
        page_starts: offset of each page's first character; empty where the format has no pages.
        layout: the text's blocks as the ingestion packs them, to cut it into chunks again; opaque here.
        groups: access groups; empty means everyone.
    """

    root: str
    path: str
    source_uri: str
    sha256: str
    size: int
    mtime_ns: int
    media_type: str
    title: str
    language: str
    text: str
    part: str = ""
    page_starts: tuple[int, ...] = ()
    layout: bytes | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    groups: frozenset[str] = frozenset()
    chunks: tuple[NewChunk, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """A document as the catalog knows it: identity plus its current version's facts."""

    id: str
    collection_id: str
    root: str
    path: str
    part: str
    source_uri: str
    title: str
    language: str
    media_type: str
    version: int
    sha256: str
    size: int
    mtime_ns: int
    chunks: int
    characters: int
    groups: frozenset[str]
    metadata: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceState:
    """What the catalog remembers of a source file, for planning a sync.

    Attributes:
        title: of the file's own document; ``None`` when only files embedded in it have text.
    """

    path: str
    sha256: str
    size: int
    mtime_ns: int
    groups: frozenset[str]
    title: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DocumentText:
    """The stored text of one version of a document; citations' offsets point into it.

    Attributes:
        layout: its blocks as the ingestion packed them; ``None`` for what an early Footnote stored.
    """

    document_id: str
    version: int
    title: str
    source_uri: str
    text: str
    page_starts: tuple[int, ...]
    layout: bytes | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredChunk:
    """A chunk re-read from the catalog under the asker's rights."""

    id: int
    document_id: str
    version: int
    title: str
    source_uri: str
    language: str
    ordinal: int
    start: int
    end: int
    text: str
    heading: str
    page: int | None
    context: str
    mtime_ns: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexChunk:
    """A chunk as the index builders read it from the catalog.

    Attributes:
        card: what its document is called; see :func:`document_card`.
    """

    id: int
    context: str
    text: str
    language: str
    vector: Vector
    card: str = ""
