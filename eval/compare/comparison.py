"""``footnote eval compare``: contestants on the same questions, measured, compared with the first, ranked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eval.answered import AnsweredQuestion
from eval.compare.asking import Asked, ask_in_turns
from eval.compare.measures import POINTS, Difference, cluster_of, column, differences, metrics
from eval.compare.prices import Cost, PriceTable, cost_of
from eval.compare.ranking import TIE_MARGIN, Rated, rank
from eval.compare.variants import Variant
from eval.question_set import GoldQuestion, QuestionSet
from eval.rag_metrics.metric import Metric, RagScores, measure
from eval.readers import LineFailure
from eval.report import Progress, failures_json, number, numbers, silent
from rag.factory import Footnote


@dataclass(frozen=True, kw_only=True, slots=True)
class Contestant:
    """One language model or combination of settings, and what it came to.

    Attributes:
        scores: every metric of its answers.
        differences: to the first contestant that answered, by metric; empty for that one itself.
        failures: questions that were not answered, and answers that could not be measured.
        unavailable: why it was never asked; ``None`` when it was.
    """

    variant: Variant
    scores: RagScores
    differences: Mapping[str, Difference]
    cost: Cost
    failures: tuple[LineFailure, ...]
    unavailable: str | None

    @property
    def is_dead(self) -> bool:
        """Whether it failed wherever it was needed: it has failures, and no score."""
        return not self.scores.answered

    @property
    def first_reason(self) -> str | None:
        """Why it failed, the first time it did."""
        return self.unavailable or (self.failures[0].reason if self.failures else None)

    def to_json(self) -> dict[str, Any]:
        """Measures, differences, latency, cost, and what failed."""
        return {
            "name": self.variant.name,
            "llm": self.variant.llm,
            "model": self.variant.model,
            "settings": dict(self.variant.changes),
            "status": "failed" if self.is_dead else "answered",
            "reason": self.first_reason,
            "answered": len(self.scores.answered),
            **failures_json(self.failures),
            "metrics": {score.metric.name: score.to_json() for score in self.scores.scores()},
            "difference_to_first": {name: each.to_json() for name, each in self.differences.items()},
            "latency_ms": numbers(self.scores.latency_ms(), 1),
            "cost": {
                "per_thousand_questions": number(self.cost.per_thousand),
                "input_tokens": number(self.cost.input_tokens, 1),
                "output_tokens": number(self.cost.output_tokens, 1),
                "questions_counted": self.cost.counted,
                "reason": self.cost.reason,
            },
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """The whole comparison.

    Attributes:
        contestants: in the order given.
        ranking: those that answered, best first.
    """

    questions: QuestionSet
    metrics: tuple[Metric, ...]
    collection: str
    checker: str
    prices: PriceTable
    contestants: tuple[Contestant, ...]
    ranking: tuple[Rated, ...]

    def to_json(self) -> dict[str, Any]:
        """The report; every figure of a contestant that answered nothing is ``None``."""
        asked = self.questions.questions
        return {
            "kind": "comparison",
            "dataset": self.questions.name,
            "collection": self.collection,
            "checker": self.checker,
            "questions": len(asked),
            "answerable": sum(each.answerable is True for each in asked),
            "unanswerable": sum(each.answerable is False for each in asked),
            **failures_json(self.questions.failures),
            "explained": {metric.name: metric.explained for metric in self.metrics},
            "tie_margin": TIE_MARGIN,
            "prices": {
                "written": self.prices.written.isoformat(),
                "currency": self.prices.currency,
                "is_example": self.prices.is_example,
            },
            "variants": [each.to_json() for each in self.contestants],
            "ranking": [each.to_json() for each in self.ranking],
        }


def compare(
    questions: QuestionSet,
    variants: Sequence[Variant],
    *,
    collection: str,
    prices: PriceTable,
    footnote: Footnote,
    progress: Progress = silent,
) -> Comparison:
    """Ask, measure, compare, rank.

    Args:
        footnote: whose collection, models and checker they share.

    Raises:
        CollectionNotFound: nothing can be asked at all.
    """
    gold = questions.questions
    checker = footnote.checker()
    measured = metrics(checker)
    clusters = [cluster_of(question) for question in gold]
    asked = ask_in_turns(variants, gold, collection=collection, footnote=footnote, progress=progress)
    scores = [measure(_in_order(each, gold), measured) for each in asked]
    alive = [place for place, each in enumerate(scores) if each.answered]
    contestants = [
        Contestant(
            variant=each.variant,
            scores=scores[place],
            differences=differences(scores[alive[0]], scores[place], gold, clusters)
            if place in alive[1:]
            else {},
            cost=_cost(each, prices),
            failures=(*each.failures, *scores[place].failures),
            unavailable=each.unavailable,
        )
        for place, each in enumerate(asked)
    ]
    played = [column(scores[place], POINTS, gold) for place in alive]
    ranking = rank([variants[place].name for place in alive], np.array(played), clusters) if alive else []
    return Comparison(
        questions=questions,
        metrics=measured,
        collection=collection,
        checker=checker.name,
        prices=prices,
        contestants=tuple(contestants),
        ranking=tuple(ranking),
    )


def _in_order(asked: Asked, gold: Sequence[GoldQuestion]) -> list[AnsweredQuestion]:
    """Its answers; none of a dead one, whose only answers are refusals that needed no language model."""
    if asked.is_dead:
        return []
    return [asked.answered[question.id] for question in gold if question.id in asked.answered]


def _cost(asked: Asked, prices: PriceTable) -> Cost:
    variant = asked.variant
    price = prices.price_of(variant.llm, variant.model)
    return cost_of(list(asked.answered.values()), model=variant.model, price=price)
