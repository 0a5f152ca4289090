"""Mixing what meaning and words say of a candidate."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.retrieval.fusion import EncoderScale, Reading, first_scores, flatness, read_score

SCORES = st.dictionaries(st.integers(1, 20), st.floats(0.01, 30), max_size=10)
COSINES = st.dictionaries(st.integers(1, 20), st.floats(-1, 1), max_size=10)
SHARES = st.floats(0, 1)
EVEN = EncoderScale(share=0.5)


@given(COSINES, SCORES, SHARES)
def test_a_candidate_scores_the_same_whatever_else_was_found(
    dense: dict[int, float], keyword: dict[int, float], share: float
) -> None:
    scale = EncoderScale(share=share)
    together = first_scores(dense, keyword, scale)
    assert together.keys() == dense.keys() | keyword.keys()
    for id_, score in together.items():
        alone = first_scores(_only(dense, id_), _only(keyword, id_), scale)
        assert alone == {id_: score}


@given(SCORES, COSINES)
def test_a_share_of_0_or_1_orders_by_one_index_alone(
    keyword: dict[int, float], dense: dict[int, float]
) -> None:
    for share, scores in ((1.0, dense), (0.0, keyword)):
        fused = first_scores(dense, keyword, EncoderScale(share=share))
        for one in scores:
            for other in scores:
                if scores[one] > scores[other]:
                    assert fused[one] >= fused[other]


def test_best_in_both_lists_is_best_of_all() -> None:
    fused = first_scores({1: 0.9, 2: 0.5}, {1: 12.0, 3: 11.0}, EVEN)
    assert max(fused, key=lambda id_: fused[id_]) == 1


def test_nothing_found_is_nothing_fused() -> None:
    assert first_scores({}, {}, EVEN) == {}


def test_an_encoder_whose_cosines_lie_close_together_counts_as_much() -> None:
    wide = EncoderScale(share=0.5, origin=0.0, spread=1.0)
    narrow = EncoderScale(share=0.5, origin=0.8, spread=10.0)
    assert first_scores({1: 0.5, 2: 0.3}, {2: 4.0}, wide) == pytest.approx(
        first_scores({1: 0.85, 2: 0.83}, {2: 4.0}, narrow)
    )


def test_a_document_the_question_names_counts_only_where_words_do_not_decide() -> None:
    named, other = Reading(coverage=0.5, named=1.0), Reading(coverage=0.5, named=0.0)
    for level, expected in ((0.0, False), (1.0, True)):
        higher = read_score(named, flatness=level, scale=EVEN) > read_score(other, flatness=level, scale=EVEN)
        assert higher is expected


@pytest.mark.parametrize(("tenth", "expected"), [(1.0, 0.0), (4.0, 0.0), (5.5, 0.5), (7.0, 1.0), (10.0, 1.0)])
def test_flatness_compares_the_tenth_hit_with_the_first(tenth: float, expected: float) -> None:
    assert flatness([10.0] * 9 + [tenth] * 5) == pytest.approx(expected)


def test_few_hits_are_not_flat() -> None:
    assert flatness([]) == 0.0
    assert flatness([3.0] * 9) == 0.0


def _only(scores: dict[int, float], id_: int) -> dict[int, float]:
    return {id_: scores[id_]} if id_ in scores else {}
