"""What happens on the way to an answer, told as it happens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rag.domain import Answer, Citation, Passage, Sentence


@dataclass(frozen=True, slots=True)
class RetrievalEvent:
    """The passages are found."""

    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class TokenEvent:
    """A piece of the answer's text, without markers; ``restart`` voids what came before it."""

    text: str
    restart: bool = False


@dataclass(frozen=True, slots=True)
class CitationEvent:
    """A footnote, told before the first sentence that uses it."""

    citation: Citation


@dataclass(frozen=True, slots=True)
class GroundingEvent:
    """A finished sentence with its verdict and the numbers of its footnotes."""

    sentence: Sentence


@dataclass(frozen=True, slots=True)
class DoneEvent:
    """The whole answer; what it says supersedes the pieces."""

    answer: Answer


AnswerEvent = RetrievalEvent | TokenEvent | CitationEvent | GroundingEvent | DoneEvent


def final_answer(events: Iterable[AnswerEvent]) -> Answer:
    """The answer at the end of ``events``."""
    answer: Answer | None = None
    for event in events:
        if isinstance(event, DoneEvent):
            answer = event.answer
    assert answer is not None, "the answer path ends with a DoneEvent"
    return answer
