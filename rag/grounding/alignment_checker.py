"""The first groundedness checker: aligns each sentence with its nearest evidence, by terms and embeddings.

It knows shared words, figures, names, negation and similarity, not entailment: a paraphrase in other words
scores low, and a swapped role scores high. Logistic regression over :mod:`rag.grounding.features`, fitted by
``python -m eval.calibrate groundedness`` on the development sets and stored beside this file.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict

from rag.domain import Evidence, GroundingReport, SentenceVerdict, UnsupportedSpan, Verdict
from rag.grounding.claims import is_checkable
from rag.grounding.features import EvidenceIndex, Signals, highest_cosines
from rag.grounding.findings import (
    answer_signals,
    evidence_span,
    not_checkable,
    supported_verbatim,
    verbatim_span,
)
from rag.interfaces import Embedder
from rag.logistic import Weights
from rag.text.language import detect_language
from rag.text.sentences import split_sentences

_WEIGHTS_FILE = "alignment.json"
_CONTRADICTING_SHARE = 0.6
"""A window that shares this much and differs in a figure or in negation contradicts rather than lacks."""


_WRONG_FIGURE_SHARE = 0.5
"""Of the threshold: what a sentence with a wrong figure can score at most, however well the rest is found."""


class AlignmentModel(BaseModel):
    """The stored file: sentence weights, how sentence scores make the answer's, and the threshold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    threshold: float
    sentence: Weights
    answer: Weights


@lru_cache(maxsize=1)
def stored_model() -> AlignmentModel:
    """The weights that come with Footnote."""
    return AlignmentModel.model_validate_json(files("rag.grounding").joinpath(_WEIGHTS_FILE).read_bytes())


class AlignmentChecker:
    """Scores each sentence by how well the evidence's nearest window carries it."""

    NAME = "alignment"

    def __init__(self, embedder: Embedder, model: AlignmentModel | None = None) -> None:
        self._embedder = embedder
        self._model = model or stored_model()

    @property
    def name(self) -> str:
        """``alignment``."""
        return self.NAME

    def check(
        self, answer: str, evidence: Sequence[Evidence], *, question: str | None = None
    ) -> GroundingReport:
        """Check every sentence of ``answer`` against all of ``evidence``.

        An answer that asserts nothing has score 1; with empty evidence every assertion is unsupported.
        """
        session = self.begin(evidence, question=question)
        spans = split_sentences(answer)
        return session.report(session.judge_all(answer, spans, detect_language(answer)))

    def begin(self, evidence: Sequence[Evidence], *, question: str | None = None) -> AlignmentSession:
        """A check of one answer against ``evidence``, sentence by sentence."""
        return AlignmentSession(evidence, self._embedder, self._model)


class AlignmentSession:
    """Judges the sentences of one answer as they come; what is read of the evidence is read once."""

    def __init__(self, evidence: Sequence[Evidence], embedder: Embedder, model: AlignmentModel) -> None:
        self._evidence = evidence
        self._embedder = embedder
        self._model = model
        self._indexes: dict[str, EvidenceIndex] = {}

    def judge(self, sentence: str, *, before: str = "") -> SentenceVerdict:
        """The verdict on ``sentence``, which follows ``before`` in the answer; offsets into ``sentence``."""
        language = detect_language(f"{before} {sentence}")
        return self.judge_all(sentence, [(0, len(sentence))], language)[0]

    def judge_all(
        self, answer: str, spans: Sequence[tuple[int, int]], language: str
    ) -> list[SentenceVerdict]:
        """Verdicts on the sentences ``answer[start:end]``, in order; offsets into ``answer``."""
        checkable = [span for span in spans if is_checkable(answer[span[0] : span[1]], language)]
        verbatim = {span: verbatim_span(answer, span, self._evidence) for span in checkable}
        compared = [span for span in checkable if verbatim[span] is None]
        measured = dict(zip(compared, self._measure(answer, compared, language), strict=True))
        verdicts = []
        for span in spans:
            quote = verbatim.get(span)
            if quote is not None:
                verdicts.append(supported_verbatim(answer, span, quote))
            elif span in measured:
                verdicts.append(self._verdict(answer, span, measured[span]))
            else:
                verdicts.append(not_checkable(answer, span))
        return verdicts

    def report(self, verdicts: Sequence[SentenceVerdict]) -> GroundingReport:
        """What ``verdicts`` come to for the answer they make up; 1 when it asserts nothing."""
        scores = [each.score for each in verdicts if each.verdict is not Verdict.NOT_CHECKABLE]
        return GroundingReport(
            score=self._model.answer.probability(answer_signals(scores)) if scores else 1.0,
            sentences=tuple(verdicts),
            checker=AlignmentChecker.NAME,
            threshold=self._model.threshold,
        )

    def _measure(self, answer: str, spans: Sequence[tuple[int, int]], language: str) -> list[Signals]:
        if not spans:
            return []
        if language not in self._indexes:
            self._indexes[language] = EvidenceIndex(self._evidence, language)
        return measure(answer, spans, self._indexes[language], self._embedder)

    def _verdict(self, answer: str, span: tuple[int, int], signals: Signals) -> SentenceVerdict:
        score = self._model.sentence.probability(signals.values) if self._evidence else 0.0
        if _has_wrong_figure(signals):
            score = min(score, self._model.threshold * _WRONG_FIGURE_SHARE)
        verdict = Verdict.SUPPORTED
        if score < self._model.threshold:
            verdict = Verdict.CONTRADICTED if _contradicts(signals) else Verdict.UNSUPPORTED
        return SentenceVerdict(
            text=answer[span[0] : span[1]],
            start=span[0],
            end=span[1],
            verdict=verdict,
            score=score,
            evidence=() if signals.best is None else (evidence_span(signals.best, self._evidence),),
            unsupported_spans=() if verdict is Verdict.SUPPORTED else _unsupported(span, signals),
        )


def measure(
    answer: str, spans: Sequence[tuple[int, int]], index: EvidenceIndex, embedder: Embedder
) -> list[Signals]:
    """Signals of each sentence ``answer[start:end]``, in order."""
    sentences = [answer[start:end] for start, end in spans]
    nearest = [index.nearest(sentence) for sentence in sentences]
    cosines = highest_cosines(sentences, nearest, embedder)
    return [
        index.signals(sentence, windows, cosine)
        for sentence, windows, cosine in zip(sentences, nearest, cosines, strict=True)
    ]


def _has_wrong_figure(signals: Signals) -> bool:
    """A figure that no evidence holds, or that stands elsewhere while its sentence is otherwise found."""
    return bool(signals.wrong_figures) or (_same_subject(signals) and bool(signals.distant_figures))


def _contradicts(signals: Signals) -> bool:
    return _same_subject(signals) and (_has_wrong_figure(signals) or signals.values["negation_differs"] > 0)


def _same_subject(signals: Signals) -> bool:
    return signals.values["coverage_best"] >= _CONTRADICTING_SHARE


def _unsupported(span: tuple[int, int], signals: Signals) -> tuple[UnsupportedSpan, ...]:
    """From the first to the last term that no evidence holds; the whole sentence when every term is held."""
    if not signals.missing:
        return (UnsupportedSpan(start=span[0], end=span[1]),)
    return (UnsupportedSpan(start=span[0] + signals.missing[0].start, end=span[0] + signals.missing[-1].end),)
