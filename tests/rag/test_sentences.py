"""Where sentences begin and end, in English and French."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.text.sentences import split_sentences

TEXT = st.text(alphabet="aAbéÉ1 .,!?…\n\u00a0«»\"'()[]-•:;2", max_size=80) | st.text(max_size=60)


def split(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


@given(TEXT)
def test_sentences_are_ordered_apart_and_cover_all_that_is_not_blank(text: str) -> None:
    place = 0
    for start, end in split_sentences(text):
        assert place <= start < end <= len(text)
        assert text[place:start].strip() == ""
        assert text[start:end] == text[start:end].strip()
        place = end
    assert text[place:].strip() == ""


@given(TEXT)
def test_a_line_break_ends_every_sentence(text: str) -> None:
    assert all("\n" not in sentence for sentence in split(text))


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One day. Two days.", ["One day.", "Two days."]),
        ("Really? Yes! Well… Fine.", ["Really?", "Yes!", "Well…", "Fine."]),
        ("Ask Dr. Doe or Mrs. Roe. They know.", ["Ask Dr. Doe or Mrs. Roe.", "They know."]),
        ("See e.g. Section 4, i.e. the end. Done.", ["See e.g. Section 4, i.e. the end.", "Done."]),
        ("Voir M. Dupont ou Mme. Durand. Merci.", ["Voir M. Dupont ou Mme. Durand.", "Merci."]),
        ("Selon l’art. 12 du code. Fin.", ["Selon l’art. 12 du code.", "Fin."]),
        ("Sent by J. Doe today. Read it.", ["Sent by J. Doe today.", "Read it."]),
        ("It costs 2.50 euros. Or 3,5 %. Fine.", ["It costs 2.50 euros.", "Or 3,5 %.", "Fine."]),
        ("Version 1.2.3 is out. Install it.", ["Version 1.2.3 is out.", "Install it."]),
        ("Il dit : « Partez. » Puis il part.", ["Il dit : « Partez. »", "Puis il part."]),
        ("She said “Go.” Then she left.", ["She said “Go.”", "Then she left."]),
        ("(Not for interns.) Others may.", ["(Not for interns.)", "Others may."]),
        ("1. Open the door.\n2. Go in.", ["1. Open the door.", "2. Go in."]),
        ("- one day\n- two days\n\n• three", ["- one day", "- two days", "• three"]),
        (
            "Twenty days [1]. Five more. [2] Ask HR. [1][3]",
            ["Twenty days [1].", "Five more. [2]", "Ask HR. [1][3]"],
        ),
        ("Five more. [1, 3] Ask HR. [ 2 ; 4 ] End.", ["Five more. [1, 3]", "Ask HR. [ 2 ; 4 ]", "End."]),
        (
            "See the list.\n[1] Smith 2020\n[2] Jones 2021",
            ["See the list.", "[1] Smith 2020", "[2] Jones 2021"],
        ),
        ("a | b | c\n1 | 2 | 3", ["a | b | c", "1 | 2 | 3"]),
        ("no stop at the end", ["no stop at the end"]),
        ("", []),
        (" \n ", []),
    ],
)
def test_sentences_as_a_reader_sees_them(text: str, sentences: list[str]) -> None:
    assert split(text) == sentences
