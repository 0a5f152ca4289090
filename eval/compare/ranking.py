"""Who wins against whom, question by question: Bradley-Terry and Elo ratings with bootstrap intervals.

On every question each two contestants play one game, decided by their points (:mod:`eval.compare.points`).
Both ratings are on the Elo scale: 1000 is the average contestant, 400 more make ten wins for every loss.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from eval.bootstrap import Interval, cluster_interval
from eval.metrics import Floats
from eval.report import interval, number

TIE_MARGIN = 0.05
"""Two contestants whose points on a question differ by no more than this share the game."""

MEAN_RATING = 1000.0
_ELO_PER_LOGIT = 400 / math.log(10)
_PRIOR_SD = 2.0  # logits; 347 points of Elo: what keeps somebody who never loses finite
_NEWTON_STEPS = 60
_CONVERGED = 1e-8
_ELO_K = 32.0
_ELO_ORDERS = 20
_ELO_DRAWS = 200
_SEED = 20240229


@dataclass(frozen=True, kw_only=True, slots=True)
class Rated:
    """One contestant's place.

    Attributes:
        wins, ties, losses: games against all others together.
        bradley_terry, elo: ratings, with their 95 % intervals; ``None`` without any game.
        win_share: the share of points, a tie counting half, that Bradley-Terry expects against the average
            of the others, 0 to 1.
    """

    name: str
    wins: int
    ties: int
    losses: int
    bradley_terry: float | None
    bradley_terry_interval: Interval | None
    win_share: float | None
    elo: float | None
    elo_interval: Interval | None

    def to_json(self) -> dict[str, Any]:
        """Figures rounded as in every report."""
        return {
            "name": self.name,
            "wins": self.wins,
            "ties": self.ties,
            "losses": self.losses,
            "bradley_terry": number(self.bradley_terry, 1),
            "bradley_terry_ci95": interval(self.bradley_terry_interval),
            "win_share": number(self.win_share),
            "elo": number(self.elo, 1),
            "elo_ci95": interval(self.elo_interval),
        }


def rank(names: Sequence[str], points: Floats, clusters: Sequence[str]) -> list[Rated]:
    """Rate the contestants, best first by Bradley-Terry.

    Args:
        points: shape ``(contestants, questions)``, higher is better; ``nan``: did not play that question.
        clusters: of each question; questions with the same one are resampled together.
    """
    games = Games(points)
    ones = np.ones((1, points.shape[1]))
    if not games.played.any():
        return [_unrated(name) for name in names]
    ratings = bradley_terry(games, ones)[0]
    shares = expected_shares(games, ones)[0]
    elo_ratings = elo(games, ones, orders=_ELO_ORDERS)[0]
    rated = []
    for place, name in enumerate(names):
        wins, ties, losses = games.record(place)
        has_played = wins + ties + losses > 0
        rated.append(
            Rated(
                name=name,
                wins=wins,
                ties=ties,
                losses=losses,
                bradley_terry=float(ratings[place]) if has_played else None,
                bradley_terry_interval=cluster_interval(partial(_rating, games, place), clusters)
                if has_played
                else None,
                win_share=float(shares[place]) if has_played else None,
                elo=float(elo_ratings[place]) if has_played else None,
                elo_interval=cluster_interval(partial(_elo_of, games, place), clusters, draws=_ELO_DRAWS)
                if has_played
                else None,
            )
        )
    return sorted(rated, key=lambda one: -math.inf if one.bradley_terry is None else -one.bradley_terry)


class Games:
    """Every game of every two contestants.

    Attributes:
        pairs: the contestants of each pairing.
        outcomes: shape ``(questions, pairings, 3)``: 1 where the first won, the second won, they tied.
        played: shape ``(questions, pairings)``.
    """

    def __init__(self, points: Floats) -> None:
        self.contestants = len(points)
        self.pairs = list(combinations(range(self.contestants), 2))
        first = points[[one for one, _ in self.pairs]].T
        second = points[[other for _, other in self.pairs]].T
        ahead = first - second
        self.played = np.isfinite(ahead)
        ahead = np.where(self.played, ahead, 0.0)
        tied = self.played & (np.abs(ahead) <= TIE_MARGIN)
        self.outcomes = np.stack([(ahead > TIE_MARGIN), (ahead < -TIE_MARGIN), tied], axis=-1).astype(float)

    def record(self, contestant: int) -> tuple[int, int, int]:
        """Games won, tied and lost."""
        won = tied = lost = 0.0
        for pairing, (one, other) in enumerate(self.pairs):
            if contestant in (one, other):
                first, second, shared = self.outcomes[:, pairing].sum(axis=0)
                won += first if contestant == one else second
                lost += second if contestant == one else first
                tied += shared
        return int(won), int(tied), int(lost)


def bradley_terry(games: Games, weights: Floats) -> Floats:
    """Ratings by maximum likelihood, shape ``(draws, contestants)``.

    Ties as in Davidson (1970), *On extending the Bradley-Terry model to accommodate ties in paired comparison
    experiments*, J. Am. Stat. Assoc. 65: a tie of two has the odds of the geometric mean of their strengths.
    That is a multinomial logit, so its likelihood is concave; a normal prior on the strengths (standard
    deviation 347 on this scale) makes the maximum finite where somebody never loses.

    Args:
        weights: shape ``(draws, questions)``, how often each question counts.
    """
    strengths = _fitted(games, weights)[:, :-1]
    centred = strengths - strengths.mean(axis=1, keepdims=True)
    ratings: Floats = MEAN_RATING + _ELO_PER_LOGIT * centred
    return ratings


def expected_shares(games: Games, weights: Floats) -> Floats:
    """Each one's expected points per game, a tie counting half, averaged over the others."""
    fitted = _fitted(games, weights)
    chances = _chances(fitted, _features(games))
    shares = np.zeros((len(fitted), games.contestants))
    for pairing, (one, other) in enumerate(games.pairs):
        shares[:, one] += chances[:, pairing, 0] + chances[:, pairing, 2] / 2
        shares[:, other] += chances[:, pairing, 1] + chances[:, pairing, 2] / 2
    return shares / (games.contestants - 1)


