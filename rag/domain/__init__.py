"""The domain: what a document, chunk, passage, citation and answer are.

Frozen, keyword-only dataclasses that every package shares. Offsets are Python string indices into a
document version's stored text, half-open, so ``text[start:end]`` is the quoted span. A score is always
"higher is better".
"""

from __future__ import annotations

from rag.domain.answers import Answer, AnswerStatus, GroundingPolicy, Sentence
from rag.domain.arrays import ChunkIds, Matrix, PieceVectors, Vector
from rag.domain.conversations import OPERATOR, Conversation, ConversationKey, ConversationTurn
from rag.domain.generation import (
    Citation,
    CitedSpan,
    Draft,
    GeneratorItem,
    Prompt,
    Question,
    Restart,
    Turn,
)
from rag.domain.grounding import (
    Evidence,
    EvidenceSpan,
    GroundingReport,
    SentenceVerdict,
    UnsupportedSpan,
    Verdict,
)
from rag.domain.jobs import FINAL_JOB_STATES, Job, JobFile, JobFileState, JobState
from rag.domain.library import (
    CELL_SEPARATOR,
    Access,
    Collection,
    Document,
    DocumentText,
    EmbeddingProfile,
    IndexChunk,
    NewChunk,
    NewVersion,
    SourceState,
    StoredChunk,
    document_card,
    embedded_text,
    source_uri,
)
from rag.domain.retrieval import Hit, Passage, SearchMode, SearchResult

__all__ = [
    "CELL_SEPARATOR",
    "FINAL_JOB_STATES",
    "OPERATOR",
    "Access",
    "Answer",
    "AnswerStatus",
    "ChunkIds",
    "Citation",
    "CitedSpan",
    "Collection",
    "Conversation",
    "ConversationKey",
    "ConversationTurn",
    "Document",
    "DocumentText",
    "Draft",
    "EmbeddingProfile",
    "Evidence",
    "EvidenceSpan",
    "GeneratorItem",
    "GroundingPolicy",
    "GroundingReport",
    "Hit",
    "IndexChunk",
    "Job",
    "JobFile",
    "JobFileState",
    "JobState",
    "Matrix",
    "NewChunk",
    "NewVersion",
    "Passage",
    "PieceVectors",
    "Prompt",
    "Question",
    "Restart",
    "SearchMode",
    "SearchResult",
    "Sentence",
    "SentenceVerdict",
    "SourceState",
    "StoredChunk",
    "Turn",
    "UnsupportedSpan",
    "Vector",
    "Verdict",
    "document_card",
    "embedded_text",
    "source_uri",
]
