"""The domain: what a document, chunk, passage, citation and answer are.

Frozen, keyword-only dataclasses that every package shares. Offsets are Python string indices into a
document version's stored text, half-open, so ``text[start:end]`` is the quoted span. A score is always
"higher is better".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]
"""One embedding, shape ``(dimension,)``, unit length."""

Matrix = NDArray[np.float32]
"""Embeddings, shape ``(n, dimension)``, rows of unit length."""

ChunkIds = NDArray[np.int64]
"""Chunk ids, shape ``(n,)``."""

CELL_SEPARATOR = " | "
"""Between the cells of a table's row in stored text, which has one line a row."""


# ------------------------------------------------------------------------------------------ access


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


# --------------------------------------------------------------------------- collections, documents


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


# -------------------------------------------------------------------------------------- retrieval


class SearchMode(StrEnum):
    """Which index answers: both fused, vectors only, or keywords only."""

    HYBRID = "hybrid"
    DENSE = "dense"
    KEYWORD = "keyword"


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """A chunk id with a score, best first in every list of hits."""

    chunk_id: int
    score: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Passage:
    """A chunk as evidence for one question.

    Attributes:
        score: the score the list is ordered by.
        scores: the parts: ``dense`` (cosine), ``keyword`` (BM25), ``rerank``; a part that did not see
            the passage is absent.
    """

    chunk_id: int
    document_id: str
    version: int
    title: str
    source_uri: str
    language: str
    page: int | None
    heading: str
    start: int
    end: int
    text: str
    score: float
    scores: Mapping[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchResult:
    """Passages, best first, and how long each stage took.

    Attributes:
        timings_ms: ``embed``, ``retrieve``, ``total``; ``rerank`` if a reranker read the passages.
        query_vector: the question's embedding, absent in keyword mode.
    """

    query: str
    passages: tuple[Passage, ...]
    timings_ms: Mapping[str, float]
    query_vector: Vector | None = None


# ------------------------------------------------------------------------------------- generation


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """A question of a conversation as it was typed, and what was answered; empty when nothing was."""

    question: str
    answer: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What is asked, of which collection.

    Attributes:
        k: passages put into the prompt.
    """

    text: str
    collection: str
    k: int
    language: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompt:
    """What a generator reads: instructions, and the question with numbered passages.

    Attributes:
        passages: passage ``n`` of the prompt is ``passages[n - 1]``.
    """

    system: str
    user: str
    question: Question
    passages: tuple[Passage, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A generated text with ``[n]`` markers that point to the prompt's passages, not yet checked.

    Attributes:
        refused: the generator said that the passages do not hold the answer.
        usage: token counts where the provider reports them.
    """

    text: str
    llm: str
    refused: bool = False
    usage: Mapping[str, int] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Citation:
    """A footnote: ``document text[start:end] == quote`` in the named version."""

    n: int
    document_id: str
    title: str
    source_uri: str
    version: int
    page: int | None
    heading: str
    start: int
    end: int
    quote: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CitedSentence:
    """A sentence of the answer with the numbers of its citations; offsets into the answer's text."""

    text: str
    start: int
    end: int
    citations: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CitedDraft:
    """A draft whose markers became citations: the last stage before the groundedness check."""

    text: str
    sentences: tuple[CitedSentence, ...]
    citations: tuple[Citation, ...]


# ------------------------------------------------------------------------------------ groundedness


class Verdict(StrEnum):
    """What the checker says of one sentence."""

    SUPPORTED = "supported"
    UNSUPPORTED = "unsupported"
    CONTRADICTED = "contradicted"
    NOT_CHECKABLE = "not_checkable"


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """A text a claim may rest on: a passage, or whatever a caller of the evaluator hands in."""

    id: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EvidenceSpan:
    """The part of an evidence text that a sentence rests on; offsets into ``Evidence.text``."""

    evidence_id: str
    start: int
    end: int
    quote: str


@dataclass(frozen=True, kw_only=True, slots=True)
class UnsupportedSpan:
    """Characters of the answer that no evidence carries; offsets into the answer's text."""

    start: int
    end: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SentenceVerdict:
    """The check of one sentence.

    Attributes:
        start, end: offsets into the checked answer.
        score: calibrated probability, 0 to 1, that the evidence supports the sentence.
    """

    text: str
    start: int
    end: int
    verdict: Verdict
    score: float
    evidence: tuple[EvidenceSpan, ...] = ()
    unsupported_spans: tuple[UnsupportedSpan, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class GroundingReport:
    """The check of a whole answer.

    Attributes:
        score: calibrated probability, 0 to 1, that every checkable sentence is supported.
        checker: name of the checker that produced it.
        threshold: an answer is unsupported when ``score`` is below it; a sentence likewise.
    """

    score: float
    sentences: tuple[SentenceVerdict, ...]
    checker: str
    threshold: float

    def count(self, verdict: Verdict) -> int:
        """Number of sentences with this verdict."""
        return sum(sentence.verdict is verdict for sentence in self.sentences)


# ------------------------------------------------------------------------------------------ answer


class AnswerStatus(StrEnum):
    """``unverified``: a text exists, but the groundedness check could not be carried out."""

    ANSWERED = "answered"
    REFUSED = "refused"
    UNVERIFIED = "unverified"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sentence:
    """A sentence of the answer with its verdict and its citations."""

    text: str
    start: int
    end: int
    verdict: Verdict
    score: float
    citations: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """The checked answer. A refusal is an answer with ``status`` refused and a reason.

    Attributes:
        timings_ms: ``embed``, ``retrieve``, ``rerank``, ``generate``, ``ground``, ``total``.
        reason: why it was refused or could not be verified, in the question's language.
        answerability: probability, 0 to 1, that the passages hold the answer, judged before generating.
        dropped_sentences: sentences removed by the ``drop`` or ``regenerate`` policy.
    """

    answer_id: str
    question: str
    status: AnswerStatus
    text: str
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]
    passages: tuple[Passage, ...]
    grounding: GroundingReport | None
    llm: str
    timings_ms: Mapping[str, float]
    reason: str | None = None
    answerability: float | None = None
    usage: Mapping[str, int] | None = None
    dropped_sentences: int = 0


class GroundingPolicy(StrEnum):
    """What happens to unsupported sentences."""

    ANNOTATE = "annotate"
    DROP = "drop"
    REGENERATE = "regenerate"
    REFUSE = "refuse"


# -------------------------------------------------------------------------------------------- jobs


class JobState(StrEnum):
    """Life of a job; the last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    COMMITTED = "committed"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINAL_JOB_STATES = frozenset({JobState.COMMITTED, JobState.FAILED, JobState.CANCELLED})
"""A job in one of these never changes again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A unit of background work as the catalog stores it.

    Attributes:
        request: what to do, as the worker reads it again after a restart.
        counts: progress so far, by name (``files_total``, ``files_done``, ``failed``, ``chunks`` …).
        result: the ingest result once the job is final.
        error_code, error_message: why it failed, for a client to act on.
        owner: the worker that runs it, or ran it last.
        lease_until: of a running job: when its worker counts as dead; of a queued one: not before then.
        attempts: how many workers have begun it and neither ended it nor gave it back.
    """

    id: str
    kind: str
    collection: str
    state: JobState
    stage: str
    request: Mapping[str, Any]
    counts: Mapping[str, float]
    result: Mapping[str, Any] | None
    error_code: str | None
    error_message: str | None
    idempotency_key: str | None
    created_at: datetime
    updated_at: datetime
    heartbeat_at: datetime | None
    owner: str | None = None
    lease_until: datetime | None = None
    attempts: int = 0


class JobFileState(StrEnum):
    """What became of a file; files that wait, or did not change, are only counted."""

    COMMITTED = "committed"
    MOVED = "moved"
    DUPLICATE = "duplicate"
    DELETED = "deleted"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class JobFile:
    """What became of one file of a job.

    Attributes:
        code, message: why it failed; a duplicate's message names the file it repeats.
        number: its place in the order in which the job's files were recorded; 0 before that.
    """

    path: str
    state: JobFileState
    code: str | None = None
    message: str | None = None
    number: int = 0
