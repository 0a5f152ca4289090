"""Ratings from games: who wins stands above, chance shows in the intervals, nobody runs off to infinity."""

from __future__ import annotations

import math

import numpy as np
import pytest

from eval.compare.ranking import Games, Rated, bradley_terry, rank


def ranked(*points: list[float], names: str = "abcdef") -> list[Rated]:
    questions = len(points[0])
    return rank(names[: len(points)], np.array(points), [f"question {number}" for number in range(questions)])


def test_the_better_one_is_first_and_its_games_are_counted() -> None:
    even = {rated.name: rated for rated in ranked([0.2, 0.0, 0.5, 1.0], [0.9, 0.0, 0.52, 0.8])}
    assert (even["a"].wins, even["a"].ties, even["a"].losses) == (1, 2, 1)
    assert even["a"].bradley_terry == pytest.approx(even["b"].bradley_terry)

    first, second = ranked([0.2, 0.0, 0.5], [0.9, 0.0, 0.8])
    assert (first.name, first.wins, first.ties) == ("b", 2, 1)
    assert first.bradley_terry is not None
    assert second.bradley_terry is not None
    assert first.bradley_terry > 1000 > second.bradley_terry


def test_ten_wins_for_every_loss_are_400_points() -> None:
    wins, losses = [1.0] * 10_000, [1.0] * 1_000
    games = Games(np.array([[*wins, *(0 * one for one in losses)], [*(0 * one for one in wins), *losses]]))
    ratings = bradley_terry(games, np.ones((1, 11_000)))[0]
    assert ratings[0] - ratings[1] == pytest.approx(400, abs=1)
    assert ratings.mean() == pytest.approx(1000)


def test_bradley_terry_is_the_maximum_of_its_likelihood() -> None:
    points = np.random.default_rng(7).random((3, 60))
    games = Games(points)
    weights = np.ones((1, 60))
    found = (bradley_terry(games, weights)[0] - 1000) * math.log(10) / 400

    def likelihood(strengths: np.ndarray) -> float:
        chances = 1 / (1 + np.exp(-(strengths @ games.sides.T)))
        terms = games.scores * np.log(chances) + (1 - games.scores) * np.log(1 - chances)
        return float(terms.sum() - (strengths**2).sum() / 8)

    best = likelihood(found)
    for direction in np.eye(3):
        assert likelihood(found + 0.01 * direction) < best
        assert likelihood(found - 0.01 * direction) < best


def test_who_never_loses_stays_finite() -> None:
    first, second = ranked([1.0] * 40, [0.0] * 40)
    assert (first.wins, first.losses) == (40, 0)
    assert first.bradley_terry is not None
    assert 1000 < first.bradley_terry < 2000
    assert first.win_share is not None
    assert 0.9 < first.win_share < 1
    assert second.elo is not None
    assert 0 < second.elo < 1000


def test_those_who_tie_on_nearly_everything_are_alike() -> None:
    for rated in ranked([1.0] * 99 + [0.0], [1.0] * 100):
        assert rated.bradley_terry == pytest.approx(1000, abs=5)
        assert rated.bradley_terry_interval is not None
        low, high = rated.bradley_terry_interval
        assert high - low < 20


def test_the_interval_of_a_small_set_is_wider() -> None:
    points = np.random.default_rng(3).random((2, 200))

    def width(questions: int) -> float:
        rated = ranked(*points[:, :questions].tolist())[0]
        assert rated.bradley_terry_interval is not None
        low, high = rated.bradley_terry_interval
        return high - low

    assert width(20) > 2 * width(200)


def test_elo_does_not_depend_much_on_the_order_of_the_questions() -> None:
    lucky = [1.0] * 30 + [0.0] * 30
    for points in (lucky, lucky[::-1]):
        first, second = ranked(points, [0.5] * 60)
        assert first.elo == pytest.approx(second.elo, abs=40)


def test_a_question_somebody_failed_on_is_no_game() -> None:
    ratings = {rated.name: rated for rated in ranked([1.0, np.nan, 1.0], [0.0, 1.0, 0.0], [0.5, 0.5, 0.5])}
    assert (ratings["a"].wins, ratings["a"].losses) == (4, 0)
    assert (ratings["b"].wins, ratings["b"].losses) == (1, 4)


def test_without_games_nobody_has_a_rating() -> None:
    for rated in ranked([np.nan, 1.0], [0.0, np.nan]):
        assert (rated.wins, rated.ties, rated.losses) == (0, 0, 0)
        assert rated.to_json()["bradley_terry"] is None
    (alone,) = ranked([1.0, 0.0])
    assert alone.elo is None
