"""The default groundedness checker: a small trained model reads each sentence against all of the evidence.

The model (:mod:`rag.grounding.local.reader`) says of every word whether the evidence carries it. What it
finds, the terms shared with the evidence, and a comparison of figures, dates, names and denials without a
model make a calibrated probability by logistic regression. ``make train-grounding`` trains all weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from rag.domain import Evidence, GroundingReport, SentenceVerdict, UnsupportedSpan, Verdict
from rag.grounding.claims import is_checkable
from rag.grounding.comparing import Difference, EvidenceReading, read_evidence
from rag.grounding.features import EvidenceIndex, Signals
from rag.grounding.findings import (
    answer_signals,
    evidence_span,
    not_checkable,
    supported_verbatim,
    verbatim_span,
)
from rag.grounding.local.memory import EvidenceMemory
from rag.grounding.local.reading import ClaimReader, ClaimReading
from rag.grounding.local.signals import contradiction_share, not_carried, sentence_signals
from rag.logistic import Weights
from rag.text.language import detect_language
from rag.text.sentences import split_sentences

NAME = "local"

_WRONG_VALUE_SHARE = 0.5
"""Of the threshold: what a sentence that differs in a value can score at most, however well it reads."""

_HALF = 0.5
"""Share of what is not carried that the evidence says otherwise, above which it contradicts."""

_JOINED_OVER = 2
"""Characters between two words that are not carried, for which they are one span."""


class LocalModel(BaseModel):
    """The stored file beside the model's weights.

    Attributes:
        threshold: of sentences and answers.
        piece_threshold: probability of not being carried from which a word belongs to an unsupported span.
        sentence, answer: what probabilities are made of.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    threshold: float
    piece_threshold: float
    sentence: Weights
    answer: Weights


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """Everything a verdict on one sentence is made of; see :mod:`rag.grounding.local.signals`."""

    reading: ClaimReading | None
    shared: Signals
    differing: tuple[Difference, ...]
    signals: dict[str, float]


class LocalChecker:
    """Reads answers against evidence with the trained model.

    Args:
        reader: the loaded model.
        model: how its readings become probabilities.
    """

    def __init__(self, reader: ClaimReader, model: LocalModel) -> None:
        self._reader = reader
        self._model = model

    @property
    def name(self) -> str:
        """``local``."""
        return NAME

    def check(
        self, answer: str, evidence: Sequence[Evidence], *, question: str | None = None
    ) -> GroundingReport:
        """Check every sentence of ``answer`` against all of ``evidence``.

        An answer that asserts nothing has score 1; with empty evidence every assertion is unsupported.
        """
        session = self.begin(evidence, question=question)
        spans = split_sentences(answer)
        return session.report(session.judge_all(answer, spans, detect_language(answer)))

    def begin(self, evidence: Sequence[Evidence], *, question: str | None = None) -> LocalSession:
        """A check of one answer against ``evidence``, sentence by sentence."""
        return LocalSession(evidence, self._reader, self._model)


