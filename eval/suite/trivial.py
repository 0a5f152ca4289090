"""A system that knows nothing, asked the same questions: what a figure has to beat to mean something.

For metrics of answers that have no trivial row of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from eval.answered import AnsweredQuestion
from eval.readers import LineFailure
from eval.report import Progress
from rag.answering.answerer import Answerer
from rag.cancellation import Cancellation
from rag.domain import Draft, GeneratorItem, Passage, Prompt, Question
from rag.factory import Footnote
from rag.text.sentences import split_sentences

FIRST_PASSAGE = "first passage"

_SENTENCES = 3


class FirstPassageGenerator:
    """Quotes the beginning of the best passage, whatever was asked."""

    name = FIRST_PASSAGE

    def stream(self, prompt: Prompt, *, cancellation: Cancellation | None = None) -> Iterator[GeneratorItem]:
        """The first sentences of passage 1, each with its marker."""
        text = prompt.passages[0].text
        quoted = " ".join(f"{text[start:end]} [1]" for start, end in split_sentences(text)[:_SENTENCES])
        yield quoted
        yield Draft(text=quoted, llm=self.name)


class _AnswersAlways:
    """Finds every question answerable."""

    threshold = 0.0

    def probability(self, question: Question, passages: Sequence[Passage]) -> float:
        return 1.0


@contextmanager
def first_passage_answerer(footnote: Footnote) -> Iterator[Answerer]:
    """The product's answer path with a generator and a judge that know nothing."""
    with Footnote(
        footnote.settings, embedder=footnote.embedder, generators={FIRST_PASSAGE: FirstPassageGenerator()}
    ) as trivial:
        yield trivial.answerer(FIRST_PASSAGE, fallbacks=False, judge=_AnswersAlways())


def quoting_first_passages(
    answerer: Answerer, answered: Sequence[AnsweredQuestion], progress: Progress
) -> tuple[list[AnsweredQuestion], list[LineFailure]]:
    """Each question answered from the same passages by the first of them; without any it stays refused."""
    trivial: list[AnsweredQuestion] = []
    failures: list[LineFailure] = []
    for done, each in enumerate(answered, start=1):
        gold, answer = each.question, each.answer
        try:
            if answer.passages:
                answer = answerer.answer_from_passages(gold.text, answer.passages)
            trivial.append(replace(each, answer=answer))
        except Exception as exc:  # noqa: BLE001 (a crash is a finding, not the end of the run)
            reason = f"quoting the first passage for {gold.id!r} failed: {type(exc).__name__}: {exc}"
            failures.append(LineFailure(file=gold.file, line=gold.line, reason=reason))
        progress(done, len(answered))
    return trivial, failures
