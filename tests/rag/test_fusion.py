"""Mixing dense and keyword scores."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.fusion import dense_weight, fuse

SCORES = st.dictionaries(st.integers(1, 20), st.floats(0.01, 30), max_size=10)
COSINES = st.dictionaries(st.integers(1, 20), st.floats(-1, 1), max_size=10)
WEIGHTS = st.floats(0, 1)


@given(COSINES, SCORES, WEIGHTS, st.randoms())
def test_the_order_of_the_lists_does_not_matter(
    dense: dict[int, float], keyword: dict[int, float], weight: float, chance: object
) -> None:
    def shuffled(scores: dict[int, float]) -> dict[int, float]:
        items = list(scores.items())
        chance.shuffle(items)  # type: ignore[attr-defined]
        return dict(items)

    assert fuse(shuffled(dense), shuffled(keyword), weight=weight) == fuse(dense, keyword, weight=weight)


@given(COSINES, SCORES, WEIGHTS)
def test_every_candidate_gets_a_score_from_0_to_1(
    dense: dict[int, float], keyword: dict[int, float], weight: float
) -> None:
    fused = fuse(dense, keyword, weight=weight)
    assert fused.keys() == dense.keys() | keyword.keys()
    assert all(0 <= score <= 1 + 1e-9 for score in fused.values())


@given(SCORES, SCORES)
def test_a_weight_of_0_or_1_is_one_list_alone(dense: dict[int, float], keyword: dict[int, float]) -> None:
    for weight, scores in ((1.0, dense), (0.0, keyword)):
        fused = fuse(dense, keyword, weight=weight)
        for id_, score in scores.items():
            assert fused[id_] == pytest.approx(score / max(scores.values()))
        assert all(fused[id_] == 0 for id_ in fused.keys() - scores.keys())


def test_best_in_both_lists_is_best_of_all() -> None:
    fused = fuse({1: 0.9, 2: 0.5}, {1: 12.0, 3: 11.0}, weight=0.5)
    assert fused[1] == pytest.approx(1.0)
    assert max(fused, key=lambda id_: fused[id_]) == 1


def test_nothing_found_is_nothing_fused() -> None:
    assert fuse({}, {}, weight=0.5) == {}
    assert fuse({1: -0.2}, {}, weight=0.5) == {1: 0.0}


@pytest.mark.parametrize("language", ["en", "fr", "de", "und"])
def test_every_language_has_a_weight(language: str) -> None:
    assert 0 <= dense_weight(language) <= 1
