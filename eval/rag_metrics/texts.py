"""How near an answer's words are to the gold answers: the best of several counts.

Words are compared as :func:`eval.metrics.answer_tokens` reads them, in English and in French: lower case, no
punctuation, no articles, an apostrophe parts words, accents stay. ROUGE: Lin (2004), *ROUGE: A Package for
Automatic Evaluation of Summaries*, https://aclanthology.org/W04-1013. BLEU: Papineni et al. (2002),
https://aclanthology.org/P02-1040. chrF: Popović (2015), https://aclanthology.org/W15-3049.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from eval.metrics import answer_tokens

ROUGE_KINDS = ("rouge1", "rouge2", "rougeL")


def exact_match(answer: str, references: Sequence[str]) -> float:
    """1 if the words of ``answer`` are those of a reference, else 0."""
    words = answer_tokens(answer)
    return float(any(words == answer_tokens(reference) for reference in references))


def contains_answer(answer: str, references: Sequence[str]) -> float:
    """1 if the words of a reference stand in ``answer`` one after the other, else 0."""
    words = answer_tokens(answer)
    return float(any(_stands_in(words, answer_tokens(reference)) for reference in references))


def rouge(answer: str, references: Sequence[str], kind: str) -> float:
    """ROUGE F-measure, 0 to 1, without stemming. Args: kind: one of ``ROUGE_KINDS``."""
    scorer = _rouge_scorer()
    return max((float(scorer.score(each, answer)[kind].fmeasure) for each in references), default=0.0)


def bleu(answer: str, references: Sequence[str]) -> float:
    """Sentence BLEU, 0 to 1, as sacrebleu smooths it (exponentially), orders beyond the length left out."""
    if not answer.strip() or not references:
        return 0.0
    from sacrebleu.metrics.bleu import BLEU  # only reports need it

    return float(BLEU(effective_order=True).sentence_score(answer, list(references)).score) / 100


def chrf(answer: str, references: Sequence[str]) -> float:
    """chrF2, 0 to 1: character n-grams to six, recall twice as heavy, as sacrebleu counts."""
    if not answer.strip() or not references:
        return 0.0
    from sacrebleu.metrics.chrf import CHRF  # only reports need it

    return float(CHRF().sentence_score(answer, list(references)).score) / 100


def _stands_in(words: list[str], wanted: list[str]) -> bool:
    size = len(wanted)
    return size > 0 and any(words[start : start + size] == wanted for start in range(len(words) - size + 1))


@cache
def _rouge_scorer() -> Any:
    from rouge_score.rouge_scorer import RougeScorer  # takes seconds to import
    from rouge_score.tokenizers import Tokenizer

    class Words(Tokenizer):  # type: ignore[misc]
        """The package's own drops every letter with an accent."""

        def tokenize(self, text: str) -> list[str]:
            return answer_tokens(text)

    return RougeScorer(list(ROUGE_KINDS), tokenizer=Words())
