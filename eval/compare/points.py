"""What an answer is worth on one question, 0 to 1: the measure by which contestants win, tie or lose.

- The documents do not hold the answer (``answerable`` is false): 1 for a refusal, 0 for an answer.
- They do: 0 for a refusal; for an answer *right* times *grounded*.

*Right* is the largest share of a gold answer's words that stand in the answer. This recall agrees with people
on long answers better than token-F1, which punishes every word around the right one: Adlakha et al. (2024),
*Evaluating Correctness and Faithfulness of Instruction-Following Models for Question Answering*,
https://arxiv.org/abs/2307.16877. Without gold answers it is 1 where the answer cites a gold quote (without
those: a gold document), else 0; where nothing is known of the answer it is 1.

*Grounded* is the answer's faithfulness: the share of its checkable sentences that the checker calls supported
by the passages that were found; 1 where nothing in it can be checked. So a right answer with an invented
sentence loses against one without.

A question of which nobody says whether it can be answered, and that was refused, gives no points either way.
"""

from __future__ import annotations

from collections import Counter

from eval.answered import AnsweredQuestion
from eval.metrics import answer_tokens
from eval.rag_metrics.gold import has_gold, is_gold_citation
from eval.rag_metrics.grounding import faithfulness
from rag.domain import AnswerStatus


def points(answered: AnsweredQuestion) -> float | None:
    """The answer's worth; ``None`` where nobody knows, as of an answer whose check failed."""
    if answered.question.answerable is False:
        return float(answered.refused)
    if answered.refused:
        return 0.0 if answered.question.answerable else None
    if answered.answer.status is AnswerStatus.UNVERIFIED:
        return None
    right, grounded = rightness(answered), faithfulness(answered)
    return (1.0 if right is None else right) * (1.0 if grounded is None else grounded)


def rightness(answered: AnsweredQuestion) -> float | None:
    """How right an answer is, 0 to 1; ``None`` where nothing is known of the question's answer."""
    gold = answered.question
    if gold.answers:
        return max(_recalled(answer, answered.text) for answer in gold.answers)
    if has_gold(gold):
        return float(any(is_gold_citation(each, gold) for each in answered.answer.citations))
    return None


def _recalled(gold: str, answer: str) -> float:
    wanted = Counter(answer_tokens(gold))
    if not wanted:
        return float(not answer_tokens(answer))
    return (wanted & Counter(answer_tokens(answer))).total() / wanted.total()
