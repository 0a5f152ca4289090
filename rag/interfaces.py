"""The seams: what each part needs of the next, owned by the code that calls it.

Every method that reads chunks takes ``access``. Implementations translate their library's errors into
:mod:`rag.errors`. The contract suites in ``tests/contracts`` run over every implementation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Protocol

from rag.cancellation import Cancellation
from rag.domain import (
    Access,
    Answer,
    ChunkIds,
    CitedSpan,
    Collection,
    Conversation,
    ConversationKey,
    ConversationTurn,
    Document,
    DocumentText,
    EmbeddingProfile,
    Evidence,
    GeneratorItem,
    GroundingReport,
    Hit,
    IndexChunk,
    Job,
    JobFile,
    JobFileState,
    JobState,
    Matrix,
    NewChunk,
    NewVersion,
    Passage,
    PieceVectors,
    Prompt,
    Question,
    SearchMode,
    SearchResult,
    SentenceVerdict,
    SourceState,
    StoredChunk,
    Turn,
    Vector,
)
from rag.filters import Filter


class Embedder(Protocol):
    """Text in, unit vectors out. Queries and documents are embedded by different calls."""

    @property
    def profile(self) -> EmbeddingProfile:
        """Identity and limits of the model."""
        ...

    @property
    def description(self) -> str:
        """Model, device and precision, for people."""
        ...

    @property
    def texts_at_once(self) -> int:
        """Documents worth giving to one call: they keep the device busy, and a cancellation is soon heard."""
        ...

    def embed_query(self, text: str) -> Vector:
        """Embed one question."""
        ...

    def embed_queries(self, texts: Sequence[str]) -> Matrix:
        """Embed several questions at once, in order; shape ``(len(texts), dimension)``."""
        ...

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        """Embed texts, in order; shape ``(len(texts), dimension)``; nothing beyond ``max_tokens`` is read."""
        ...

    def embed_pieces(self, texts: Sequence[str]) -> list[PieceVectors]:
        """Each text's vector, without any prompt of the model, and its word pieces'; in order.

        The pieces are the first ones of :meth:`token_offsets`, as many as the model reads.
        """
        ...

    def token_offsets(self, text: str) -> list[tuple[int, int]]:
        """Character span of every word piece of ``text``, without special tokens and without truncation."""
        ...

    def knows(self, text: str) -> bool:
        """Whether the model knows any part of a word of ``text``; if not, its vector means nothing."""
        ...


class Catalog(Protocol):
    """The only source of truth. Every write is one transaction; a reader sees all of it or nothing."""

    # -- collections
    def create_collection(
        self, name: str, profile: EmbeddingProfile, *, embedding_model: str = "", chunker: int = 1
    ) -> Collection:
        """Raises: CollectionExists; InvalidRequest for a name outside ``[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}``."""
        ...

    def collection(self, name: str) -> Collection:
        """Raises: CollectionNotFound."""
        ...

    def collection_by_id(self, collection_id: str) -> Collection:
        """Raises: CollectionNotFound."""
        ...

    def collections(self) -> list[Collection]:
        """All, by name, with document and chunk counts."""
        ...

    def delete_collection(self, name: str) -> int:
        """Remove a collection and all it holds; returns the number of documents removed."""
        ...

    # -- documents
    def put_source(
        self, collection_id: str, versions: Sequence[NewVersion], *, fingerprint: str | None = None
    ) -> list[Document]:
        """Store all documents of one source file: each new, or the next version of the one it replaces.

        ``versions`` are of the same ``(root, path)``, at least one. Documents of parts that are not among
        them are removed, and so are the replaced versions' chunks. ``fingerprint`` names the model of the
        vectors.

        Raises: EmbeddingMismatch when the collection's model is another one.
        """
        ...

    def touch_source(
        self, collection_id: str, root: str, path: str, *, size: int, mtime_ns: int, groups: frozenset[str]
    ) -> None:
        """Record size, time and groups of a source file whose bytes did not change."""
        ...

    def move_source(
        self, collection_id: str, root: str, path: str, *, to: str, label: str, mtime_ns: int
    ) -> None:
        """The file at ``path`` is now at ``to``; its documents keep their ids and versions.

        ``label`` stands before the path in what citations show. Nothing may be stored at ``to``.
        """
        ...

    def delete_source(self, collection_id: str, root: str, path: str) -> int:
        """Remove all documents of a source file; returns the number of chunks removed, 0 if it is unknown."""
        ...

    def delete_document(self, document_id: str, *, access: Access) -> int:
        """Remove a document with all its versions; returns the number of chunks removed.

        Raises: DocumentNotFound.
        """
        ...

    def source_states(self, collection_id: str, root: str) -> dict[str, SourceState]:
        """What is stored of the source files below ``root``, by path."""
        ...

    def known_vectors(self, fingerprint: str, texts: Sequence[str]) -> dict[str, Vector]:
        """Vectors this model gave these embedded texts before, by text; others are absent."""
        ...

    def document(self, document_id: str, *, access: Access) -> Document:
        """Raises: DocumentNotFound (also when not visible)."""
        ...

    def documents(
        self, collection_id: str, *, access: Access, limit: int = 100, after: str | None = None
    ) -> list[Document]:
        """Visible documents ordered by id, those after the id ``after``."""
        ...

    def content(self, document_id: str, *, access: Access, version: int | None = None) -> DocumentText:
        """Stored text of the current, or the given, version. Raises: DocumentNotFound."""
        ...

    def document_chunks(self, document_id: str, *, access: Access) -> list[StoredChunk]:
        """Chunks of the current version, in order. Raises: DocumentNotFound."""
        ...

    # -- retrieval
    def chunks_by_id(
        self, collection_id: str, chunk_ids: Sequence[int], *, access: Access
    ) -> dict[int, StoredChunk]:
        """The visible, live ones among ``chunk_ids``; the others are absent."""
        ...

    def visible_chunk_ids(
        self, collection_id: str, *, access: Access, filters: Filter | None = None
    ) -> ChunkIds | None:
        """Sorted ids of the live chunks that ``access`` may read and whose documents pass ``filters``.

        ``None`` when there is nothing to leave out. The array is shared: it cannot be written to.
        """
        ...

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
        """Live chunks committed after ``sequence``, at ``upto`` at the latest, in id order.

        ``space`` names a space that is being prepared, instead of the serving one.
        """
        ...

    def chunks_removed_since(self, collection_id: str, sequence: int, *, upto: int) -> ChunkIds:
        """Ids of chunks removed after ``sequence``, at ``upto`` at the latest, sorted."""
        ...

    def live_chunk_count(self, collection_id: str, *, space: int | None = None) -> tuple[int, int]:
        """``(sequence, live chunks)`` read in one snapshot; ``space`` as in :meth:`chunks_added_since`."""
        ...

    # -- another embedding model or chunker
    def begin_space(
        self, collection_id: str, profile: EmbeddingProfile, *, embedding_model: str, chunker: int
    ) -> Collection:
        """The collection as it will be when another model or chunker has made all its chunks; counts as yet.

        Goes on with the space that was begun for the same fingerprint and chunker; one begun for others is
        abandoned. Until :meth:`switch_space` all other methods show the chunks that serve now.
        """
        ...

    def begun_space(self, collection_id: str) -> Collection | None:
        """The collection as an unfinished re-embedding will leave it; counts are what is prepared so far."""
        ...

    def abandon_space(self, collection_id: str) -> None:
        """Forget the space begun, if there is one; its chunks are left over."""
        ...

    def unprepared_documents(
        self, target: Collection, *, limit: int = 100, after: str | None = None
    ) -> list[str]:
        """Ids, in order, those after ``after``, of documents without chunks in ``target``'s space yet."""
        ...

    def prepare_document(self, target: Collection, text: DocumentText, chunks: Sequence[NewChunk]) -> bool:
        """Store the chunks that the target's model and chunker make of a version.

        Returns ``False``, and stores nothing, when that version is not the current one any more, or
        ``target`` is not what is being prepared.
        """
        ...

    def switch_space(self, target: Collection) -> bool:
        """Let ``target`` serve; the chunks that did so far are left over.

        Returns ``False``, and changes nothing, while a document is unprepared.
        """
        ...

    def remove_left_over(self, collection_id: str) -> int:
        """Remove a batch of the chunks that neither serve nor are being prepared; returns how many."""
        ...

    def name_model(self, collection_id: str, *, fingerprint: str, embedding_model: str) -> None:
        """Record the setting that loads the collection's model now; ignored if its model is another one."""
        ...

    # -- jobs
    def create_job(
        self, *, kind: str, collection: str, request: Mapping[str, Any], idempotency_key: str | None
    ) -> tuple[Job, bool]:
        """``(job, created)``; a known ``idempotency_key`` gives the earlier job.

        Raises: Conflict when the key was used for a different request.
        """
        ...

    def job(self, job_id: str) -> Job:
        """Raises: JobNotFound."""
        ...

    def jobs(
        self,
        *,
        limit: int = 100,
        after: str | None = None,
        states: Sequence[JobState] = (),
        collection: str | None = None,
        kind: str | None = None,
    ) -> list[Job]:
        """Newest first; those older than the job ``after``, in one of ``states`` if any are given."""
        ...

    def update_job(self, job_id: str, *, owner: str | None = None, **changes: Any) -> Job:
        """Set fields of a job that is not final, and its heartbeat; a final job is returned unchanged.

        Fields: ``state``, ``stage``, ``counts``, ``result``, ``error_code``, ``error_message``.
        ``updated_at`` grows with every change. With ``owner`` the job is also returned unchanged when that
        worker does not run it (any more).
        """
        ...

    def next_queued_job(self, *, owner: str, lease_s: float, kind: str | None = None) -> Job | None:
        """Claim the oldest job, of ``kind`` if given, that may run now: it is ``owner``'s when this returns.

        That is a queued job, or a running one whose lease has run out. Jobs of a kind into one collection run
        one at a time, in order. A job whose workers died again and again fails as ``worker_lost`` instead.
        """
        ...

    def renew_lease(self, job_id: str, *, owner: str, lease_s: float) -> Job:
        """Lengthen the lease to ``lease_s`` seconds from now, if ``owner`` still runs the job.

        Returns the job as it is: cancelled, or another worker's, when the lease was lost.
        """
        ...

    def release_job(self, job_id: str, *, owner: str, stage: str = "", retry_s: float = 0.0) -> Job:
        """Give a running job back to its place in the queue, not to be tried for ``retry_s`` seconds.

        The attempt does not count. A job that ``owner`` does not run (any more) is returned unchanged.
        """
        ...

    def store_report(self, job_id: str, report: bytes, *, owner: str) -> bool:
        """Keep a job's report, in place of an earlier one; ``False`` if it is another worker's by now."""
        ...

    def report(self, job_id: str) -> bytes:
        """The report that was kept of a job. Raises: JobNotFound when there is none."""
        ...

    def record_job_files(self, job_id: str, files: Sequence[JobFile], *, owner: str) -> bool:
        """Record what became of files of a job; ``False``, and nothing, if it is another worker's by now."""
        ...

    def job_files(
        self, job_id: str, *, state: JobFileState | None = None, limit: int = 100, after: int = 0
    ) -> list[JobFile]:
        """In the order in which they were recorded; those after the number ``after``. Raises: JobNotFound."""
        ...

    def notable_job_files(self, job_id: str, *, limit: int) -> tuple[list[JobFile], int]:
        """``(files, total)``: at most ``limit`` of them; those that failed, then the others, newest first."""
        ...

    def prune_job_files(self, *, limit: int) -> int:
        """Forget at most ``limit`` files of jobs that ended long ago; returns how many."""
        ...

    # -- conversations; another owner's are not there, and neither is one that has expired
    def begin_conversation(
        self, key: ConversationKey, *, collection_id: str, kept: timedelta
    ) -> Conversation:
        """The owner's conversation of that name, made if it is not there, to expire after ``kept``.

        Raises: CollectionNotFound; Conflict when it is about another collection.
        """
        ...

    def conversation(self, key: ConversationKey) -> Conversation:
        """Raises: ConversationNotFound."""
        ...

    def conversations(self, owner: str, *, limit: int = 100, after: int | None = None) -> list[Conversation]:
        """The owner's, newest first; those begun before the number ``after``."""
        ...

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
        """Store ``question`` and its answer as the newest turn; the conversation expires ``kept`` from now.

        ``begins`` makes the conversation if it is not there; without it, one deleted meanwhile stays deleted.

        Raises: ConversationNotFound, CollectionNotFound; Conflict when it is about another collection.
        """
        ...

    def turns(self, key: ConversationKey, *, limit: int = 100, after: int = 0) -> list[ConversationTurn]:
        """In order; those after the ordinal ``after``. Raises: ConversationNotFound."""
        ...

    def latest_turns(self, key: ConversationKey, *, limit: int) -> list[ConversationTurn]:
        """The newest ``limit`` turns, in order. Raises: ConversationNotFound."""
        ...

    def delete_conversation(self, key: ConversationKey) -> int:
        """Remove it with its turns; returns how many those were. Raises: ConversationNotFound."""
        ...

    def prune_conversations(self, *, kept: timedelta, limit: int) -> int:
        """Remove at most ``limit`` conversations that expired, or were not used for ``kept``; how many."""
        ...

    # -- upkeep
    def check(self) -> list[str]:
        """Problems found by the database's own integrity check and ours; empty when sound."""
        ...

    def close(self) -> None:
        """Release connections."""
        ...


