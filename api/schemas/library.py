"""Collections, documents, their text and their chunks as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import Field

from api.schemas.base import Body, RequestBody, optional
from rag.domain import Collection, Document, DocumentText, StoredChunk
from rag.embedding.tuned_models import is_tuned


class NewCollection(RequestBody):
    """A collection to create."""

    name: str = Field(description="Letters, digits, `_`, `.`, `-`; at most 63 characters.")


class CollectionBody(Body):
    """A named set of documents that is searched together."""

    id: str
    name: str
    embedding_model: str = Field(description="Fingerprint of the model its vectors come from.")
    tuned: bool = Field(description="Whether that model was tuned to the collection.")
    dimension: int
    documents: int
    chunks: int
    created_at: datetime

    @classmethod
    def of(cls, collection: Collection) -> CollectionBody:
        """The JSON of a collection."""
        return cls(
            id=collection.id,
            name=collection.name,
            embedding_model=collection.fingerprint,
            tuned=is_tuned(collection.embedding_model),
            dimension=collection.dimension,
            documents=collection.documents,
            chunks=collection.chunks,
            created_at=collection.created_at,
        )


class DeletedCollection(Body):
    """What a collection's removal took away."""

    documents_removed: int


class DocumentBody(Body):
    """A document's current version, without its text."""

    id: str
    collection: str
    title: str
    source_uri: str
    root: str = Field(description="The synced folder.")
    path: str = Field(description="Source file below the synced folder.")
    part: str = Field(description="Where in that file: an attachment, an archive's member; empty: itself.")
    language: str
    media_type: str
    version: int
    sha256: str
    size: int = Field(description="Bytes of the source file.")
    chunks: int
    characters: int
    groups: Sequence[str] = Field(description="Access groups; empty: everyone.")
    metadata: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, document: Document, collection: str) -> DocumentBody:
        """The JSON of a document in the collection of that name."""
        return cls(
            id=document.id,
            collection=collection,
            title=document.title,
            source_uri=document.source_uri,
            root=document.root,
            path=document.path,
            part=document.part,
            language=document.language,
            media_type=document.media_type,
            version=document.version,
            sha256=document.sha256,
            size=document.size,
            chunks=document.chunks,
            characters=document.characters,
            groups=sorted(document.groups),
            metadata=document.metadata,
            created_at=document.created_at,
            updated_at=document.updated_at,
        )


class DeletedDocument(Body):
    """What a document's removal took away; it is out of every search when this is read."""

    chunks_removed: int
    vectors_removed: int


class ContentBody(Body):
    """The stored text that citations point into."""

    document_id: str
    version: int
    title: str
    source_uri: str
    text: str
    page_starts: Sequence[int] = Field(description="Offset of each page's first character; empty: no pages.")

    @classmethod
    def of(cls, content: DocumentText) -> ContentBody:
        """The JSON of a stored text."""
        return cls(
            document_id=content.document_id,
            version=content.version,
            title=content.title,
            source_uri=content.source_uri,
            text=content.text,
            page_starts=list(content.page_starts),
        )


class ChunkBody(Body):
    """A chunk of a document's current version; offsets into the document's text."""

    id: str
    ordinal: int
    start: int
    end: int
    text: str
    page: int | None = optional("1-based page, where the format has pages.")
    heading: str | None = optional("Heading path, outermost first.")

    @classmethod
    def of(cls, chunk: StoredChunk) -> ChunkBody:
        """The JSON of a chunk."""
        return cls(
            id=str(chunk.id),
            ordinal=chunk.ordinal,
            start=chunk.start,
            end=chunk.end,
            text=chunk.text,
            page=chunk.page,
            heading=chunk.heading or None,
        )


class ChunksBody(Body):
    """All chunks of a document, in order."""

    document_id: str
    items: Sequence[ChunkBody]
