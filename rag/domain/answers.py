"""The checked answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from rag.domain.generation import Citation
from rag.domain.grounding import GroundingReport, Verdict
from rag.domain.retrieval import Passage


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
        failed_llms: language models that were asked and did not answer; ``llm`` is the one that did.
        conversation_id: the conversation that the question belongs to.
        standalone_question: what was searched for instead of a question that leans on earlier ones.
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
    failed_llms: tuple[str, ...] = ()
    conversation_id: str | None = None
    standalone_question: str | None = None


class GroundingPolicy(StrEnum):
    """What happens to unsupported sentences."""

    ANNOTATE = "annotate"
    DROP = "drop"
    REGENERATE = "regenerate"
    REFUSE = "refuse"
