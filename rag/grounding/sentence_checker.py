"""A checker made of a judge of sentences: the frame that all but ``alignment`` share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from rag.domain import Evidence, EvidenceSpan, GroundingReport, SentenceVerdict, UnsupportedSpan, Verdict
from rag.grounding.claims import is_checkable
from rag.grounding.comparing import Difference, read_evidence
from rag.grounding.findings import not_checkable, supported_verbatim, verbatim_span
from rag.text.language import detect_language
from rag.text.sentences import split_sentences

DIFFERING_SHARE = 0.5
"""Of the threshold: what a sentence that differs in a figure, date, unit or denial can score at most."""

_JOINED_OVER = 4
"""Characters between two unsupported words, such as an article, for which they are one span."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """What a judge says of one sentence.

    Attributes:
        score: probability, 0 to 1, that the evidence supports all of it.
        contradicted: what is not supported is stated otherwise, not merely missing.
        evidence: what it rests on, or would have to.
        unsupported: offsets into the sentence of what is not supported; empty: all of it.
        asserts: whether the sentence turned out to assert something.
    """

    score: float
    contradicted: bool = False
    evidence: tuple[EvidenceSpan, ...] = ()
    unsupported: tuple[tuple[int, int], ...] = ()
    asserts: bool = True


class SentenceJudge(Protocol):
    """Knows the evidence of one answer."""

    def judge(self, sentences: Sequence[str], language: str) -> list[Judgement]:
        """A judgement on each of ``sentences``, in order."""
        ...


OpenJudge = Callable[[Sequence[Evidence], str | None], SentenceJudge]
"""From evidence that is not empty, and the question where there is one, to its judge."""


class SentenceChecker:
    """Judges what asserts something and does not stand in the evidence word for word.

    Args:
        threshold: of sentences and answers.
        compares: whether figures, dates, units and denials that differ decide against a sentence.
    """

    def __init__(
        self,
        name: str,
        open_judge: OpenJudge,
        *,
        threshold: float,
        compares: bool,
    ) -> None:
        self._name = name
        self._open_judge = open_judge
        self._threshold = threshold
        self._compares = compares

    @property
    def name(self) -> str:
        """As named in settings and reports."""
        return self._name

    def check(
        self, answer: str, evidence: Sequence[Evidence], *, question: str | None = None
    ) -> GroundingReport:
        """Check every sentence of ``answer`` against all of ``evidence``; empty evidence supports nothing."""
        session = self.begin(evidence, question=question)
        return session.report(session.judge_all(answer, split_sentences(answer), detect_language(answer)))

    def begin(self, evidence: Sequence[Evidence], *, question: str | None = None) -> SentenceSession:
        """A check of one answer against ``evidence``, sentence by sentence."""
        return SentenceSession(
            evidence,
            question,
            name=self._name,
            open_judge=self._open_judge,
            threshold=self._threshold,
            compares=self._compares,
        )


class SentenceSession:
    """Judges the sentences of one answer as they come."""

    def __init__(
        self,
        evidence: Sequence[Evidence],
        question: str | None,
        *,
        name: str,
        open_judge: OpenJudge,
        threshold: float,
        compares: bool,
    ) -> None:
        self._evidence = [text for text in evidence if text.text.strip()]
        self._everything = "\n".join(text.text for text in self._evidence)
        self._judge = open_judge(self._evidence, question) if self._evidence else None
        self._name = name
        self._threshold = threshold
        self._compares = compares

    def judge(self, sentence: str, *, before: str = "") -> SentenceVerdict:
        """The verdict on ``sentence``, which follows ``before`` in the answer; offsets into ``sentence``."""
        return self.judge_all(sentence, [(0, len(sentence))], detect_language(f"{before} {sentence}"))[0]

    def judge_all(
        self, answer: str, spans: Sequence[tuple[int, int]], language: str
    ) -> list[SentenceVerdict]:
        """Verdicts on the sentences ``answer[start:end]``, in order; offsets into ``answer``."""
        checkable = [span for span in spans if is_checkable(answer[span[0] : span[1]], language)]
        quotes = {span: verbatim_span(answer, span, self._evidence) for span in checkable}
        open_spans = [span for span in checkable if quotes[span] is None]
        judged = dict(
            zip(open_spans, self._judgements([answer[a:b] for a, b in open_spans], language), strict=True)
        )
        verdicts = []
        for span in spans:
            quote = quotes.get(span)
            if quote is not None:
                verdicts.append(supported_verbatim(answer, span, quote))
            elif span in judged and judged[span].asserts:
                verdicts.append(self._verdict(answer, span, judged[span]))
            else:
                verdicts.append(not_checkable(answer, span))
        return verdicts

    def report(self, verdicts: Sequence[SentenceVerdict]) -> GroundingReport:
        """What ``verdicts`` come to for their answer: the weakest sentence; 1 when it asserts nothing."""
        scores = [each.score for each in verdicts if each.verdict is not Verdict.NOT_CHECKABLE]
        return GroundingReport(
            score=min(scores, default=1.0),
            sentences=tuple(verdicts),
            checker=self._name,
            threshold=self._threshold,
        )

    def _judgements(self, sentences: Sequence[str], language: str) -> list[Judgement]:
        if self._judge is None or not sentences:
            return [Judgement(score=0.0) for _ in sentences]
        judgements = self._judge.judge(sentences, language)
        if not self._compares:
            return judgements
        reading = read_evidence(self._everything, language)
        return [
            self._compared(judgement, reading.differences(reading.read(sentence)))
            for judgement, sentence in zip(judgements, sentences, strict=True)
        ]

    def _compared(self, judgement: Judgement, found: Sequence[Difference]) -> Judgement:
        """The judgement, lowered where the sentence states something otherwise."""
        differing = deciding(found)
        if not differing:
            return judgement
        return Judgement(
            score=min(judgement.score, self._threshold * DIFFERING_SHARE),
            contradicted=judgement.contradicted or any(each.contradicted for each in differing),
            evidence=judgement.evidence,
            unsupported=tuple((each.start, each.end) for each in differing),
        )

    def _verdict(self, answer: str, span: tuple[int, int], judgement: Judgement) -> SentenceVerdict:
        verdict = Verdict.SUPPORTED
        if judgement.score < self._threshold:
            verdict = Verdict.CONTRADICTED if judgement.contradicted else Verdict.UNSUPPORTED
        start, end = span
        parts = judgement.unsupported or ((0, end - start),)
        return SentenceVerdict(
            text=answer[start:end],
            start=start,
            end=end,
            verdict=verdict,
            score=judgement.score,
            evidence=judgement.evidence,
            unsupported_spans=()
            if verdict is Verdict.SUPPORTED
            else tuple(UnsupportedSpan(start=start + first, end=start + last) for first, last in parts),
        )


def deciding(found: Sequence[Difference]) -> list[Difference]:
    """The differences that decide against a sentence: a name that the evidence lacks may still be meant."""
    return [each for each in found if each.kind != "name" or each.contradicted]


def joined_places(places: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Places in order, those with hardly a letter between them as one."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(places):
        if joined and start - joined[-1][1] <= _JOINED_OVER:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)
