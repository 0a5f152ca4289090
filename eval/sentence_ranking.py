"""How statements are ordered: fits ``rag/answering/sentences.json`` on questions whose answers are marked.

The likelihood of a question is the share that its right statements have of the softmax over all its
candidates, so only differences within a question count, as when one is chosen. Data sets weigh the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.model_selection import GroupKFold

from eval.marked_questions import MarkedQuestion
from rag.answering.evidence import SentenceModel, SentenceScorer
from rag.answering.first_reading import read_words
from rag.domain import Passage
from rag.logistic import Weights

WORDS = ("coverage", "coverage_before", "letters", "passage", "lacks_kind", "short")
CLOSELY = (
    "late_interaction",
    "cosine",
    "coverage_before",
    "letters_headed",
    "passage",
    "lacks_kind",
    "short",
    "first",
)
_REGULARISATION = 1e-3
_FOLDS = 5
Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The candidates of a question: a row of signals each, and which are right."""

    signals: Array
    right: NDArray[np.bool_]
    dataset: str
    group: str


def fit_model(
    marked: Sequence[MarkedQuestion], scorer_of: Callable[[SentenceModel], SentenceScorer]
) -> SentenceModel:
    """Both sets of weights: of all statements by their words, then of those that the encoder reads."""
    words = fit([*_choices(marked, WORDS, _all_statements)], WORDS)
    scorer = scorer_of(SentenceModel(words=words, closely=Weights(intercept=0.0, weights={})))

    def read_closely(each: MarkedQuestion) -> Iterator[tuple[Passage, str, dict[str, float]]]:
        for sentence in scorer.read(each.question, each.passages).sentences:
            yield each.passages[sentence.passage], sentence.text, sentence.signals

    choices = [*_choices(marked, CLOSELY, read_closely)]
    for name in sorted({choice.dataset for choice in choices}):
        print(f"{name}: {_held_out(choices, name)}")  # noqa: T201
    return SentenceModel(words=words, closely=fit(choices, CLOSELY))


def _all_statements(each: MarkedQuestion) -> Iterator[tuple[Passage, str, dict[str, float]]]:
    for candidate in read_words(each.question, each.passages).candidates:
        passage, span = each.passages[candidate.passage], candidate.statement
        yield passage, passage.text[span.start : span.end], candidate.signals


def _choices(
    marked: Sequence[MarkedQuestion],
    names: Sequence[str],
    read: Callable[[MarkedQuestion], Iterator[tuple[Passage, str, dict[str, float]]]],
) -> Iterator[Choice]:
    """Those of the questions in which there is something to choose."""
    for each in marked:
        rows = [*read(each)]
        right = np.array([each.is_gold(passage, text) for passage, text, _ in rows], dtype=bool)
        if right.any() and not right.all():
            signals = np.array([[values[name] for name in names] for *_, values in rows])
            yield Choice(signals=signals, right=right, dataset=each.dataset, group=each.group)


def fit(choices: Sequence[Choice], names: Sequence[str]) -> Weights:
    """The weights that make the right statements likeliest."""
    every = np.concatenate([choice.signals for choice in choices])
    mean, spread = every.mean(axis=0), every.std(axis=0) + 1e-9
    sizes = [sum(other.dataset == choice.dataset for other in choices) for choice in choices]
    shares = np.array([1 / size for size in sizes]) / len({choice.dataset for choice in choices})
    scaled = [(choice.signals - mean) / spread for choice in choices]

    def loss(weights: Array) -> tuple[float, Array]:
        value, slope = _REGULARISATION * float(weights @ weights), 2 * _REGULARISATION * weights
        for signals, choice, share in zip(scaled, choices, shares, strict=True):
            scores = signals @ weights
            odds = np.exp(scores - scores.max())
            chosen, right = odds / odds.sum(), odds * choice.right / (odds * choice.right).sum()
            value -= share * float(np.log((chosen * choice.right).sum()))
            slope = slope + share * ((chosen - right) @ signals)
        return value, slope

    found = minimize(loss, np.zeros(len(names)), jac=True, method="L-BFGS-B")
    rounded = {name: round(float(weight), 3) for name, weight in zip(names, found.x / spread, strict=True)}
    return Weights(intercept=0.0, weights=rounded)


def _held_out(choices: Sequence[Choice], dataset: str) -> str:
    """How often the first choice is right, and one of the first three, on folds that were not fitted on."""
    mine = [place for place, choice in enumerate(choices) if choice.dataset == dataset]
    places: list[int] = []
    groups = [choices[place].group for place in mine]
    for _, test in GroupKFold(_FOLDS).split(mine, groups=groups):
        held = {mine[place] for place in test}
        weights = fit([each for place, each in enumerate(choices) if place not in held], CLOSELY)
        vector = np.array([weights.weights[name] for name in CLOSELY])
        for place in held:
            order = np.argsort(-(choices[place].signals @ vector), kind="stable")
            places.append(int(np.argmax(choices[place].right[order])))
    first, three = np.mean([place == 0 for place in places]), np.mean([place < 3 for place in places])
    return f"{len(places)} questions, out of fold: first {first:.3f}, among three {three:.3f}"
