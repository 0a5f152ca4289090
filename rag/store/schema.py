"""The catalog's tables.

A change here needs a migration in ``migrations/versions``; a test compares the two.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

# SQLite gives AUTOINCREMENT (a deleted row's number is never used again) to the type INTEGER alone.
RowNumber = BigInteger().with_variant(Integer, "sqlite")

# SQLite compares by code point anyway.
ByCodePoint = Text().with_variant(Text(collation="C"), "postgresql")

_NAMES = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC; SQLite keeps no zone, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store in UTC."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give back in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Base of all tables; constraints have names, so that migrations can change them on SQLite too."""

    metadata = MetaData(naming_convention=_NAMES)
    type_annotation_map = {  # noqa: RUF012
        datetime: UtcDateTime,
        dict[str, Any]: JSON,
        list[dict[str, Any]]: JSON,
        list[int]: JSON,
    }


class CollectionRow(Base):
    """A collection; its row is locked by every change to its documents.

    Attributes:
        sequence: counts the committed changes of chunks.
        revision: counts the changes of documents' facts that leave their chunks alone (rights, paths).
        documents, chunks: live counts, kept by the same transaction as the change; ``chunks`` of ``space``.
        embedding_model: the setting that loads the model of ``fingerprint`` again; empty when unknown.
        chunker: version of the chunker that cut the chunks.
        space: the chunks that serve; others are being prepared by another model or chunker, or are left over.
        newest_space: the highest number ever given to a space, so that none is used twice.
    """

    __tablename__ = "collections"

    id: Mapped[str] = mapped_column(String, primary_key=True)
    name: Mapped[str] = mapped_column(String, unique=True)
    fingerprint: Mapped[str] = mapped_column(String)
    dimension: Mapped[int]
    embedding_model: Mapped[str] = mapped_column(String, server_default="")
    chunker: Mapped[int] = mapped_column(server_default="1")
    space: Mapped[int] = mapped_column(server_default="0")
    newest_space: Mapped[int] = mapped_column(server_default="0")
    sequence: Mapped[int] = mapped_column(BigInteger)
    revision: Mapped[int] = mapped_column(BigInteger, server_default="0")
    documents: Mapped[int] = mapped_column(BigInteger)
    chunks: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]


class BegunSpaceRow(Base):
    """The space that another model or chunker fills while the collection's own serves; gone at the switch."""

    __tablename__ = "begun_spaces"

    collection_id: Mapped[str] = mapped_column(
        ForeignKey("collections.id", ondelete="CASCADE"), primary_key=True
    )
    space: Mapped[int]
    fingerprint: Mapped[str] = mapped_column(String)
    dimension: Mapped[int]
    embedding_model: Mapped[str] = mapped_column(String)
    chunker: Mapped[int]


class DocumentRow(Base):
    """A document's identity and the facts of its current version.

    Attributes:
        path: the source file below ``root``.
        part: where in that file the document is embedded (an attachment, an archive's member); empty for
            the file itself.
        sha256, size, mtime_ns: of the source file.
        space: the newest space that holds the current version's chunks.
    """

    __tablename__ = "documents"
    __table_args__ = (
        UniqueConstraint("collection_id", "root", "path", "part"),
        Index(None, "collection_id", "id"),
        # Filters look at every document: by this index alone SQLite reads them in the order they lie on disk.
        Index(None, "collection_id"),
    )

    id: Mapped[str] = mapped_column(String, primary_key=True)
    collection_id: Mapped[str] = mapped_column(ForeignKey("collections.id", ondelete="CASCADE"))
    root: Mapped[str] = mapped_column(Text)
    path: Mapped[str] = mapped_column(Text)
    part: Mapped[str] = mapped_column(Text, server_default="")
    source_uri: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(String)
    media_type: Mapped[str] = mapped_column(String)
    version: Mapped[int]
    sha256: Mapped[str] = mapped_column(String)
    size: Mapped[int] = mapped_column(BigInteger)
    mtime_ns: Mapped[int] = mapped_column(BigInteger)
    space: Mapped[int] = mapped_column(server_default="0")
    attributes: Mapped[dict[str, Any]] = mapped_column("metadata")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class GroupRow(Base):
    """A group that may read a document; a document without rows is open to everyone."""

    __tablename__ = "document_groups"

    document_id: Mapped[str] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True)
    group: Mapped[str] = mapped_column(String, primary_key=True)


class FactRow(Base):
    """A scalar of a document's metadata, for filters; derived by :func:`rag.facts.facts_of`.

    Attributes:
        place: order within the document.
        text: as long as an index takes; PostgreSQL compares it by code point too.
    """

    __tablename__ = "document_facts"
    # It holds all that a filter reads: the rows themselves lie elsewhere on disk, each in its own place.
    __table_args__ = (
        Index("ix_document_facts_all", "collection_id", "name", "text", "number", "moment", "document_id"),
    )

    document_id: Mapped[str] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    collection_id: Mapped[str] = mapped_column(String)
    name: Mapped[str] = mapped_column(String)
    text: Mapped[str] = mapped_column(ByCodePoint)
    number: Mapped[float | None] = mapped_column(Double)
    moment: Mapped[datetime | None]


