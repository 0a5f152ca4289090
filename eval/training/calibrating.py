"""From held-out readings to probabilities: a regression, two thresholds, and cross-validated scores."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from eval.decisions import Decisions
from eval.fitting import Example, fit, named, say_scores
from eval.metrics import Span, span_character_score
from eval.training.labelled import LabelledResponse
from rag.domain import Evidence
from rag.grounding.findings import VERBATIM_SCORE, verbatim_span
from rag.grounding.local.checker import Finding, LocalJudge, LocalModel, capped, uncarried_words
from rag.grounding.local.reading import ClaimReader
from rag.grounding.local.signals import NAMES
from rag.logistic import Weights
from rag.text.language import detect_language

THRESHOLD = 0.5
_SHIFTS = tuple(round(0.05 * step, 2) for step in range(-10, 31))
_AS_GOOD = 0.005
"""Balanced accuracy by which a shift may be worse than the best one and still count as good."""
_PIECE_THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(2, 19))
_UNFITTED = LocalModel(threshold=THRESHOLD, piece_threshold=0.5, sentence=Weights(intercept=0.0, weights={}))


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadResponse:
    """A labelled response with what a reader that never saw its source finds in its sentences.

    Attributes:
        quoted: which sentences stand in the evidence word for word, so that the checker does not judge them.
    """

    labelled: LabelledResponse
    findings: tuple[Finding, ...]
    quoted: tuple[bool, ...]


def read_responses(responses: Iterable[LabelledResponse], reader: ClaimReader) -> Iterator[ReadResponse]:
    """Findings for every response that has sentences with labels."""
    source, judge, texts = "", None, list[Evidence]()
    for each in responses:
        if not each.sentences:
            continue
        if judge is None or each.source != source:
            texts = [Evidence(id=str(n), text=text) for n, text in enumerate(each.record.context)]
            source, judge = each.source, LocalJudge(texts, reader, _UNFITTED)
        sentences = [claim.text for _, _, claim in each.sentences]
        found = judge.find(sentences, detect_language(each.record.response))
        response = each.record.response
        yield ReadResponse(
            labelled=each,
            findings=tuple(found),
            quoted=tuple(
                verbatim_span(response, (start, end), texts) is not None for start, end, _ in each.sentences
            ),
        )


def fit_checker(read: Sequence[ReadResponse], say: Callable[[str], None]) -> LocalModel:
    """Fit the probabilities of sentences, then on their held-out scores what is decided from them.

    The regression sees as many unsupported sentences as supported ones. Answers have more of the latter, and
    one alarm in any sentence is an alarm for all: the log odds are shifted to where answers are told apart
    best; where several shifts are as good, the strictest is taken, since a false statement that passes costs
    more than an alarm.
    """
    sentences = [example for each in read for example in _sentence_examples(each)]
    intercept, weights, held_out = fit(sentences)
    say("sentences, out of fold")
    say_scores(sentences, held_out, say)
    left = iter(held_out)
    raw = [[float(next(left)) for _ in each.findings] for each in read]
    reached = {each: _balanced(_decided(read, _shifted(raw, each))) for each in _SHIFTS}
    shift = min(each for each, score in reached.items() if score >= max(reached.values()) - _AS_GOOD)
    probabilities = _shifted(raw, shift)
    say(f"log odds of being supported shifted by {shift:+.2f}, the strictest that tells answers apart")
    say("answers, by their weakest sentence, out of fold")
    for name, decisions in _decided(read, probabilities).items():
        say(f"{name}: {_scores(decisions)}")
    return LocalModel(
        threshold=THRESHOLD,
        piece_threshold=_piece_threshold(read, probabilities, say),
        sentence=named(intercept + shift, NAMES, weights),
    )


def _sentence_examples(each: ReadResponse) -> Iterator[Example]:
    for (_, _, claim), found in zip(each.labelled.sentences, each.findings, strict=True):
        yield Example(
            values=tuple(found.signals[name] for name in NAMES),
            good=claim.label == "supported",
            group=each.labelled.source,
            dataset=each.labelled.dataset,
        )


def _decided(read: Sequence[ReadResponse], probabilities: Sequence[Sequence[float]]) -> dict[str, Decisions]:
    """Decisions on the answers of each set and of its tasks, as ``footnote eval groundedness`` makes them."""
    found: dict[str, list[tuple[ReadResponse, float]]] = {}
    for each, scores in zip(read, probabilities, strict=True):
        weakest = min(
            VERBATIM_SCORE if is_quoted else capped(score, finding, THRESHOLD)
            for score, finding, is_quoted in zip(scores, each.findings, each.quoted, strict=True)
        )
        for name in {each.labelled.dataset, each.labelled.dataset.partition("/")[0]}:
            found.setdefault(name, []).append((each, weakest))
    return {
        name: Decisions(
            positive=[each.labelled.record.unsupported for each, _ in mine],
            scores=[1 - score for _, score in mine],
            predicted=[score < THRESHOLD for _, score in mine],
            clusters=[each.labelled.source for each, _ in mine],
        )
        for name, mine in sorted(found.items())
    }


def _shifted(probabilities: Sequence[Sequence[float]], shift: float) -> list[list[float]]:
    return [[1 / (1 + (1 / score - 1) * math.exp(-shift)) for score in scores] for scores in probabilities]


def _balanced(decided: Mapping[str, Decisions]) -> float:
    """Mean balanced accuracy of whole sets."""
    whole = [each.scores().balanced_accuracy for name, each in decided.items() if "/" not in name]
    return sum(score or 0.0 for score in whole) / len(whole)


def _scores(decisions: Decisions) -> str:
    scores = decisions.scores()
    low, high = decisions.intervals()["auroc"] or (0.0, 0.0)
    return (
        f"n {scores.n}, AUROC {scores.auroc:.3f} ({low:.3f}–{high:.3f}), balanced accuracy "
        f"{scores.balanced_accuracy:.3f}, F1 {scores.f1:.3f} (always unsupported "
        f"{scores.always_positive_f1:.3f}), calibration error {scores.calibration_error:.3f}"
    )


def _piece_threshold(
    read: Sequence[ReadResponse],
    probabilities: Sequence[Sequence[float]],
    say: Callable[[str], None],
) -> float:
    """The one with the best character F1 where characters are marked, in unsupported sentences."""
    marked = [
        (each, found)
        for each, found in zip(read, probabilities, strict=True)
        if each.labelled.record.spans is not None
    ]
    reached = {
        doubt: span_character_score(
            (_marked(each), _predicted(each, found, doubt)) for each, found in marked
        ).f1
        for doubt in _PIECE_THRESHOLDS
    }
    best = max(reached, key=lambda doubt: (reached[doubt] or 0.0, doubt))
    say(f"words from {best:.2f} on: span character F1 {reached[best]:.3f} on held-out sources")
    return best


def _marked(each: ReadResponse) -> list[Span]:
    return [(span.start, span.end) for span in each.labelled.record.spans or ()]


def _predicted(each: ReadResponse, probabilities: Sequence[float], doubt: float) -> list[Span]:
    spans: list[Span] = []
    judged = zip(each.labelled.sentences, each.findings, each.quoted, probabilities, strict=True)
    for (start, end, claim), found, is_quoted, score in judged:
        if not is_quoted and capped(score, found, THRESHOLD) < THRESHOLD:
            places = uncarried_words(claim.text, found, doubt)
            spans += [(start + low, start + high) for low, high in places] or [(start, end)]
    return spans
