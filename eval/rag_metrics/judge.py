"""The same questions put to a language model as judge: any that is configured, its name in every report.

After RAGAS (Es et al. 2024, https://aclanthology.org/2024.eacl-demo.16), in our own words (``prompts/``). A
judge's opinion is no measurement: it varies with the model, and models like what models write.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache, partial
from importlib.resources import files
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from eval.answered import AnsweredQuestion
from eval.rag_metrics.context import average_precision
from eval.rag_metrics.metric import Metric
from rag.domain import Passage
from rag.interfaces import Generator
from rag.llm.structured import structured_completion

Shape = TypeVar("Shape", bound=BaseModel)

_TAG = re.compile(r"<(?=\s*/?\s*(?:question|answer|reference|passages)\b)", re.IGNORECASE)
_DEGREES = {"fully": 1.0, "partly": 0.5, "not": 0.0}


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class JudgedStatement(_Said):
    """A statement, and whether the passages carry it."""

    statement: str
    carried: bool


class Statements(_Said):
    """What a text states."""

    statements: list[JudgedStatement]


class Degree(_Said):
    """How far a question is answered."""

    answered: Literal["fully", "partly", "not"]


class UsefulPassages(_Said):
    """Numbers of the passages that help, from 1."""

    useful: list[int] = Field(description="numbers of the useful passages")


class Comparison(_Said):
    """The statements of an answer and of a reference answer, compared."""

    shared: list[str]
    wrong: list[str]
    missing: list[str]


class Judge:
    """Asks a language model about answered questions.

    Every method gives ``None`` where there is nothing to ask about, and raises :class:`GenerationFailed`
    when the model does not answer, or not with what was asked for.
    """

    def __init__(self, llm: Generator) -> None:
        self._llm = llm

    @property
    def name(self) -> str:
        """The language model's name."""
        return self._llm.name

    def faithfulness(self, answered: AnsweredQuestion) -> float | None:
        """Share of the answer's statements that the passages carry."""
        if answered.refused:
            return None
        said = self._ask(
            "faithfulness",
            Statements,
            answered,
            answer=answered.text,
            passages=_numbered(answered.answer.passages),
        )
        return _carried(said)

    def answer_relevance(self, answered: AnsweredQuestion) -> float | None:
        """1 if all that was asked is answered, 0.5 for a part of it, else 0."""
        if answered.refused:
            return None
        return _DEGREES[self._ask("relevance", Degree, answered, answer=answered.text).answered]

    def context_precision(self, answered: AnsweredQuestion) -> float | None:
        """Average precision of the passages, by which of them help."""
        passages = answered.answer.passages
        if answered.question.answerable is False or not passages:
            return None
        useful = self._ask(
            "useful", UsefulPassages, answered, passages=_numbered(answered.answer.passages)
        ).useful
        unknown = [number for number in useful if not 1 <= number <= len(passages)]
        if unknown:
            raise ValueError(f"the judge named passage {unknown[0]}, expected 1 to {len(passages)}")
        return average_precision([number in useful for number in range(1, len(passages) + 1)])

    def context_recall(self, answered: AnsweredQuestion) -> float | None:
        """Share of a gold answer's statements that the passages carry."""
        references = answered.question.answers
        if not references:
            return None
        if not answered.answer.passages:
            return 0.0
        said = self._ask(
            "recalled",
            Statements,
            answered,
            reference=references[0],
            passages=_numbered(answered.answer.passages),
        )
        return _carried(said)

    def correctness(self, answered: AnsweredQuestion) -> float | None:
        """F1 of the answer's statements against a gold answer's; a refusal states nothing: 0."""
        references = answered.question.answers
        if not references:
            return None
        if answered.refused:
            return 0.0
        said = self._ask(
            "correctness", Comparison, answered, answer=answered.text, reference="\n".join(references)
        )
        stated = 2 * len(said.shared) + len(said.wrong) + len(said.missing)
        return 2 * len(said.shared) / stated if stated else None

    def _ask(self, prompt: str, shape: type[Shape], answered: AnsweredQuestion, **material: str) -> Shape:
        question = answered.question
        parts = {"question": question.text, **material}
        return structured_completion(
            self._llm,
            shape,
            system=_prompt(prompt),
            user="\n\n".join(f"<{tag}>\n{_unfenced(text)}\n</{tag}>" for tag, text in parts.items()),
            language=question.language,
        )


_ROWS: tuple[tuple[str, str, Callable[[Judge, AnsweredQuestion], float | None], str], ...] = (
    (
        "faithfulness_judged",
        "faithfulness, judged",
        Judge.faithfulness,
        "Share of the statements of an answer that the passages carry.",
    ),
    (
        "answer_relevance_judged",
        "answer relevance, judged",
        Judge.answer_relevance,
        "Is everything answered that was asked: 1, a part of it: 0.5, or not: 0. Says nothing about truth.",
    ),
    (
        "context_precision_judged",
        "context precision, judged",
        Judge.context_precision,
        "Do the passages that help to answer come first? Asked about every passage, so that a good one that "
        "no gold names counts, too.",
    ),
    (
        "context_recall_judged",
        "context recall, judged",
        Judge.context_recall,
        "Share of the statements of the gold answer that the passages carry.",
    ),
    (
        "correctness_judged",
        "correctness, judged",
        Judge.correctness,
        "Statements shared with the gold answer in whatever words, against what is wrong and what is "
        "missing; F1. A refusal of an answerable question counts 0.",
    ),
)


def judged_metrics(llm: Generator) -> tuple[Metric, ...]:
    """The five that ``llm`` judges: one request each for a question, up to three when that is unusable."""
    judge = Judge(llm)
    return tuple(
        Metric(
            name=name,
            title=title,
            per_question=partial(opinion, judge),
            better="higher",
            explained=f"{explained} Judged by {judge.name}.",
            judge=judge.name,
        )
        for name, title, opinion, explained in _ROWS
    )


def _carried(said: Statements) -> float | None:
    """``None`` for a text that states nothing."""
    flags = [each.carried for each in said.statements]
    return sum(flags) / len(flags) if flags else None


def _numbered(passages: Sequence[Passage]) -> str:
    return "\n\n".join(
        f"[{number}] {each.title} > {each.heading}\n{each.text}"
        for number, each in enumerate(passages, start=1)
    )


def _unfenced(text: str) -> str:
    """Without anything that could end the tags around it."""
    return _TAG.sub("&lt;", text)


@cache
def _prompt(name: str) -> str:
    return (files("eval.rag_metrics") / "prompts" / f"{name}.txt").read_text(encoding="utf-8").strip()