class VersionRow(Base):
    """The text of one version. Old ones stay, so that an old citation can still be checked.

    Attributes:
        layout: the text's blocks as the ingestion packed them, to cut it into chunks again.
    """

    __tablename__ = "document_versions"

    document_id: Mapped[str] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(String)
    text: Mapped[str] = mapped_column(Text)
    characters: Mapped[int]
    page_starts: Mapped[list[int]]
    layout: Mapped[bytes | None] = mapped_column(LargeBinary)
    title: Mapped[str] = mapped_column(Text)
    committed_at: Mapped[datetime]


class ChunkRow(Base):
    """A chunk of a document's current version, with its vector as float16 bytes.

    Within a space ids grow with ``added_sequence``: both are given under the collection's lock.

    Attributes:
        space: the collection's own ``space`` for the chunks that serve.
        embedding_key: hash of model and embedded text; equal keys have equal vectors.
    """

    __tablename__ = "chunks"
    __table_args__ = (
        ForeignKeyConstraint(
            ["document_id", "version"],
            ["document_versions.document_id", "document_versions.version"],
            ondelete="CASCADE",
        ),
        UniqueConstraint("document_id", "space", "ordinal"),
        Index(None, "collection_id", "space", "added_sequence", "id"),
        Index(None, "embedding_key"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(RowNumber, Identity(always=True), primary_key=True)
    collection_id: Mapped[str] = mapped_column(ForeignKey("collections.id", ondelete="CASCADE"))
    document_id: Mapped[str] = mapped_column(String)
    version: Mapped[int]
    space: Mapped[int] = mapped_column(server_default="0")
    ordinal: Mapped[int]
    start: Mapped[int]
    end: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    heading: Mapped[str] = mapped_column(Text)
    page: Mapped[int | None]
    context: Mapped[str] = mapped_column(Text)
    tokens: Mapped[int]
    vector: Mapped[bytes] = mapped_column(LargeBinary)
    embedding_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    added_sequence: Mapped[int] = mapped_column(BigInteger)


class RemovedChunkRow(Base):
    """The journal of removed chunks that index builders read."""

    __tablename__ = "removed_chunks"
    __table_args__ = (Index(None, "collection_id", "sequence"),)

    chunk_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    collection_id: Mapped[str] = mapped_column(ForeignKey("collections.id", ondelete="CASCADE"))
    sequence: Mapped[int] = mapped_column(BigInteger)


class ConversationRow(Base):
    """A conversation; its row is locked by every turn added to it.

    Attributes:
        id: its name among those of its owner.
        turns: how many were added.
    """

    __tablename__ = "conversations"
    __table_args__ = (
        UniqueConstraint("owner", "id"),
        Index(None, "owner", "number"),
        Index(None, "collection_id"),
        Index(None, "expires_at"),
        {"sqlite_autoincrement": True},
    )

    number: Mapped[int] = mapped_column(RowNumber, Identity(always=True), primary_key=True)
    owner: Mapped[str] = mapped_column(String)
    id: Mapped[str] = mapped_column(String)
    collection_id: Mapped[str] = mapped_column(ForeignKey("collections.id", ondelete="CASCADE"))
    turns: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class TurnRow(Base):
    """A question and its answer; ``ordinal`` counts from 1 in the order of commits."""

    __tablename__ = "conversation_turns"

    conversation: Mapped[int] = mapped_column(
        RowNumber, ForeignKey("conversations.number", ondelete="CASCADE"), primary_key=True
    )
    ordinal: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    question: Mapped[str] = mapped_column(Text)
    standalone_question: Mapped[str | None] = mapped_column(Text)
    answer: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String)
    answer_id: Mapped[str] = mapped_column(String)
    llm: Mapped[str] = mapped_column(String)
    citations: Mapped[list[dict[str, Any]]]
    created_at: Mapped[datetime]


class JobRow(Base):
    """Background work; ``number`` is the order of arrival.

    Attributes:
        owner: the worker that holds the lease, or held it last.
        lease_until: of a running job: when its worker counts as dead; of a queued one: not before then.
        attempts: how many workers have begun it and neither ended it nor gave it back.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        Index(None, "state", "number"),
        {"sqlite_autoincrement": True},
    )

    number: Mapped[int] = mapped_column(RowNumber, Identity(always=True), primary_key=True)
    id: Mapped[str] = mapped_column(String, unique=True)
    kind: Mapped[str] = mapped_column(String)
    collection: Mapped[str] = mapped_column(String)
    state: Mapped[str] = mapped_column(String)
    stage: Mapped[str] = mapped_column(String)
    request: Mapped[dict[str, Any]]
    counts: Mapped[dict[str, Any]]
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    error_code: Mapped[str | None] = mapped_column(String)
    error_message: Mapped[str | None] = mapped_column(Text)
    idempotency_key: Mapped[str | None] = mapped_column(String, unique=True)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    heartbeat_at: Mapped[datetime | None]
    owner: Mapped[str | None] = mapped_column(String)
    lease_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(server_default="0")


class JobFileRow(Base):
    """What became of one file of a job; ``number`` is the order in which a job's files were recorded."""

    __tablename__ = "job_files"
    __table_args__ = (
        Index(None, "job_id", "number"),
        Index(None, "job_id", "state", "number"),
    )

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    path: Mapped[str] = mapped_column(Text, primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String)
    code: Mapped[str | None] = mapped_column(String)
    message: Mapped[str | None] = mapped_column(Text)


class JobReportRow(Base):
    """What a job came to where that is too large for its row, as its worker packed it."""

    __tablename__ = "job_reports"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