def elo(games: Games, weights: Floats, *, orders: int = 1) -> Floats:
    """Ratings after all questions, averaged over random orders of them; shape ``(draws, contestants)``.

    Elo (1978), *The Rating of Chessplayers, Past and Present*. The games of one question are one round: all
    are reckoned with the ratings before it. K is 32, divided among a contestant's games of the round.
    """
    generator = np.random.default_rng(_SEED)
    total = np.zeros((len(weights), games.contestants))
    for _ in range(orders):
        total += _elo_in_one_order(games, weights, generator)
    return total / orders


def _elo_in_one_order(games: Games, weights: Floats, generator: np.random.Generator) -> Floats:
    order = _shuffled(weights, generator)
    ratings = np.full((len(weights), games.contestants), MEAN_RATING)
    first, second = (np.array([pair[side] for pair in games.pairs]) for side in (0, 1))
    side = np.zeros((len(games.pairs), games.contestants))
    side[np.arange(len(first)), first], side[np.arange(len(first)), second] = 1, -1
    score = games.outcomes[:, :, 0] + games.outcomes[:, :, 2] / 2
    for question in order.T:
        expected = 1 / (1 + 10 ** ((ratings[:, second] - ratings[:, first]) / 400))
        counts = games.played[question] & (question >= 0)[:, None]
        surprise = np.where(counts, score[question] - expected, 0.0)
        ratings += _ELO_K / max(1, games.contestants - 1) * surprise @ side
    return ratings


def _shuffled(weights: Floats, generator: np.random.Generator) -> Any:
    """Of each draw its questions, as often as they were drawn, in random order; -1 fills the rest."""
    lengths = weights.sum(axis=1).astype(int)
    order = np.full((len(weights), max(lengths)), -1)
    for row, (counts, length) in enumerate(zip(weights.astype(int), lengths, strict=True)):
        order[row, :length] = generator.permutation(np.repeat(np.arange(len(counts)), counts))
    return order


def _fitted(games: Games, weights: Floats) -> Floats:
    """The contestants' log strengths and the log odds of a tie, shape ``(draws, contestants + 1)``."""
    features = _features(games)
    counts = np.einsum("dq,qpo->dpo", weights, games.outcomes)
    precision = np.full(games.contestants + 1, 1 / _PRIOR_SD**2)
    fitted = np.zeros((len(weights), games.contestants + 1))
    total = counts.sum(axis=2, keepdims=True)
    for _ in range(_NEWTON_STEPS):
        expected = total * _chances(fitted, features)
        slope = np.einsum("dpo,pof->df", counts - expected, features) - precision * fitted
        if np.abs(slope).max() < _CONVERGED:
            break
        mean = np.einsum("dpo,pof->dpf", expected, features)
        curvature = np.einsum("dpo,pof,pog->dfg", expected, features, features) - np.einsum(
            "dpf,dpg->dfg", mean / np.where(total > 0, total, 1), mean
        )
        step = np.linalg.solve(curvature + np.diag(precision), slope[..., None])[..., 0]
        fitted += step / np.maximum(
            1, np.abs(step).max(axis=1, keepdims=True)
        )  # never past the maximum by far
    return fitted


def _features(games: Games) -> Floats:
    """Shape ``(pairings, 3, contestants + 1)``: what each outcome's log odds are made of."""
    features = np.zeros((len(games.pairs), 3, games.contestants + 1))
    for pairing, (one, other) in enumerate(games.pairs):
        features[pairing, 0, one] = features[pairing, 1, other] = 1
        features[pairing, 2, [one, other]] = 0.5
        features[pairing, 2, -1] = 1
    return features


def _chances(fitted: Floats, features: Floats) -> Floats:
    odds = np.einsum("df,pof->dpo", fitted, features)
    odds = np.exp(odds - odds.max(axis=2, keepdims=True))
    chances: Floats = odds / odds.sum(axis=2, keepdims=True)
    return chances


def _rating(games: Games, place: int, weights: Floats) -> Floats:
    return bradley_terry(games, weights)[:, place]


def _elo_of(games: Games, place: int, weights: Floats) -> Floats:
    return elo(games, weights, orders=3)[:, place]


def _unrated(name: str) -> Rated:
    return Rated(
        name=name,
        wins=0,
        ties=0,
        losses=0,
        bradley_terry=None,
        bradley_terry_interval=None,
        win_share=None,
        elo=None,
        elo_interval=None,
    )
