"""Sentences and markers out of a text that comes in pieces."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rag.answering.marked_sentences import MARKER, MarkedSentence, MarkerFilter, SentenceReader

MARKED = st.text(alphabet="abN .\n[]12,;\u00a0”", max_size=40)
CUTS = st.lists(st.integers(0, 40))


def cut(text: str, cuts: list[int]) -> list[str]:
    places = sorted({0, len(text), *(place for place in cuts if place < len(text))})
    return [text[start:end] for start, end in pairwise(places)]


def read(*pieces: str) -> list[MarkedSentence]:
    reader = SentenceReader()
    return [sentence for piece in pieces for sentence in reader.feed(piece)] + reader.finish()


def test_a_sentence_comes_as_soon_as_the_next_has_begun() -> None:
    reader = SentenceReader()
    assert reader.feed("Five days carry over. [") == []
    assert reader.feed("1] Th") == []
    (first,) = reader.feed("e rest")
    assert first == MarkedSentence(text="Five days carry over.", numbers=(1,), gap="")
    assert reader.feed(" lapses [2].") == []
    assert reader.finish() == [MarkedSentence(text="The rest lapses.", numbers=(2,), gap=" ")]


@pytest.mark.parametrize(
    "text",
    [
        "The VPN needs a hardware key.\n[2]",
        "The VPN needs a hardware key. [2]",
        "The VPN needs a hardware key [2].",
        "The VPN needs a hardware key.[2]",
        "The VPN needs a hardware key.\n\n[2].",
    ],
)
def test_markers_belong_to_the_sentence_before_them(text: str) -> None:
    expected = MarkedSentence(text="The VPN needs a hardware key.", numbers=(2,), gap="")
    assert read(text) == [expected]
    assert read(*text) == [expected]


def test_several_markers_are_read_once_each_in_order() -> None:
    assert read("Leave is paid [2, 1][2].")[0].numbers == (2, 1)


def test_lines_and_paragraphs_are_kept() -> None:
    found = read("You need:\n- a key [2]\n- twenty-five days [1]\n\n\nThat is all.")
    assert [sentence.text for sentence in found] == [
        "You need:",
        "- a key",
        "- twenty-five days",
        "That is all.",
    ]
    assert [sentence.gap for sentence in found] == ["", "\n", "\n", "\n\n"]


@given(MARKED, CUTS)
@example("a. [1", [])
@example("Na. b. N. [2]\n[1]. Na", [3, 4, 9])
def test_however_a_text_is_cut_its_sentences_are_the_same(text: str, cuts: list[int]) -> None:
    assert read(*cut(text, cuts)) == read(text)


@given(MARKED)
def test_no_word_is_lost(text: str) -> None:
    words = "".join(sentence.text for sentence in read(text))
    kept = [character for character in MARKER.sub("", text) if character.isalnum()]
    assert [character for character in words if character.isalnum()] == kept


@given(MARKED, CUTS)
@example("[[1]2]", [4])
@example("a  [1, \n2 ] b [", [3, 6])
def test_markers_vanish_from_the_stream_however_it_is_cut(text: str, cuts: list[int]) -> None:
    marker_filter = MarkerFilter()
    shown = "".join(marker_filter.feed(piece) for piece in cut(text, cuts)) + marker_filter.finish()
    assert shown.rstrip() == MARKER.sub("", text).rstrip()


def test_the_stream_shows_words_at_once_and_no_half_marker() -> None:
    marker_filter = MarkerFilter()
    assert marker_filter.feed("Five days") == "Five days"
    assert marker_filter.feed(" [1") == ""
    assert marker_filter.feed("] carry over") == " carry over"