class LocalSession:
    """Judges the sentences of one answer as they come; evidence is read once."""

    def __init__(self, evidence: Sequence[Evidence], reader: ClaimReader, model: LocalModel) -> None:
        self._evidence = evidence
        self._reader = reader
        self._model = model
        self._read = EvidenceMemory(evidence, reader)
        self._compared: dict[str, tuple[EvidenceIndex, EvidenceReading]] = {}

    def judge(self, sentence: str, *, before: str = "") -> SentenceVerdict:
        """The verdict on ``sentence``, which follows ``before`` in the answer; offsets into ``sentence``."""
        language = detect_language(f"{before} {sentence}")
        return self.judge_all(sentence, [(0, len(sentence))], language)[0]

    def judge_all(
        self, answer: str, spans: Sequence[tuple[int, int]], language: str
    ) -> list[SentenceVerdict]:
        """Verdicts on the sentences ``answer[start:end]``, in order; offsets into ``answer``."""
        checkable = [span for span in spans if is_checkable(answer[span[0] : span[1]], language)]
        quotes = {span: verbatim_span(answer, span, self._evidence) for span in checkable}
        compared = [span for span in checkable if quotes[span] is None]
        findings = self.find([answer[start:end] for start, end in compared], language)
        found = dict(zip(compared, findings, strict=True))
        verdicts = []
        for span in spans:
            quote = quotes.get(span)
            if quote is not None:
                verdicts.append(supported_verbatim(answer, span, quote))
            elif span in found:
                verdicts.append(self._verdict(answer, span, found[span]))
            else:
                verdicts.append(not_checkable(answer, span))
        return verdicts

    def find(self, sentences: Sequence[str], language: str) -> list[Finding]:
        """Everything a verdict is made of, for each of ``sentences``."""
        if not sentences:
            return []
        index, reading = self._compare(language)
        readings = self._read.judge(sentences, language)
        findings = []
        for sentence, read in zip(sentences, readings, strict=True):
            nearest = index.nearest(sentence)
            shared = index.signals(sentence, nearest, 0.0)
            differing = reading.differences(sentence)
            findings.append(
                Finding(
                    reading=read,
                    shared=shared,
                    differing=differing,
                    signals=sentence_signals(read, shared, differing),
                )
            )
        return findings

    def report(self, verdicts: Sequence[SentenceVerdict]) -> GroundingReport:
        """What ``verdicts`` come to for the answer they make up; 1 when it asserts nothing."""
        scores = [each.score for each in verdicts if each.verdict is not Verdict.NOT_CHECKABLE]
        return GroundingReport(
            score=self._model.answer.probability(answer_signals(scores)) if scores else 1.0,
            sentences=tuple(verdicts),
            checker=NAME,
            threshold=self._model.threshold,
        )

    def _verdict(self, answer: str, span: tuple[int, int], found: Finding) -> SentenceVerdict:
        threshold = self._model.threshold
        score = self._model.sentence.probability(found.signals) if self._evidence else 0.0
        if found.differing:
            score = min(score, threshold * _WRONG_VALUE_SHARE)
        verdict = Verdict.SUPPORTED
        if score < threshold:
            verdict = Verdict.CONTRADICTED if _contradicts(found) else Verdict.UNSUPPORTED
        best = found.shared.best
        return SentenceVerdict(
            text=answer[span[0] : span[1]],
            start=span[0],
            end=span[1],
            verdict=verdict,
            score=score,
            evidence=() if best is None else (evidence_span(best, self._evidence),),
            unsupported_spans=() if verdict is Verdict.SUPPORTED else self._unsupported(answer, span, found),
        )

    def _unsupported(self, answer: str, span: tuple[int, int], found: Finding) -> tuple[UnsupportedSpan, ...]:
        """The words that are not carried; the whole sentence where no single word stands out."""
        marked = [(each.start, each.end) for each in found.differing]
        if found.reading is not None:
            marked += [
                place
                for place, doubt in zip(found.reading.places, not_carried(found.reading), strict=True)
                if doubt >= self._model.piece_threshold
            ]
        if not marked:
            return (UnsupportedSpan(start=span[0], end=span[1]),)
        return tuple(
            UnsupportedSpan(start=span[0] + start, end=span[0] + end)
            for start, end in joined(marked, answer[span[0] : span[1]])
        )

    def _compare(self, language: str) -> tuple[EvidenceIndex, EvidenceReading]:
        if language not in self._compared:
            everything = "\n".join(text.text for text in self._evidence)
            self._compared[language] = (
                EvidenceIndex(self._evidence, language),
                read_evidence(everything, language),
            )
        return self._compared[language]


def joined(places: Sequence[tuple[int, int]], sentence: str) -> list[tuple[int, int]]:
    """Places as whole words, those with next to nothing between them as one."""
    spans: list[tuple[int, int]] = []
    for start, end in sorted(places):
        while start > 0 and sentence[start - 1].isalnum() and sentence[start].isalnum():
            start -= 1
        while end < len(sentence) and sentence[end].isalnum() and sentence[end - 1].isalnum():
            end += 1
        if spans and start - spans[-1][1] <= _JOINED_OVER:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    return spans


def _contradicts(found: Finding) -> bool:
    if any(each.contradicted for each in found.differing):
        return True
    return found.reading is not None and contradiction_share(found.reading) > _HALF
