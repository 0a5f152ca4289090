"""The trained groundedness checker: a small model reads each sentence against all of the evidence.

The model (:mod:`rag.grounding.local.reader`) says of every word whether the evidence carries it. What it
finds, the terms shared with the evidence, and a comparison of figures, dates, names and denials without a
model make a calibrated probability by logistic regression. An answer is as good as its weakest sentence.
``make train-grounding`` trains all weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from rag.domain import Evidence
from rag.grounding.agreement import agreement
from rag.grounding.comparing import Difference, EvidenceReading, read_evidence
from rag.grounding.findings import evidence_span
from rag.grounding.local.memory import EvidenceMemory
from rag.grounding.local.reading import ClaimReader, ClaimReading
from rag.grounding.local.signals import contradiction_share, not_carried, sentence_signals
from rag.grounding.sentence_checker import (
    DIFFERING_SHARE,
    Judgement,
    SentenceChecker,
    deciding,
    joined_places,
)
from rag.grounding.shared_terms import EvidenceIndex, SharedTerms
from rag.logistic import Weights

NAME = "local"

_HALF = 0.5
"""Share of what is not carried that the evidence says otherwise, above which it contradicts."""


class LocalModel(BaseModel):
    """The stored file beside the model's weights.

    Attributes:
        threshold: of sentences and answers.
        piece_threshold: probability of not being carried from which a word belongs to an unsupported span.
        sentence: what probabilities are made of.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    threshold: float
    piece_threshold: float
    sentence: Weights


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """Everything a judgement of one sentence is made of; see :mod:`rag.grounding.local.signals`.

    Attributes:
        differing: values that decide against the sentence.
    """

    reading: ClaimReading | None
    shared: SharedTerms
    differing: tuple[Difference, ...]
    signals: dict[str, float]


def local_checker(reader: ClaimReader, model: LocalModel) -> SentenceChecker:
    """The checker of a loaded reader.

    Args:
        model: how its readings become probabilities.
    """
    return SentenceChecker(
        NAME,
        lambda evidence, _: LocalJudge(evidence, reader, model),
        threshold=model.threshold,
        compares=False,  # done here, since what differs is also a signal
    )


class LocalJudge:
    """Judges sentences against ``evidence``, which is read once."""

    def __init__(self, evidence: Sequence[Evidence], reader: ClaimReader, model: LocalModel) -> None:
        self._evidence = evidence
        self._model = model
        self._memory = EvidenceMemory(evidence, reader)
        self._compared: dict[str, tuple[EvidenceIndex, EvidenceReading]] = {}

    def judge(self, sentences: Sequence[str], language: str) -> list[Judgement]:
        """A judgement on each of ``sentences``, in order."""
        findings = self.find(sentences, language)
        return [self._judgement(text, found) for text, found in zip(sentences, findings, strict=True)]

    def find(self, sentences: Sequence[str], language: str) -> list[Finding]:
        """What is found out about each of ``sentences``, in order."""
        index, reading = self._compare(language)
        findings = []
        for sentence, read in zip(sentences, self._memory.judge(sentences, language), strict=True):
            claim = reading.read(sentence)
            shared = index.shared(sentence)
            differing = tuple(deciding(reading.differences(claim)))
            signals = sentence_signals(read, shared, differing, agreement(claim, reading, differing))
            findings.append(Finding(reading=read, shared=shared, differing=differing, signals=signals))
        return findings

    def _judgement(self, sentence: str, found: Finding) -> Judgement:
        best = found.shared.best
        return Judgement(
            score=capped(self._model.sentence.probability(found.signals), found, self._model.threshold),
            contradicted=_contradicts(found),
            evidence=() if best is None else (evidence_span(best, self._evidence),),
            unsupported=tuple(uncarried_words(sentence, found, self._model.piece_threshold)),
        )

    def _compare(self, language: str) -> tuple[EvidenceIndex, EvidenceReading]:
        if language not in self._compared:
            everything = "\n".join(text.text for text in self._evidence)
            self._compared[language] = (
                EvidenceIndex(self._evidence, language),
                read_evidence(everything, language),
            )
        return self._compared[language]


def capped(score: float, found: Finding, threshold: float) -> float:
    """``score``, but below ``threshold`` where a value decides against the sentence."""
    return min(score, threshold * DIFFERING_SHARE) if found.differing else score


def uncarried_words(sentence: str, found: Finding, threshold: float) -> list[tuple[int, int]]:
    """Places of the words that are not carried, from ``threshold`` on, and of values that differ."""
    places = [(each.start, each.end) for each in found.differing]
    if found.reading is not None:
        places += [
            place
            for place, doubt in zip(found.reading.places, not_carried(found.reading), strict=True)
            if doubt >= threshold
        ]
    return list(joined_places([_whole_words(place, sentence) for place in places]))


def _whole_words(place: tuple[int, int], sentence: str) -> tuple[int, int]:
    start, end = place
    while start > 0 and sentence[start - 1].isalnum() and sentence[start].isalnum():
        start -= 1
    while end < len(sentence) and sentence[end].isalnum() and sentence[end - 1].isalnum():
        end += 1
    return start, end


def _contradicts(found: Finding) -> bool:
    if any(each.contradicted for each in found.differing):
        return True
    return found.reading is not None and contradiction_share(found.reading) > _HALF
