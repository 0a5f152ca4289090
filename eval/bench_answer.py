"""``footnote bench answer``: how long an answer without a language model takes, and what of it takes long."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eval.bench import COLLECTION, filled, milliseconds, shown
from eval.report import SummaryRow
from eval.synthetic import SEED, Synthesizer
from rag.answering.answerability import CalibratedAnswerabilityJudge
from rag.answering.answerer import Answerer
from rag.domain import Access, Passage, Question
from rag.interfaces import AnswerabilityJudge, Embedder
from rag.llm.named import EXTRACTIVE
from rag.settings import Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerBench:
    """Answers over synthetic chunks; every question is another one, and so are the passages, nearly always.

    Attributes:
        answer_ms: retrieving, judging, choosing sentences, citing and checking, one client.
        retrieval_ms: the search alone, of the same answers.
        parts_ms: the median of every stage.
        again_ms: the same questions once more.
    """

    chunks: int
    queries: int
    answer_ms: dict[str, float]
    retrieval_ms: dict[str, float]
    parts_ms: dict[str, float]
    again_ms: dict[str, float]
    sentences: float
    model: str

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)

    def summary_rows(self) -> list[SummaryRow]:
        """For people."""
        return [
            ("synthetic chunks", f"{self.chunks:,}"),
            ("model", self.model),
            ("an answer", shown(self.answer_ms)),
            ("its retrieval", shown(self.retrieval_ms)),
            *((f"· {stage}, median", f"{value:.1f} ms") for stage, value in self.parts_ms.items()),
            ("asked again", shown(self.again_ms)),
            ("sentences an answer", f"{self.sentences:.1f}"),
        ]


class _Willing:
    """Judges as the product does, and refuses nothing: made-up texts hold no answers."""

    threshold = 0.0

    def __init__(self, judge: AnswerabilityJudge) -> None:
        self._judge = judge

    def probability(self, question: Question, passages: Sequence[Passage]) -> float:
        return self._judge.probability(question, passages)


def bench_answer(
    chunks: int,
    *,
    queries: int,
    settings: Settings,
    keep: Path | None = None,
    embedder: Embedder | None = None,
) -> AnswerBench:
    """Answer questions over ``chunks`` synthetic chunks without a language model; searches are not cached."""
    with filled(chunks, settings, embedder, keep) as (footnote, collection):
        footnote.indexes.refresh(collection.id)
        questions = Synthesizer(collection.dimension, seed=SEED + 3)
        answerer = footnote.answerer(
            EXTRACTIVE, judge=_Willing(CalibratedAnswerabilityJudge(footnote.scorer))
        )
        _times(answerer, questions.questions(3))
        texts = questions.questions(queries)
        first = _times(answerer, texts)
        return AnswerBench(
            chunks=chunks,
            queries=queries,
            answer_ms=milliseconds([each["total"] / 1000 for each in first]),
            retrieval_ms=milliseconds([(each["embed"] + each["retrieve"]) / 1000 for each in first]),
            parts_ms=_medians(first),
            again_ms=milliseconds([each["total"] / 1000 for each in _times(answerer, texts)]),
            sentences=statistics.mean(each["sentences"] for each in first),
            model=footnote.embedder.description,
        )


def _times(answerer: Answerer, texts: Sequence[str]) -> list[dict[str, float]]:
    answers = [answerer.answer(text, collection=COLLECTION, access=Access.everything()) for text in texts]
    return [{**answer.timings_ms, "sentences": len(answer.sentences)} for answer in answers]


def _medians(times: Sequence[dict[str, float]]) -> dict[str, float]:
    stages = [stage for stage in times[0] if stage not in ("total", "sentences")]
    medians = {stage: statistics.median(each.get(stage, 0.0) for each in times) for stage in stages}
    return {stage: round(value, 2) for stage, value in medians.items() if value >= 0.05}
