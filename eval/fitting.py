"""Fits the small logistic regressions that Footnote carries, with scores on folds that share no source."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from rag.logistic import Weights

_FOLDS = 5
_REGULARISATION = 0.3

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Example:
    """Signals of one question or sentence, whether it is the good case, and which source it comes from."""

    values: tuple[float, ...]
    good: bool
    group: str
    dataset: str


def fit(examples: Sequence[Example]) -> tuple[float, list[float], Array]:
    """Intercept, weights on the raw signals, and out-of-fold probabilities in the order of ``examples``.

    Data sets and classes weigh the same, whatever their size.
    """
    features = np.array([example.values for example in examples])
    labels = np.array([example.good for example in examples])
    keys = [(example.dataset, example.good) for example in examples]
    sizes = {key: keys.count(key) for key in set(keys)}
    weights = np.array([1 / sizes[key] for key in keys])
    weights *= len(weights) / weights.sum()
    held_out = np.zeros(len(examples))
    groups = [example.group for example in examples]
    for train, test in GroupKFold(_FOLDS).split(features, labels, groups):
        model = _regression().fit(
            features[train], labels[train], logisticregression__sample_weight=weights[train]
        )
        held_out[test] = model.predict_proba(features[test])[:, 1]
    model = _regression().fit(features, labels, logisticregression__sample_weight=weights)
    scaler, regression = model[0], model[1]
    raw = regression.coef_[0] / scaler.scale_
    intercept = float(regression.intercept_[0] - (raw * scaler.mean_).sum())
    return intercept, [float(weight) for weight in raw], held_out


def _regression() -> make_pipeline:
    return make_pipeline(StandardScaler(), LogisticRegression(C=_REGULARISATION, max_iter=1000))


def named(intercept: float, names: Sequence[str], weights: Sequence[float]) -> Weights:
    """The weights by name, rounded for their file."""
    rounded = {name: round(weight, 4) for name, weight in zip(names, weights, strict=True)}
    return Weights(intercept=round(intercept, 4), weights=rounded)


def say_scores(examples: Sequence[Example], held_out: Array, say: Callable[[str], None]) -> None:
    """Say the out-of-fold scores of each data set."""
    labels = np.array([example.good for example in examples])
    for name in sorted({example.dataset for example in examples}):
        mine = np.array([example.dataset == name for example in examples])
        auroc = roc_auc_score(labels[mine], held_out[mine])
        balanced = balanced_accuracy_score(labels[mine], held_out[mine] >= 0.5)
        say(f"{name}: n {mine.sum()}, out-of-fold AUROC {auroc:.3f}, balanced accuracy {balanced:.3f}")
