"""From a question to a cited draft."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rag.domain.retrieval import Passage


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
        typed: the question as it was typed, where ``text`` is a follow-up made to stand alone.
    """

    text: str
    collection: str
    k: int
    language: str
    typed: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompt:
    """What a generator reads: instructions, and the question with numbered passages.

    Attributes:
        passages: passage ``n`` of the prompt is ``passages[n - 1]``.
        datamark: the sign that stands in the passages' text, to be removed where the generator repeats it;
            empty without one.
    """

    system: str
    user: str
    question: Question
    passages: tuple[Passage, ...]
    datamark: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A generated text with ``[n]`` markers that point to the prompt's passages, not yet checked.

    Attributes:
        refused: the generator said that the passages do not hold the answer.
        usage: token counts where the provider reports them.
        failed: language models that were asked first and did not answer, in order.
    """

    text: str
    llm: str
    refused: bool = False
    usage: Mapping[str, int] | None = None
    failed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Restart:
    """What was streamed so far is void: another attempt begins, by the generator ``llm``."""

    llm: str


GeneratorItem = str | Restart | Draft
"""What a generator streams: pieces of text, now and then a new beginning, and at last the draft."""


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
class CitedSpan:
    """The part of a passage that a sentence of an answer rests on.

    Attributes:
        start, end: offsets into the passage's text.
        coverage: weighted share, 0 to 1, of the sentence's terms that the span holds.
    """

    passage: Passage
    start: int
    end: int
    coverage: float