class VectorIndex(Protocol):
    """Nearest neighbours by inner product over chunk ids."""

    def search(self, vector: Vector, k: int, *, allowed: ChunkIds | None) -> list[Hit]:
        """At most ``k`` hits, best first, all of them in ``allowed`` (sorted ids; ``None``: every id)."""
        ...

    def similarities(self, vector: Vector, chunk_ids: Sequence[int]) -> dict[int, float]:
        """Exact inner products with the given chunks; unknown or removed ids are absent."""
        ...

    @property
    def count(self) -> int:
        """Live vectors."""
        ...


class KeywordIndex(Protocol):
    """BM25 over chunk ids, and what the words of a question are worth."""

    def search(
        self, query: str, k: int, *, allowed: ChunkIds | None, naming: Sequence[str] = ()
    ) -> list[Hit]:
        """At most ``k`` hits, best first, all of them in ``allowed``; no matching term, no hit.

        With ``naming`` only chunks of documents that are called by all of these words.
        """
        ...

    def chunk_counts(self, words: Sequence[str]) -> list[int]:
        """In how many chunks each word stands; removed ones may still be counted."""
        ...

    def naming(self, words: Sequence[str]) -> list[str]:
        """Those of ``words`` by which a document is called, and not most of them."""
        ...

    def held_weights(self, weights: Mapping[str, float], chunk_ids: Sequence[int]) -> dict[int, float]:
        """The sum of the weights (above 0) of the words that each chunk holds; chunks without any: absent."""
        ...

    @property
    def count(self) -> int:
        """Live chunks."""
        ...


