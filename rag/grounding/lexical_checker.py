"""The floor of all checkers: shared words, and figures compared, without any model.

It loads nothing and takes milliseconds. A paraphrase in other words scores low, a swapped role high.
"""

from __future__ import annotations

from collections.abc import Sequence

from rag.domain import Evidence
from rag.grounding.findings import evidence_span
from rag.grounding.sentence_checker import Judgement, SentenceChecker, joined_places
from rag.grounding.shared_terms import EvidenceIndex

NAME = "lexical"

_LOWEST = 0.25
"""What a sentence scores none of whose words is held: more than one that states something otherwise."""
_THRESHOLD = 0.58
"""Reached where 44 % of a sentence's words are held, rare ones weighing more."""
_NEAREST_SHARE = 0.5
"""How much what the nearest sentences hold counts beside what all of the evidence holds."""


def lexical_checker() -> SentenceChecker:
    """The checker ``lexical``."""
    return SentenceChecker(
        NAME, lambda evidence, _: LexicalJudge(evidence), threshold=_THRESHOLD, compares=True
    )


class LexicalJudge:
    """Scores the share of a sentence's words that the evidence holds, rare words more than common ones."""

    def __init__(self, evidence: Sequence[Evidence]) -> None:
        self._evidence = evidence
        self._indexes: dict[str, EvidenceIndex] = {}

    def judge(self, sentences: Sequence[str], language: str) -> list[Judgement]:
        """A judgement on each of ``sentences``, in order."""
        if language not in self._indexes:
            self._indexes[language] = EvidenceIndex(self._evidence, language)
        index = self._indexes[language]
        return [self._judge(sentence, index) for sentence in sentences]

    def _judge(self, sentence: str, index: EvidenceIndex) -> Judgement:
        shared = index.shared(sentence)
        share = (1 - _NEAREST_SHARE) * shared.coverage_all + _NEAREST_SHARE * shared.coverage_best
        return Judgement(
            score=_LOWEST + (1 - _LOWEST) * share,
            evidence=() if shared.best is None else (evidence_span(shared.best, self._evidence),),
            unsupported=joined_places([(term.start, term.end) for term in shared.missing]),
        )
