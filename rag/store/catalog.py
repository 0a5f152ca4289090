"""The catalog behind :class:`rag.interfaces.Catalog`: which transaction each call runs in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from rag.domain import (
    Access,
    Answer,
    ChunkIds,
    Collection,
    Conversation,
    ConversationKey,
    ConversationTurn,
    Document,
    DocumentText,
    EmbeddingProfile,
    IndexChunk,
    Job,
    JobFile,
    JobFileState,
    JobState,
    NewChunk,
    NewVersion,
    SourceState,
    StoredChunk,
    Vector,
)
from rag.errors import StorageError
from rag.filters import Filter
from rag.store import (
    changes,
    chunks,
    collections,
    conversations,
    documents,
    integrity,
    job_files,
    jobs,
    leases,
    reports,
    spaces,
)
from rag.store.allowed import AllowedChunks
from rag.store.database import Database
from rag.store.migrate import migrate


def open_catalog(url: str) -> SqlCatalog:
    """Open the catalog at an SQLAlchemy URL (``sqlite:///FILE``, ``postgresql://…``) and migrate its schema.

    Raises:
        SettingsError: the URL cannot be used.
        StorageError: the database cannot be opened, is damaged, or was made by a newer Footnote.
    """
    database = Database(url)
    try:
        migrate(database)
    except BaseException:
        database.close()
        raise
    return SqlCatalog(database)


class SqlCatalog:
    """Collections, documents, chunks and jobs in SQLite or PostgreSQL; safe to share between threads.

    A read runs in one snapshot, a write in one transaction. The methods' contracts stand in
    :class:`rag.interfaces.Catalog`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._allowed = AllowedChunks()

    # -- collections

    def create_collection(
        self, name: str, profile: EmbeddingProfile, *, embedding_model: str = "", chunker: int = 1
    ) -> Collection:
        """Add an empty collection."""
        with self._database.write() as session:
            return collections.create_collection(session, name, profile, embedding_model, chunker)

    def collection(self, name: str) -> Collection:
        """The collection of that name."""
        with self._database.read() as session:
            return collections.find_collection(session, name)

    def collection_by_id(self, collection_id: str) -> Collection:
        """The collection with that id."""
        with self._database.read() as session:
            return collections.find_collection_by_id(session, collection_id)

    def collections(self) -> list[Collection]:
        """All, by name."""
        with self._database.read() as session:
            return collections.list_collections(session)

    def delete_collection(self, name: str) -> int:
        """Remove a collection and all it holds."""
        with self._database.write() as session:
            return collections.delete_collection(session, name)

    # -- documents

    def put_source(
        self, collection_id: str, versions: Sequence[NewVersion], *, fingerprint: str | None = None
    ) -> list[Document]:
        """Store the documents of a source file, each new or its next version."""
        with self._database.write() as session:
            return changes.put_source(session, collection_id, versions, fingerprint)

    def touch_source(
        self, collection_id: str, root: str, path: str, *, size: int, mtime_ns: int, groups: frozenset[str]
    ) -> None:
        """Record size, time and groups of an unchanged source file."""
        with self._database.write() as session:
            changes.touch_source(session, (collection_id, root, path), size, mtime_ns, groups)

    def move_source(
        self, collection_id: str, root: str, path: str, *, to: str, label: str, mtime_ns: int
    ) -> None:
        """Record the new place of a source file."""
        with self._database.write() as session:
            changes.move_source(session, (collection_id, root, path), to, label, mtime_ns)

    def delete_source(self, collection_id: str, root: str, path: str) -> int:
        """Remove all documents of a source file."""
        with self._database.write() as session:
            return changes.delete_source(session, (collection_id, root, path))

    def delete_document(self, document_id: str, *, access: Access) -> int:
        """Remove a document with all its versions."""
        with self._database.write() as session:
            return changes.delete_document(session, document_id, access)

    def source_states(self, collection_id: str, root: str) -> dict[str, SourceState]:
        """What is stored of the sources below ``root``."""
        with self._database.read() as session:
            return documents.source_states(session, collection_id, root)

    def known_vectors(self, fingerprint: str, texts: Sequence[str]) -> dict[str, Vector]:
        """Vectors computed before, by embedded text."""
        with self._database.read() as session:
            return chunks.known_vectors(session, fingerprint, texts)

    def document(self, document_id: str, *, access: Access) -> Document:
        """One document."""
        with self._database.read() as session:
            return documents.find_document(session, document_id, access)

    def documents(
        self, collection_id: str, *, access: Access, limit: int = 100, after: str | None = None
    ) -> list[Document]:
        """Visible documents, by id."""
        with self._database.read() as session:
            return documents.list_documents(session, collection_id, access, limit, after)

    def content(self, document_id: str, *, access: Access, version: int | None = None) -> DocumentText:
        """Stored text of a version."""
        with self._database.read() as session:
            return documents.find_text(session, document_id, access, version)

    def document_chunks(self, document_id: str, *, access: Access) -> list[StoredChunk]:
        """Chunks of the current version."""
        with self._database.read() as session:
            return chunks.document_chunks(session, document_id, access)

    # -- retrieval

    def chunks_by_id(
        self, collection_id: str, chunk_ids: Sequence[int], *, access: Access
    ) -> dict[int, StoredChunk]:
        """The visible, live ones among ``chunk_ids``."""
        with self._database.read() as session:
            return chunks.chunks_by_id(session, collection_id, chunk_ids, access)

    def visible_chunk_ids(
        self, collection_id: str, *, access: Access, filters: Filter | None = None
    ) -> ChunkIds | None:
        """Ids that ``access`` may read and that pass, or ``None`` for all."""
        with self._database.read() as session:
            return self._allowed.ids(session, collection_id, access, filters)

    # -- index building

    def chunks_added_since(
        self,
        collection_id: str,
        sequence: int,
        *,
        upto: int,
        batch_size: int = 1000,
        space: int | None = None,
    ) -> Iterator[list[IndexChunk]]:
        """Live chunks added after ``sequence``, all batches from one snapshot."""
        with self._database.read() as session:
            yield from chunks.chunks_added(session, collection_id, sequence, upto, batch_size, space)

    def chunks_removed_since(self, collection_id: str, sequence: int, *, upto: int) -> ChunkIds:
        """Ids of chunks removed after ``sequence``."""
        with self._database.read() as session:
            return chunks.chunks_removed(session, collection_id, sequence, upto)

    def live_chunk_count(self, collection_id: str, *, space: int | None = None) -> tuple[int, int]:
        """``(sequence, live chunks)``."""
        with self._database.read() as session:
            return chunks.live_chunk_count(session, collection_id, space)

    # -- another embedding model or chunker

    def begin_space(
        self, collection_id: str, profile: EmbeddingProfile, *, embedding_model: str, chunker: int
    ) -> Collection:
        """The collection as it will be."""
        with self._database.write() as session:
            return spaces.begin_space(session, collection_id, profile, embedding_model, chunker)

    def begun_space(self, collection_id: str) -> Collection | None:
        """The collection as an unfinished re-embedding will leave it."""
        with self._database.read() as session:
            return spaces.begun_space(session, collection_id)

    def abandon_space(self, collection_id: str) -> None:
        """Forget the space begun."""
        with self._database.write() as session:
            spaces.abandon_space(session, collection_id)

    def unprepared_documents(
        self, target: Collection, *, limit: int = 100, after: str | None = None
    ) -> list[str]:
        """Documents without chunks in the target's space."""
        with self._database.read() as session:
            return spaces.unprepared_documents(session, target, limit, after)

    def prepare_document(self, target: Collection, text: DocumentText, chunks: Sequence[NewChunk]) -> bool:
        """Store a version's chunks in the target's space."""
        with self._database.write() as session:
            return spaces.prepare_document(session, target, text, chunks)

    def switch_space(self, target: Collection) -> bool:
        """Let the target serve."""
        with self._database.write() as session:
            return spaces.switch_space(session, target)

    def remove_left_over(self, collection_id: str) -> int:
        """Remove a batch of the chunks that neither serve nor will."""
        with self._database.write() as session:
            return spaces.remove_left_over(session, collection_id)

    def name_model(self, collection_id: str, *, fingerprint: str, embedding_model: str) -> None:
        """Record where the collection's model is found now."""
        with self._database.write() as session:
            spaces.name_model(session, collection_id, fingerprint, embedding_model)

    # -- jobs

    def create_job(
        self, *, kind: str, collection: str, request: Mapping[str, Any], idempotency_key: str | None
    ) -> tuple[Job, bool]:
        """Enqueue work, once per idempotency key."""
        with self._database.write() as session:
            return jobs.create_job(session, kind, collection, request, idempotency_key)

    def job(self, job_id: str) -> Job:
        """One job."""
        with self._database.read() as session:
            return jobs.find_job(session, job_id)

    def jobs(
        self,
        *,
        limit: int = 100,
        after: str | None = None,
        states: Sequence[JobState] = (),
        collection: str | None = None,
        kind: str | None = None,
    ) -> list[Job]:
        """Newest first."""
        with self._database.read() as session:
            return jobs.list_jobs(session, limit, after, states, collection, kind)

    def update_job(self, job_id: str, *, owner: str | None = None, **changes: Any) -> Job:
        """Set fields of a job that is not final."""
        with self._database.write() as session:
            return jobs.update_job(session, job_id, changes, owner)

    def next_queued_job(self, *, owner: str, lease_s: float, kind: str | None = None) -> Job | None:
        """Claim the oldest job that may run now."""
        with self._database.read() as session:  # waiting for work must not keep the writers waiting
            if not leases.is_claimable(session, kind):
                return None
        with self._database.write() as session:
            return leases.claim_job(session, owner, lease_s, kind)

    def renew_lease(self, job_id: str, *, owner: str, lease_s: float) -> Job:
        """Lengthen a lease that is still held."""
        with self._database.write() as session:
            return leases.renew_lease(session, job_id, owner, lease_s)

    def release_job(self, job_id: str, *, owner: str, stage: str = "", retry_s: float = 0.0) -> Job:
        """Put a job back into the queue."""
        with self._database.write() as session:
            return leases.release_job(session, job_id, owner, stage, retry_s)

    def store_report(self, job_id: str, report: bytes, *, owner: str) -> bool:
        """Keep the report of a job that ``owner`` runs."""
        with self._database.write() as session:
            return reports.store_report(session, job_id, report, owner)

    def report(self, job_id: str) -> bytes:
        """The report that was kept of a job."""
        with self._database.read() as session:
            return reports.find_report(session, job_id)

    def record_job_files(self, job_id: str, files: Sequence[JobFile], *, owner: str) -> bool:
        """Record what became of files of a job."""
        with self._database.write() as session:
            return job_files.record_job_files(session, job_id, files, owner)

    def job_files(
        self, job_id: str, *, state: JobFileState | None = None, limit: int = 100, after: int = 0
    ) -> list[JobFile]:
        """The job's files in the order in which they were recorded."""
        with self._database.read() as session:
            return job_files.list_job_files(session, job_id, state, limit, after)

    def notable_job_files(self, job_id: str, *, limit: int) -> tuple[list[JobFile], int]:
        """Failed files first, then the others, newest first; and how many there are."""
        with self._database.read() as session:
            return job_files.notable_job_files(session, job_id, limit)

    def prune_job_files(self, *, limit: int) -> int:
        """Forget files of jobs that ended long ago."""
        with self._database.write() as session:
            return job_files.prune_job_files(session, limit)

    # -- conversations

    def begin_conversation(
        self, key: ConversationKey, *, collection_id: str, kept: timedelta
    ) -> Conversation:
        """The conversation, made if it is not there."""
        with self._database.write() as session:
            return conversations.begin_conversation(session, key, collection_id, kept)

    def conversation(self, key: ConversationKey) -> Conversation:
        """One conversation."""
        with self._database.read() as session:
            return conversations.find_conversation(session, key)

    def conversations(self, owner: str, *, limit: int = 100, after: int | None = None) -> list[Conversation]:
        """The owner's, newest first."""
        with self._database.read() as session:
            return conversations.list_conversations(session, owner, limit, after)

    def add_turn(
        self,
        key: ConversationKey,
        question: str,
        answer: Answer,
        *,
        collection_id: str,
        begins: bool,
        kept: timedelta,
    ) -> ConversationTurn:
        """Store the newest turn."""
        with self._database.write() as session:
            return conversations.add_turn(
                session, key, question, answer, collection_id=collection_id, begins=begins, kept=kept
            )

    def turns(self, key: ConversationKey, *, limit: int = 100, after: int = 0) -> list[ConversationTurn]:
        """Turns in order."""
        with self._database.read() as session:
            return conversations.list_turns(session, key, limit, after)

    def latest_turns(self, key: ConversationKey, *, limit: int) -> list[ConversationTurn]:
        """The newest turns, in order."""
        with self._database.read() as session:
            return conversations.latest_turns(session, key, limit)

    def delete_conversation(self, key: ConversationKey) -> int:
        """Remove a conversation."""
        with self._database.write() as session:
            return conversations.delete_conversation(session, key)

    def prune_conversations(self, *, kept: timedelta, limit: int) -> int:
        """Remove conversations that have expired."""
        with self._database.read() as session:  # it is looked at after every turn, and mostly in vain
            if not conversations.expired(session, kept, 1):
                return 0
        with self._database.write() as session:
            return conversations.prune_conversations(session, kept, limit)

    # -- upkeep

    def check(self) -> list[str]:
        """Problems found, as sentences; a database that cannot even be read is one."""
        try:
            with self._database.read() as session:
                return integrity.problems(session)
        except StorageError as exc:
            return [str(exc)]

    def close(self) -> None:
        """Release connections."""
        self._database.close()
