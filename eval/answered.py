"""A Footnote asked a whole question set: what it answered, and where it failed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from eval.question_set import GoldQuestion
from eval.readers.lines import LineFailure
from eval.report import Progress, silent
from rag.answering.answerer import Answerer
from rag.domain import Access, Answer, AnswerStatus, Citation, Passage, Turn
from rag.factory import Footnote

_EVERYTHING = Access.everything()


@dataclass(frozen=True, kw_only=True, slots=True)
class AnsweredQuestion:
    """A question with what was answered.

    Attributes:
        milliseconds: from asking to the whole, checked answer; earlier turns are not in it.
    """

    question: GoldQuestion
    answer: Answer
    milliseconds: float

    @property
    def refused(self) -> bool:
        """Whether there is no answer."""
        return self.answer.status is AnswerStatus.REFUSED

    @property
    def text(self) -> str:
        """What was answered; empty for a refusal."""
        return "" if self.refused else self.answer.text

    @property
    def input_tokens(self) -> int | None:
        """What the language model read, by its provider's count; ``None`` where none is told."""
        return self._count("input_tokens")

    @property
    def output_tokens(self) -> int | None:
        """What the language model wrote, by its provider's count; ``None`` where none is told."""
        return self._count("output_tokens")

    def _count(self, name: str) -> int | None:
        return None if self.answer.usage is None else self.answer.usage.get(name)


def names_document(gold: str, cited: Citation | Passage) -> bool:
    """Whether ``gold`` means the cited document: its id, its address, or a whole end of one of the two.

    What stands before a file's path in its address depends on the folder that was ingested, so
    ``leave/annual.md`` and ``handbook/leave/annual.md`` are the same document.
    """
    address, wanted = cited.source_uri.strip("/"), gold.strip("/")
    return (
        gold == cited.document_id
        or address == wanted
        or address.endswith(f"/{wanted}")
        or wanted.endswith(f"/{address}")
    )


def ask_all(
    footnote: Footnote,
    questions: Sequence[GoldQuestion],
    *,
    collection: str,
    llm: str | None = None,
    k: int | None = None,
    progress: Progress = silent,
) -> tuple[list[AnsweredQuestion], list[LineFailure]]:
    """Ask every question, each on its own; the answers in order, and the questions that could not be asked.

    A failure is never an answer: whoever scores the answers reports the failures beside the scores.
    Raises as :func:`ask_each`.
    """
    answered: list[AnsweredQuestion] = []
    failures: list[LineFailure] = []
    for done, found in enumerate(ask_each(footnote, questions, collection=collection, llm=llm, k=k), start=1):
        if isinstance(found, AnsweredQuestion):
            answered.append(found)
        else:
            failures.append(found)
        progress(done, len(questions))
    return answered, failures


def ask_each(
    footnote: Footnote,
    questions: Sequence[GoldQuestion],
    *,
    collection: str,
    llm: str | None = None,
    k: int | None = None,
) -> Iterator[AnsweredQuestion | LineFailure]:
    """The same one by one, for whoever keeps what is there when the run is interrupted.

    Args:
        llm: ``extractive``, a name of ``llms``, or ``provider:model``; default: the configured one. No other
            model answers in its place.
        k: passages put before it; default: the configured number.

    Raises:
        CollectionNotFound, EmbeddingMismatch, InvalidRequest, ModelUnavailable: nothing can be asked at all.
    """
    footnote.embedder_for(
        footnote.catalog.collection(collection)
    )  # whose absence every question would repeat
    answerer = footnote.answerer(llm, fallbacks=False)
    for question in questions:
        try:
            found: AnsweredQuestion | LineFailure = _asked(answerer, question, collection=collection, k=k)
        except Exception as exc:  # noqa: BLE001 (any crash of a model is a finding, not the end of the run)
            reason = f"answering {question.id!r} failed: {type(exc).__name__}: {exc}"
            found = LineFailure(file=question.file, line=question.line, reason=reason)
        yield found


def _asked(answerer: Answerer, question: GoldQuestion, *, collection: str, k: int | None) -> AnsweredQuestion:
    history: list[Turn] = []
    for text in question.turns:
        said = answerer.answer(text, collection=collection, access=_EVERYTHING, k=k, history=history)
        refused = said.status is AnswerStatus.REFUSED
        history.append(Turn(question=text, answer="" if refused else said.text))
    started = time.perf_counter()
    answer = answerer.answer(question.text, collection=collection, access=_EVERYTHING, k=k, history=history)
    milliseconds = (time.perf_counter() - started) * 1000
    return AnsweredQuestion(question=question, answer=answer, milliseconds=milliseconds)