class IndexSnapshot(Protocol):
    """One generation of a collection's indexes, consistent in itself."""

    @property
    def generation(self) -> int:
        """Increases with every switch."""
        ...

    @property
    def dense(self) -> VectorIndex:
        """Search by meaning."""
        ...

    @property
    def keyword(self) -> KeywordIndex:
        """Search by words."""
        ...


class Indexes(Protocol):
    """The collections' index caches, kept equal to the catalog."""

    def snapshot(self, collection: Collection) -> IndexSnapshot:
        """The newest sound generation; damaged or stale files are rebuilt from the catalog first.

        Raises: IndexBehind when ``collection`` was read before a re-embedding; StorageError.
        """
        ...

    def refresh(self, collection_id: str) -> IndexSnapshot:
        """Bring the indexes up to the catalog's sequence and switch to the new generation.

        Raises: DiskFull, StorageError; the old generation then still serves.
        """
        ...

    def build_beside(self, target: Collection) -> None:
        """Build the index of a space that does not serve yet. Raises: DiskFull, StorageError."""
        ...

    def drop(self, collection_id: str) -> None:
        """Remove the files of a deleted collection."""
        ...

    def drop_other_spaces(self, collection: Collection) -> None:
        """Remove the files of all spaces but the collection's."""
        ...


