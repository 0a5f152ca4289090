"""Does the answer say what the gold answers say? A refusal of an answerable question says nothing: 0."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from eval.answered import AnsweredQuestion
from eval.metrics import token_f1
from eval.rag_metrics.metric import Metric, PerQuestion
from eval.rag_metrics.texts import bleu, chrf, contains_answer, exact_match, rouge
from rag.text.sentences import split_sentences

Likeness = Callable[[str, Sequence[str]], float]


def against_gold(likeness: Likeness) -> PerQuestion:
    """``likeness`` of an answer to its gold answers; ``None`` where there is no gold answer."""

    def per_question(answered: AnsweredQuestion) -> float | None:
        references = answered.question.answers
        if not references:
            return None
        return 0.0 if answered.refused else likeness(answered.text, references)

    return per_question


def of_first_sentence(likeness: Likeness) -> PerQuestion:
    """``likeness`` of the first sentence of the first passage to the gold answers; 0 without a passage."""

    def per_question(answered: AnsweredQuestion) -> float | None:
        references, passages = answered.question.answers, answered.answer.passages
        if not references:
            return None
        spans = split_sentences(passages[0].text) if passages else []
        return likeness(passages[0].text[slice(*spans[0])], references) if spans else 0.0

    return per_question


_ROWS: tuple[tuple[str, str, Likeness, str], ...] = (
    (
        "exact_match",
        "exact match",
        exact_match,
        "Share of answers that are a gold answer word for word; case, punctuation and articles don't "
        "count. A whole sentence never equals a gold answer of one word.",
    ),
    (
        "contains_answer",
        "gold answer inside",
        contains_answer,
        "Share of answers in which a gold answer stands word for word. Right for sentences as answers, blind "
        "for other words with the same meaning; a long answer has it easier.",
    ),
    (
        "token_f1",
        "token F1",
        token_f1,
        "Words shared with the gold answer, from both sides: what is missing and what is too much both cost.",
    ),
    (
        "rouge1",
        "ROUGE-1",
        partial(rouge, kind="rouge1"),
        "Single words shared with the gold answer, F-measure.",
    ),
    (
        "rouge2",
        "ROUGE-2",
        partial(rouge, kind="rouge2"),
        "Pairs of words shared with the gold answer, F-measure.",
    ),
    (
        "rougeL",
        "ROUGE-L",
        partial(rouge, kind="rougeL"),
        "Longest run of words, gaps allowed, in the order of the gold answer, F-measure.",
    ),
    (
        "bleu",
        "BLEU",
        bleu,
        "Runs of one to four words that a gold answer has too; mean of single answers, not the figure of a "
        "whole corpus. Made for translations: low for sentences against short gold answers.",
    ),
    (
        "chrf",
        "chrF",
        chrf,
        "Runs of one to six characters shared with the gold answer; kinder to inflected forms than BLEU.",
    ),
)

WORDING_METRICS = tuple(
    Metric(
        name=name,
        title=title,
        per_question=against_gold(likeness),
        better="higher",
        explained=explained,
        trivial={"first sentence found": of_first_sentence(likeness)},
    )
    for name, title, likeness, explained in _ROWS
)
