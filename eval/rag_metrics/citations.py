"""Do the footnotes carry what they stand at, and does every statement have one that does?

Precision and recall of citations as ALCE defines them (Gao et al. 2023, https://arxiv.org/abs/2305.14627),
with a groundedness checker of ours in the place of its entailment model; and by gold quote or document.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eval.answered import AnsweredQuestion
from eval.rag_metrics.gold import has_gold, is_gold_citation
from eval.rag_metrics.metric import Metric
from rag.domain import Answer, Citation, Evidence, Sentence, Verdict
from rag.interfaces import GroundednessChecker


@dataclass(frozen=True, kw_only=True, slots=True)
class CarriedSentence:
    """A statement of an answer with what its citations are worth.

    Attributes:
        carried: all its citations together carry it; false without any.
        precise: of each citation, whether it carries the statement or is needed for it.
    """

    carried: bool
    precise: tuple[bool, ...]


class CitationChecks:
    """Checks the statements of answers against their citations alone; each answer once.

    Args:
        checker: asked once for a statement with one citation, up to ``1 + 2 n`` times for one with ``n``.
    """

    def __init__(self, checker: GroundednessChecker) -> None:
        self._checker = checker
        self._known: dict[tuple[object, ...], tuple[CarriedSentence, ...]] = {}

    def precision(self, answered: AnsweredQuestion) -> float | None:
        """Share of the citations that are precise; ``None`` without a citation."""
        precise = [each for sentence in self.of(answered.answer) for each in sentence.precise]
        return _share(precise)

    def recall(self, answered: AnsweredQuestion) -> float | None:
        """Share of the checkable statements that their citations carry; ``None`` without a statement."""
        return _share([sentence.carried for sentence in self.of(answered.answer)])

    def of(self, answer: Answer) -> tuple[CarriedSentence, ...]:
        """The checkable statements of ``answer``, in order."""
        key = (answer.question, answer.sentences, answer.citations)
        if key not in self._known:
            citations = {citation.n: citation for citation in answer.citations}
            self._known[key] = tuple(
                self._carried(answer, sentence, [citations[n] for n in sentence.citations])
                for sentence in checkable_sentences(answer)
            )
        return self._known[key]

    def _carried(self, answer: Answer, sentence: Sentence, cited: Sequence[Citation]) -> CarriedSentence:
        together = bool(cited) and self._carries(answer, sentence, cited)
        if len(cited) <= 1 or not together:
            return CarriedSentence(carried=together, precise=(together,) * len(cited))
        precise = tuple(
            self._carries(answer, sentence, [citation])
            or not self._carries(answer, sentence, [other for other in cited if other is not citation])
            for citation in cited
        )
        return CarriedSentence(carried=True, precise=precise)

    def _carries(self, answer: Answer, sentence: Sentence, cited: Sequence[Citation]) -> bool:
        evidence = [
            Evidence(id=str(each.n), text=f"{each.title} > {each.heading}\n{each.quote}") for each in cited
        ]
        return carries(self._checker, answer, sentence, evidence)


def checkable_sentences(answer: Answer) -> list[Sentence]:
    """The sentences that assert something; none of a refusal, or of an answer that was not checked."""
    return [sentence for sentence in answer.sentences if sentence.verdict is not Verdict.NOT_CHECKABLE]


def carries(
    checker: GroundednessChecker, answer: Answer, sentence: Sentence, evidence: Sequence[Evidence]
) -> bool:
    """Whether ``evidence`` alone supports a sentence of ``answer``; without evidence nothing is supported."""
    if not evidence:
        return False
    session = checker.begin(evidence, question=answer.question)
    verdict = session.judge(sentence.text, before=answer.text[: sentence.start]).verdict
    return verdict not in (Verdict.UNSUPPORTED, Verdict.CONTRADICTED)


def citation_precision_gold(answered: AnsweredQuestion) -> float | None:
    """Share of the citations that overlap a gold quote or, without one, lie in a gold document."""
    if not has_gold(answered.question):
        return None
    return _share([is_gold_citation(each, answered.question) for each in answered.answer.citations])


def citation_recall_gold(answered: AnsweredQuestion) -> float | None:
    """Whether any citation does, of an answer to a question with gold; ``None`` for a refusal."""
    if not has_gold(answered.question) or answered.refused:
        return None
    return float(any(is_gold_citation(each, answered.question) for each in answered.answer.citations))


def citation_metrics(checker: GroundednessChecker) -> tuple[Metric, ...]:
    """The two that need a checker: do the cited spans carry their statements?"""
    checks = CitationChecks(checker)
    return (
        Metric(
            name="citation_precision",
            title="citation precision",
            per_question=checks.precision,
            better="higher",
            explained="Share of the footnotes that carry the sentence they stand at, or without which the "
            f"others would not; as the checker {checker.name} judges the cited span alone.",
        ),
        Metric(
            name="citation_recall",
            title="citation recall",
            per_question=checks.recall,
            better="higher",
            explained="Share of the sentences that assert something and are carried by their own footnotes, "
            f"as the checker {checker.name} judges the cited spans alone.",
        ),
    )


GOLD_CITATION_METRICS = (
    Metric(
        name="citation_precision_gold",
        title="citation precision, gold",
        per_question=citation_precision_gold,
        better="higher",
        explained="Share of the footnotes that point to the gold quote (or to the gold document, where no "
        "quote is known). Another place may state the same: lower than 1 is not always wrong.",
    ),
    Metric(
        name="citation_recall_gold",
        title="citation recall, gold",
        per_question=citation_recall_gold,
        better="higher",
        explained="Share of the given answers of which a footnote points to the gold quote (or document).",
    ),
)


def _share(hits: Sequence[bool]) -> float | None:
    return sum(hits) / len(hits) if hits else None
