"""Statements for a follow-up question: what it asks itself counts as much as what it takes over.

A follow-up that was made to stand alone holds words of the questions before it, and what answered those
comes out on top again. So statements are read for both texts. On the part of ``samples/followups.jsonl`` that
was not looked at, 21 of 26 follow-ups are answered this way, 19 by the standalone text alone (``python
benchmarks/dialogues.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rag.answering.evidence import EvidenceReading, ScoredSentence, SentenceScorer
from rag.domain import Passage, Question

_AS_TYPED = 0.5
"""Share of the question as it was typed; from .3 to 1 the dev part's answers hardly differ."""


def read_follow_up(
    scorer: SentenceScorer, question: Question, passages: Sequence[Passage]
) -> EvidenceReading:
    """What ``scorer`` reads for ``question``: for one made to stand alone, the mean with what was typed.

    A statement that only one of the two reads closely has the other's lowest score there.
    """
    standalone = scorer.read(question, passages)
    if question.typed in (None, question.text):
        return standalone
    typed = scorer.read(replace(question, text=question.typed), passages)
    if not standalone.sentences or not typed.sentences:
        return standalone
    scores, typed_scores = _scores(standalone), _scores(typed)
    lowest, lowest_typed = min(scores.values()), min(typed_scores.values())
    sentences = {_place(sentence): sentence for sentence in (*typed.sentences, *standalone.sentences)}
    mixed = [
        replace(
            sentence,
            score=(1 - _AS_TYPED) * scores.get(place, lowest)
            + _AS_TYPED * typed_scores.get(place, lowest_typed),
        )
        for place, sentence in sentences.items()
    ]
    return replace(standalone, sentences=tuple(sorted(mixed, key=lambda sentence: -sentence.score)))


def _scores(reading: EvidenceReading) -> dict[tuple[int, int, int], float]:
    return {_place(sentence): sentence.score for sentence in reading.sentences}


def _place(sentence: ScoredSentence) -> tuple[int, int, int]:
    return sentence.passage, sentence.start, sentence.end
