"""Finding the part of a text that carries a sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.text.alignment import (
    best_match,
    content_terms,
    coverage,
    find_verbatim,
    located_terms,
    rarity,
    windows,
)

TEXT = "Annual leave is 25 days a year. Up to 2.5 days\nmay be carried over. The VPN needs a key."


def verbatim(sentence: str, text: str = TEXT) -> str | None:
    span = find_verbatim(sentence, text)
    return None if span is None else text[span[0] : span[1]]


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("Annual leave is 25 days a year.", "Annual leave is 25 days a year."),
        ("  The VPN needs a key. ", "The VPN needs a key."),
        ("Up to 2.5 days may be carried over.", "Up to 2.5 days\nmay be carried over."),
        ("Up to  2.5 days\n\nmay be", "Up to 2.5 days\nmay be"),
        ("The VPN needs two keys.", None),
        ("", None),
        ("  ", None),
    ],
)
def test_a_sentence_is_found_word_for_word_whatever_its_white_space(sentence: str, found: str | None) -> None:
    assert verbatim(sentence) == found


@pytest.mark.parametrize(
    "sentence", ["5 days a year.", "5 days", "Up to 2", "nual leave", "The VPN needs a k"]
)
def test_half_a_figure_or_half_a_word_is_not_found(sentence: str) -> None:
    assert verbatim(sentence) is None


def test_a_figure_is_found_where_it_stands_alone_even_after_it_stood_in_another() -> None:
    assert find_verbatim("5 days", "Not 25 days but 5 days.") == (16, 22)


@given(st.text(alphabet="ab 5.,\n(é", max_size=30), st.text(alphabet="ab 5.,\n(é", min_size=1, max_size=10))
def test_what_stands_between_blanks_is_always_found(around: str, sentence: str) -> None:
    text = f"{around} {sentence} {around}"
    found = verbatim(sentence, text)
    assert sentence.strip() == "" if found is None else found.split() == sentence.split()


def test_the_best_match_is_the_sentence_about_it() -> None:
    match = best_match("One can carry over up to 2.5 days.", TEXT, "en")
    assert match is not None
    assert TEXT[match.start : match.end].startswith("Up to 2.5")
    assert 0 < match.coverage <= 1
    assert best_match("Submarines dive deep", TEXT, "en") is None


def test_terms_ignore_case_accents_forms_and_function_words() -> None:
    assert content_terms("Les Congés payés", "fr") == content_terms("conge paye", "fr")
    assert content_terms("The leaves", "en") == content_terms("leave", "en")
    assert content_terms("is of the and", "en") == frozenset()


def test_coverage_is_a_share_weighted_by_rarity() -> None:
    weights = rarity([frozenset({"leave", "day"}), frozenset({"day"})])
    assert weights["leave"] > weights["day"] >= 1
    assert coverage(frozenset({"leave", "day"}), frozenset({"leave", "day"}), weights) == 1
    assert coverage(frozenset({"leave", "day"}), frozenset({"leave"}), weights) > 0.5
    assert coverage(frozenset(), frozenset({"leave"}), weights) == 0
    assert coverage(frozenset({"new"}), frozenset(), rarity([])) == 0


def test_windows_are_runs_of_whole_sentences() -> None:
    texts = [TEXT[window.start : window.end] for window in windows(TEXT, "en")]
    assert "Annual leave is 25 days a year." in texts
    assert all(window.terms for window in windows(TEXT, "en"))
    assert windows("", "en") == []


def test_letters_and_digits_are_terms_apart() -> None:
    text = "in FY2018"
    assert content_terms("FY2018 revenue", "en") == {"fy", "2018", "revenu"}
    assert [text[term.start : term.end] for term in located_terms(text, "en")] == ["FY", "2018"]
