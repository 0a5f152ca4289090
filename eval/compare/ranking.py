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
        scores: shape ``(questions, pairings)``: 1 where the first won, .5 for a tie, 0 where the second won,
            and where none was played.
        played: of the same shape.
    """

    def __init__(self, points: Floats) -> None:
        self.contestants = len(points)
        self.pairs = list(combinations(range(self.contestants), 2))
        first = points[[one for one, _ in self.pairs]].T
        second = points[[other for _, other in self.pairs]].T
        ahead = first - second
        self.played = np.isfinite(ahead)
        is_tie = np.abs(ahead) <= TIE_MARGIN
        self.scores = np.where(self.played, np.where(is_tie, 0.5, ahead > 0), 0.0)

    @property
    def sides(self) -> Floats:
        """Shape ``(pairings, contestants)``: 1 for the first of a pairing, -1 for the second."""
        sides = np.zeros((len(self.pairs), self.contestants))
        for pairing, (one, other) in enumerate(self.pairs):
            sides[pairing, one], sides[pairing, other] = 1, -1
        return sides

    def record(self, contestant: int) -> tuple[int, int, int]:
        """Games won, tied and lost."""
        own = [
            (self.scores if contestant == one else 1 - self.scores)[self.played[:, pairing], pairing]
            for pairing, (one, other) in enumerate(self.pairs)
            if contestant in (one, other)
        ]
        scores = np.concatenate(own) if own else np.zeros(0)
        return int((scores == 1).sum()), int((scores == 0.5).sum()), int((scores == 0).sum())


def bradley_terry(games: Games, weights: Floats) -> Floats:
    """Ratings by maximum likelihood, shape ``(draws, contestants)``.

    Bradley and Terry (1952), *Rank Analysis of Incomplete Block Designs*, Biometrika 39. A tie is half a win
    for each: two who tie on nearly everything are alike, where a model with a parameter for ties would look
    at the few other games alone. A normal prior on the log strengths (standard deviation 347 on this scale)
    keeps finite who never loses.

    Args:
        weights: shape ``(draws, questions)``, how often each question counts.
    """
    ratings: Floats = MEAN_RATING + _ELO_PER_LOGIT * _strengths(games, weights)
    return ratings


def expected_shares(games: Games, weights: Floats) -> Floats:
    """Each one's expected score a game, 0 to 1, averaged over the others, by Bradley-Terry."""
    chances = _chances(_strengths(games, weights), games.sides)
    shares: Floats = (chances @ (games.sides > 0) + (1 - chances) @ (games.sides < 0)) / (
        games.contestants - 1
    )
    return shares


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
    sides = games.sides
    ratings = np.full((len(weights), games.contestants), MEAN_RATING)
    for question in order.T:
        expected = _chances(ratings / _ELO_PER_LOGIT, sides)
        counts = games.played[question] & (question >= 0)[:, None]
        surprise = np.where(counts, games.scores[question] - expected, 0.0)
        ratings += _ELO_K / max(1, games.contestants - 1) * surprise @ sides
    return ratings


def _shuffled(weights: Floats, generator: np.random.Generator) -> Any:
    """Of each draw its questions, as often as they were drawn, in random order; -1 fills the rest."""
    lengths = weights.sum(axis=1).astype(int)
    order = np.full((len(weights), max(lengths)), -1)
    for row, (counts, length) in enumerate(zip(weights.astype(int), lengths, strict=True)):
        order[row, :length] = generator.permutation(np.repeat(np.arange(len(counts)), counts))
    return order


def _strengths(games: Games, weights: Floats) -> Floats:
    """Log strengths around 0, shape ``(draws, contestants)``, by Newton's method on the log posterior."""
    sides = games.sides
    won, total = weights @ games.scores, weights @ games.played
    precision = np.full(games.contestants, 1 / _PRIOR_SD**2)
    strengths = np.zeros((len(weights), games.contestants))
    for _ in range(_NEWTON_STEPS):
        chances = _chances(strengths, sides)
        slope = (won - total * chances) @ sides - precision * strengths
        if np.abs(slope).max() < _CONVERGED:
            break
        spread = total * chances * (1 - chances)
        curvature = np.einsum("dp,pf,pg->dfg", spread, sides, sides) + np.diag(precision)
        step = np.linalg.solve(curvature, slope[..., None])[..., 0]
        strengths += step / np.maximum(
            1, np.abs(step).max(axis=1, keepdims=True)
        )  # a long one would overshoot
    return strengths


def _chances(strengths: Floats, sides: Floats) -> Floats:
    """Shape ``(draws, pairings)``: how likely the first of each pairing wins."""
    chances: Floats = 1 / (1 + np.exp(-(strengths @ sides.T)))
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