class Retriever(Protocol):
    """Question in, passages out, under the asker's rights."""

    def retrieve(
        self,
        query: str,
        *,
        collection: str,
        k: int,
        access: Access,
        mode: SearchMode = SearchMode.HYBRID,
        filters: Filter | None = None,
    ) -> SearchResult:
        """At most ``k`` passages of documents that pass ``filters``, best first.

        Raises: CollectionNotFound, InvalidQuestion.
        """
        ...


class Reranker(Protocol):
    """Reorders passages by reading question and passage together."""

    @property
    def description(self) -> str:
        """For people: model, device and precision."""
        ...

    def rerank(self, question: Question, passages: Sequence[Passage]) -> list[Passage]:
        """The same passages, best first, with ``scores["rerank"]`` set where it scored them."""
        ...


class QuestionRewriter(Protocol):
    """Makes a follow-up question stand alone."""

    def rewrite(self, question: str, history: Sequence[Turn]) -> str:
        """What to search for: ``question`` itself if it needs nothing of ``history``, oldest turn first."""
        ...


class Generator(Protocol):
    """Prompt in, draft out."""

    @property
    def name(self) -> str:
        """As named by the caller, for instance ``extractive`` or ``openai:gpt-5-mini``."""
        ...

    def stream(self, prompt: Prompt, *, cancellation: Cancellation | None = None) -> Iterator[GeneratorItem]:
        """Text pieces as they come, then one :class:`Draft` with the whole text as the last item.

        A :class:`Restart` voids the pieces before it. Once cancelled, the call that waits for a provider is
        given up at once.

        Raises: GenerationFailed, GenerationCancelled.
        """
        ...


