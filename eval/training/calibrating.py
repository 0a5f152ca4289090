"""From held-out readings to probabilities: regressions, the threshold of words, cross-validated scores."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from eval.decisions import Decisions
from eval.fitting import Array, Example, fit, named, say_scores
from eval.metrics import Span, span_character_score
from eval.training.labelled import LabelledResponse
from rag.domain import Evidence
from rag.grounding.findings import answer_signals
from rag.grounding.local.checker import Finding, LocalJudge, LocalModel, uncarried_words
from rag.grounding.local.reading import ClaimReader
from rag.grounding.local.signals import NAMES
from rag.logistic import Weights
from rag.text.language import detect_language

_PIECE_THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(2, 19))
_UNFITTED = LocalModel(
    threshold=0.5,
    piece_threshold=0.5,
    sentence=Weights(intercept=0.0, weights={}),
    answer=Weights(intercept=0.0, weights={}),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadResponse:
    """A labelled response with what a reader that never saw its source finds in its sentences."""

    labelled: LabelledResponse
    findings: tuple[Finding, ...]


def read_responses(responses: Iterable[LabelledResponse], reader: ClaimReader) -> Iterator[ReadResponse]:
    """Findings for every response that has sentences with labels."""
    source, judge = "", None
    for each in responses:
        if not each.sentences:
            continue
        if judge is None or each.source != source:
            texts = [Evidence(id=str(n), text=text) for n, text in enumerate(each.record.context)]
            source, judge = each.source, LocalJudge(texts, reader, _UNFITTED)
        sentences = [claim.text for _, _, claim in each.sentences]
        found = judge.find(sentences, detect_language(each.record.response))
        yield ReadResponse(labelled=each, findings=tuple(found))


def fit_checker(read: Sequence[ReadResponse], say: Callable[[str], None]) -> LocalModel:
    """Fit sentences, then answers on the sentences' held-out scores, then the threshold of words."""
    sentences = [example for each in read for example in _sentence_examples(each)]
    intercept, weights, held_out = fit(sentences)
    say("sentences, out of fold")
    say_scores(sentences, held_out, say)
    scores = iter(held_out)
    by_response = [[float(next(scores)) for _ in each.findings] for each in read]
    answers = [_answer_example(each, found) for each, found in zip(read, by_response, strict=True)]
    answer_intercept, answer_weights, answers_held_out = fit(answers)
    say("answers, out of fold")
    say_scores(answers, answers_held_out, say)
    _say_decisions(read, answers_held_out, say)
    return LocalModel(
        threshold=0.5,
        piece_threshold=_piece_threshold(read, by_response, say),
        sentence=named(intercept, NAMES, weights),
        answer=named(answer_intercept, tuple(answer_signals([0.5])), answer_weights),
    )


def _sentence_examples(each: ReadResponse) -> Iterator[Example]:
    for (_, _, claim), found in zip(each.labelled.sentences, each.findings, strict=True):
        yield Example(
            values=tuple(found.signals[name] for name in NAMES),
            good=claim.label == "supported",
            group=each.labelled.source,
            dataset=each.labelled.dataset,
        )


def _answer_example(each: ReadResponse, scores: Sequence[float]) -> Example:
    return Example(
        values=tuple(answer_signals(scores).values()),
        good=not each.labelled.record.unsupported,
        group=each.labelled.source,
        dataset=each.labelled.dataset,
    )


def _say_decisions(read: Sequence[ReadResponse], held_out: Array, say: Callable[[str], None]) -> None:
    """Whole sets, as ``footnote eval groundedness`` scores them."""
    for name in dict.fromkeys(each.labelled.dataset.partition("/")[0] for each in read):
        mine = [n for n, each in enumerate(read) if each.labelled.dataset.partition("/")[0] == name]
        scores = Decisions(
            positive=[read[n].labelled.record.unsupported for n in mine],
            scores=[1 - float(held_out[n]) for n in mine],
            predicted=[bool(held_out[n] < 0.5) for n in mine],
            clusters=[read[n].labelled.source for n in mine],
        ).scores()
        say(
            f"{name}: AUROC {scores.auroc:.3f}, balanced accuracy {scores.balanced_accuracy:.3f}, "
            f"F1 {scores.f1:.3f} (always unsupported {scores.always_positive_f1:.3f})"
        )


def _piece_threshold(
    read: Sequence[ReadResponse], scores: Sequence[Sequence[float]], say: Callable[[str], None]
) -> float:
    """The threshold with the best character F1 where characters are marked, in sentences below one half."""
    marked = [
        (each, found)
        for each, found in zip(read, scores, strict=True)
        if each.labelled.record.spans is not None
    ]
    reached = {
        threshold: span_character_score(
            (_marked(each), _predicted(each, found, threshold)) for each, found in marked
        ).f1
        for threshold in _PIECE_THRESHOLDS
    }
    best = max(reached, key=lambda threshold: (reached[threshold] or 0.0, threshold))
    say(f"words from {best:.2f} on: span character F1 {reached[best]:.3f} on held-out sources")
    return best


def _marked(each: ReadResponse) -> list[Span]:
    return [(span.start, span.end) for span in each.labelled.record.spans or ()]


def _predicted(each: ReadResponse, scores: Sequence[float], threshold: float) -> list[Span]:
    spans: list[Span] = []
    for (start, end, claim), found, score in zip(each.labelled.sentences, each.findings, scores, strict=True):
        if score < _UNFITTED.threshold:
            places = uncarried_words(claim.text, found, threshold)
            spans += [(start + low, start + high) for low, high in places] or [(start, end)]
    return spans
