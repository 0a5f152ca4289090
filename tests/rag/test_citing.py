"""Footnotes: every quote stands in its document at the offsets the citation gives."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rag.answering.citing import MARKER, MarkerFilter, SpanCitationMatcher, strip_markers
from rag.domain import CitedDraft, Draft, Passage
from tests.passages import LEAVE, VPN, passage

DOCUMENT = "Handbook\n\n" + LEAVE
PASSAGES = [
    passage(LEAVE, start=DOCUMENT.index(LEAVE)),
    passage(VPN, number=2, start=0, page=3, heading="IT > VPN"),
]
DOCUMENTS = {"document-1": DOCUMENT, "document-2": VPN}
MARKED = st.text(alphabet="ab .\n[]12,;\u00a0", max_size=40)


def cite(text: str, passages: list[Passage] | None = None) -> CitedDraft:
    return SpanCitationMatcher().cite(
        Draft(text=text, llm="scripted"), PASSAGES if passages is None else passages
    )


def assert_sound(cited: CitedDraft) -> None:
    assert MARKER.search(cited.text) is None
    for citation in cited.citations:
        assert DOCUMENTS[citation.document_id][citation.start : citation.end] == citation.quote
        assert citation.quote
    assert [citation.n for citation in cited.citations] == list(range(1, len(cited.citations) + 1))
    for sentence in cited.sentences:
        assert cited.text[sentence.start : sentence.end] == sentence.text
        assert set(sentence.citations) <= {citation.n for citation in cited.citations}


def test_a_marker_becomes_a_citation_of_the_sentence_that_carries_it() -> None:
    cited = cite(
        "You have twenty-five days of annual leave a year [1]. Report lost keys within one hour [2]."
    )
    assert_sound(cited)
    assert cited.text == "You have twenty-five days of annual leave a year. Report lost keys within one hour."
    assert [sentence.citations for sentence in cited.sentences] == [(1,), (2,)]
    first, second = cited.citations
    assert first.quote == "Annual leave is twenty-five days a year."
    assert (second.quote, second.page, second.heading) == (
        "Report a lost key within one hour.",
        3,
        "IT > VPN",
    )


def test_the_same_quote_is_one_footnote() -> None:
    cited = cite(
        "Annual leave is twenty-five days a year. [1] That is twenty-five days of annual leave a year. [1]"
    )
    assert_sound(cited)
    assert len(cited.citations) == 1
    assert [sentence.citations for sentence in cited.sentences] == [(1,), (1,)]


def test_one_sentence_can_rest_on_two_passages() -> None:
    cited = cite("Leave is twenty-five days a year, and the VPN needs a hardware key [1][2].")
    assert_sound(cited)
    assert cited.sentences[0].citations == (1, 2)
    assert cite("Leave is twenty-five days, and the VPN needs a key [2, 1].").sentences[0].citations == (1, 2)


@pytest.mark.parametrize("marker", ["[0]", "[3]", "[99]", "[999]"])
def test_a_number_that_no_passage_has_is_dropped(marker: str) -> None:
    cited = cite(f"Submarines dive deep {marker}.")
    assert_sound(cited)
    assert (cited.text, cited.citations) == ("Submarines dive deep.", ())


def test_a_sentence_without_a_marker_is_cited_where_it_stands() -> None:
    cited = cite("The VPN needs a hardware key. The moon is made of cheese.")
    assert_sound(cited)
    assert [sentence.citations for sentence in cited.sentences] == [(1,), ()]
    assert cited.citations[0].quote == "The VPN needs a hardware key."


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
    cited = cite(text)
    assert_sound(cited)
    assert cited.text == "The VPN needs a hardware key."
    assert [citation.document_id for citation in cited.citations] == ["document-2"]


def test_lists_keep_their_lines() -> None:
    cited = cite("You need:\n- a key [2]\n- twenty-five days [1]")
    assert cited.text == "You need:\n- a key\n- twenty-five days"
    assert_sound(cited)


def test_nothing_generated_or_nothing_found_gives_no_citations() -> None:
    assert cite("") == CitedDraft(text="", sentences=(), citations=())
    assert cite("The VPN needs a key [1].", passages=[]).citations == ()


@given(MARKED)
def test_offsets_give_every_sentence_back_whatever_was_generated(text: str) -> None:
    cited = cite(text)
    for sentence in cited.sentences:
        assert cited.text[sentence.start : sentence.end] == sentence.text
    stripped, sentences = strip_markers(text)
    assert "".join(stripped.split()) == "".join(
        "".join(stripped[start:end].split()) for start, end, _ in sentences
    )


@given(MARKED, st.lists(st.integers(0, 40)))
@example("[[1]2]", [4])
@example("a  [1, \n2 ] b [", [3, 6])
def test_markers_vanish_from_the_stream_however_it_is_cut(text: str, cuts: list[int]) -> None:
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    marker_filter = MarkerFilter()
    pieces = [marker_filter.feed(text[start:end]) for start, end in pairwise(places)]
    shown = "".join(pieces) + marker_filter.finish()
    assert shown.rstrip() == MARKER.sub("", text).rstrip()


def test_the_stream_shows_words_at_once_and_no_half_marker() -> None:
    marker_filter = MarkerFilter()
    assert marker_filter.feed("Five days") == "Five days"
    assert marker_filter.feed(" [1") == ""
    assert marker_filter.feed("] carry over") == " carry over"