class TokenCounter(Protocol):
    """How long a text is for a language model."""

    def count(self, text: str) -> int:
        """Tokens of ``text``, exactly or rather too many."""
        ...


class AnswerabilityJudge(Protocol):
    """Do the passages hold the answer at all?"""

    def probability(self, question: Question, passages: Sequence[Passage]) -> float:
        """Calibrated probability, 0 to 1, that the passages answer the question."""
        ...

    @property
    def threshold(self) -> float:
        """Below it the question is refused."""
        ...


class GroundednessChecker(Protocol):
    """Is every sentence of an answer carried by the evidence?"""

    @property
    def name(self) -> str:
        """As named in settings and reports."""
        ...

    def check(
        self, answer: str, evidence: Sequence[Evidence], *, question: str | None = None
    ) -> GroundingReport:
        """Check every sentence of ``answer`` against all of ``evidence``; empty evidence supports nothing."""
        ...

    def begin(self, evidence: Sequence[Evidence], *, question: str | None = None) -> GroundingSession:
        """A check of one answer that is still being written."""
        ...


class GroundingSession(Protocol):
    """Checks the sentences of one answer as they come."""

    def judge(self, sentence: str, *, before: str = "") -> SentenceVerdict:
        """The verdict on ``sentence``, which follows ``before`` in the answer; offsets into ``sentence``."""
        ...

    def report(self, verdicts: Sequence[SentenceVerdict]) -> GroundingReport:
        """What ``verdicts``, with offsets into the answer, come to for the answer they make up."""
        ...


class CitationMatcher(Protocol):
    """What the sentences of an answer rest on."""

    def find(
        self, sentence: str, numbers: Sequence[int], passages: Sequence[Passage], *, before: str = ""
    ) -> list[CitedSpan]:
        """Spans of the passages that carry ``sentence``; none where nothing does.

        Args:
            numbers: that the generator marked it with; ``n`` means ``passages[n - 1]``, unknown ones nothing.
            before: the text of the answer that the sentence follows.
        """
        ...
