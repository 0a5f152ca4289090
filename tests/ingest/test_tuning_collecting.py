"""Copies, queries that mean several things, and a split that nothing leaks through."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.tuning.collecting import distinct, shingles, split
from ingest.tuning.pairs import Pair, PairKind
from ingest.tuning.training import batches

VOCABULARY = [f"word{number}" for number in range(400)]


def prose(seed: int) -> str:
    return " ".join(random.Random(seed).choices(VOCABULARY, k=60))


def pair(
    document: str,
    query: str,
    *,
    seed: int,
    ordinal: int = 0,
    parent: str = "",
    kind: PairKind = PairKind.HEADING,
) -> Pair:
    return Pair(
        kind=kind,
        query=query,
        parent=parent,
        document_id=document,
        ordinal=ordinal,
        context=parent,
        text=prose(seed),
        hidden=(query,),
    )


def test_a_text_that_another_document_repeats_is_learned_once() -> None:
    first, copy = pair("guide.md", "Access rights", seed=1), pair("guide.pdf", "Rights of access", seed=1)
    other = pair("guide.pdf", "Retention periods", seed=2, ordinal=1)
    assert distinct([first, copy, other]) == [first, other]


def test_a_document_may_ask_for_one_text_in_several_ways() -> None:
    ways = [pair("guide.md", query, seed=1) for query in ("Access rights", "Who may read what")]
    assert distinct(ways) == ways


def test_a_heading_that_stands_above_several_texts_is_named_with_its_parent() -> None:
    pairs = [
        pair("a.md", "Check list", seed=1, parent="Accessibility"),
        pair("b.md", "Check list", seed=2, parent="Privacy"),
    ]
    named = distinct(pairs)
    assert [one.query for one in named] == ["Accessibility: Check list", "Privacy: Check list"]
    assert [one.context for one in named] == ["", ""]  # the parent is part of the query now
    assert named[0].hidden == ("Check list", "Accessibility")


def test_a_query_that_stays_ambiguous_is_left_out() -> None:
    pairs = [pair("a.md", "Check list", seed=1), pair("b.md", "Check list", seed=2)]
    assert distinct(pairs) == []


def test_single_words_and_numbers_ask_for_nothing() -> None:
    pairs = [pair("a.md", query, seed=seed) for seed, query in enumerate(("Overview", "2024 17", "§ 12"))]
    assert distinct(pairs) == []


def test_the_split_is_by_document_and_always_the_same() -> None:
    pairs = [
        pair(f"d{number}", f"heading {number} part {part}", seed=10 * number + part, ordinal=part)
        for number in range(30)
        for part in range(4)
    ]
    paths = {f"d{number}": f"folder/{number}.md" for number in range(30)}
    training, held_out = split(pairs, paths)
    assert len({one.document_id for one in held_out}) == 6
    assert not {one.document_id for one in held_out} & {one.document_id for one in training}
    assert len({one.document_id for one in training}) == 24
    again = split(list(reversed(pairs)), paths)[1]
    assert {one.query for one in again} == {one.query for one in held_out}


def test_a_held_out_document_is_not_asked_for_by_title_and_headings_at_once() -> None:
    pairs = [
        pair(f"d{number}", f"{kind} {number} words", seed=number, ordinal=place, kind=kind)
        for number in range(60)
        for place, kind in enumerate((PairKind.TITLE, PairKind.HEADING))
    ]
    _, held_out = split(pairs, {f"d{number}": f"{number}.md" for number in range(60)})
    assert len(held_out) == len({one.document_id for one in held_out}) == 12
    assert {one.kind for one in held_out} == {PairKind.TITLE, PairKind.HEADING}


def test_texts_that_differ_share_no_shingles() -> None:
    assert set(shingles(prose(1))) == set(shingles(prose(1).upper()))
    assert not set(shingles(prose(1))) & set(shingles(prose(2)))


@pytest.mark.slow
@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(0, 4), st.sampled_from(list(PairKind))),
        min_size=8,
        max_size=90,
    ),
    st.integers(0, 99),
)
def test_no_batch_holds_two_answers_to_one_query(drawn: list[tuple[int, int, PairKind]], seed: int) -> None:
    pairs = [
        pair(f"d{document}", f"query {number}", seed=number, ordinal=ordinal, kind=kind)
        for number, (document, ordinal, kind) in enumerate(drawn)
    ]
    shown: list[str] = []
    for batch in batches(pairs, 16, random.Random(seed)):
        shown += [one.query for one in batch]
        chunks = [(one.document_id, one.ordinal) for one in batch]
        assert 8 <= len(batch) <= 16
        assert len(set(chunks)) == len(chunks)
        for titled in (one for one in batch if one.kind is PairKind.TITLE):
            assert [one.document_id for one in batch].count(titled.document_id) == 1
    assert len(set(shown)) == len(shown)
