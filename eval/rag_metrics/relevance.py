"""Is the answer about what was asked? By embeddings and words, without a judge.

RAGAS has a model write questions to the answer and compares those with the one asked. Here the answer is
compared itself: the mean of its cosine to the question and of the share of the question's content words that
it takes up. Each alone fails somewhere: the default encoder reads French poorly, and an answer in other words
shares none. On the 143 answerable questions of CLAPnq's development part (gold answers) the mean told the
answer from that to a random other question with AUROC .998, and from that to the nearest other question with
.96; on 200 French questions of a data-protection FAQ with .95 and .64.
"""

from __future__ import annotations

from eval.answered import AnsweredQuestion
from eval.rag_metrics.metric import Metric, PerQuestion
from rag.interfaces import Embedder
from rag.text.alignment import content_terms


def answer_relevance(embedder: Embedder) -> PerQuestion:
    """``None`` for a refusal, which is counted elsewhere."""

    def per_question(answered: AnsweredQuestion) -> float | None:
        if answered.refused or not answered.text.strip():
            return None
        return relevance(answered.question.text, answered.text, answered.question.language, embedder)

    return per_question


def relevance(question: str, answer: str, language: str, embedder: Embedder) -> float:
    """Mean of cosine (0 if negative) and coverage of the question's content words, 0 to 1.

    A question without content words is judged by the cosine alone.
    """
    cosine = max(0.0, float(embedder.embed_query(question) @ embedder.embed_documents([answer])[0]))
    asked = content_terms(question, language)
    if not asked:
        return min(cosine, 1.0)
    taken_up = len(asked & content_terms(answer, language)) / len(asked)
    return min((cosine + taken_up) / 2, 1.0)


def repeating(embedder: Embedder) -> PerQuestion:
    """What the question itself would get as the answer to it."""

    def per_question(answered: AnsweredQuestion) -> float | None:
        question = answered.question
        return (
            None if answered.refused else relevance(question.text, question.text, question.language, embedder)
        )

    return per_question


def relevance_metrics(embedder: Embedder) -> tuple[Metric, ...]:
    """The one row, with ``embedder``."""
    return (
        Metric(
            name="answer_relevance",
            title="answer relevance",
            per_question=answer_relevance(embedder),
            better="higher",
            explained="Is the answer about what was asked: half nearness of meaning, half the question's own "
            "words. Compare it between systems on the same questions only: an answer of one word scores low "
            "however right it is, and one that repeats the question scores 1. Says nothing about truth.",
            trivial={"repeating the question": repeating(embedder)},
        ),
    )
