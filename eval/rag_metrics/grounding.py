"""Do answers keep to the passages, and to the right ones?

RAGAS's faithfulness and noise sensitivity (Es et al. 2024, https://aclanthology.org/2024.eacl-demo.16; the
second as its documentation defines it, for irrelevant passages), with a groundedness checker in the place of
its judge.
"""

from __future__ import annotations

from dataclasses import replace

from eval.answered import AnsweredQuestion
from eval.rag_metrics.citations import carries, checkable_sentences
from eval.rag_metrics.gold import gold_passages, has_gold
from eval.rag_metrics.metric import Metric, PerQuestion
from rag.answering.drafting import evidence_of
from rag.domain import Evidence, Verdict
from rag.interfaces import GroundednessChecker


def faithfulness(answered: AnsweredQuestion) -> float | None:
    """Share of the checkable sentences that the answer's own check found supported; ``None`` without any."""
    checkable = checkable_sentences(answered.answer)
    if not checkable:
        return None
    return sum(each.verdict is Verdict.SUPPORTED for each in checkable) / len(checkable)


def noise_sensitivity(checker: GroundednessChecker) -> PerQuestion:
    """Share of the checkable sentences that only passages beside the gold carry.

    Gold is: the passages that are gold, the gold quotes, and the gold answers. ``None`` for a refusal, and
    where nobody says where the answer stands.
    """

    def per_question(answered: AnsweredQuestion) -> float | None:
        answer = answered.answer
        checkable = checkable_sentences(answer)
        if not checkable or not has_gold(answered.question):
            return None
        gold, noise = _split(answered)
        taken = [
            not carries(checker, answer, sentence, gold) and carries(checker, answer, sentence, noise)
            for sentence in checkable
        ]
        return sum(taken) / len(taken)

    return per_question


def _split(answered: AnsweredQuestion) -> tuple[list[Evidence], list[Evidence]]:
    """What the answer may rest on by the gold, and the other passages."""
    question = answered.question
    passages = list(zip(answered.answer.passages, gold_passages(answered), strict=True))
    known = [
        *question.quotes,
        *(f"{question.text}\n{answer}" for answer in question.answers),
    ]
    gold = evidence_of([passage for passage, is_gold in passages if is_gold])
    gold += [Evidence(id=f"gold {number}", text=text) for number, text in enumerate(known, start=1)]
    return gold, evidence_of([passage for passage, is_gold in passages if not is_gold])


def grounding_metrics(checker: GroundednessChecker) -> tuple[Metric, ...]:
    """Faithfulness, by the check that every answer carries, and noise sensitivity, by ``checker``."""
    return (
        replace(
            FAITHFULNESS,
            explained=f"{FAITHFULNESS.explained} The checker is {checker.name}.",
        ),
        Metric(
            name="noise_sensitivity",
            title="noise sensitivity",
            per_question=noise_sensitivity(checker),
            better="lower",
            explained="Share of the sentences that rest only on passages that do not answer the question: "
            "true of them, not of what was asked. Right additions from elsewhere count as noise, too. "
            f"The checker is {checker.name}.",
        ),
    )


FAITHFULNESS = Metric(
    name="faithfulness",
    title="faithfulness",
    per_question=faithfulness,
    better="higher",
    explained="Share of the sentences that assert something and are supported by the passages that the "
    "answer was written from. Says nothing about whether they answer the question.",
)
