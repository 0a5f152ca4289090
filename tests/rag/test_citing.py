"""Footnotes: every quote stands in its document at the offsets the citation gives."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answering.citing import SpanCitationMatcher
from rag.answering.footnotes import CheckedSentence, FootnotedText
from rag.answering.marked_sentences import MARKER, SentenceReader
from rag.domain import Citation, Passage, Sentence
from tests.fakes import HashedEmbedder
from tests.passages import LEAVE, VPN, passage

DOCUMENT = "Handbook\n\n" + LEAVE
PASSAGES = [
    passage(LEAVE, start=DOCUMENT.index(LEAVE)),
    passage(VPN, number=2, start=0, page=3, heading="IT > VPN"),
]
DOCUMENTS = {"document-1": DOCUMENT, "document-2": VPN}
MARKED = st.text(alphabet="ab .\n[]12,;\u00a0", max_size=40)


@dataclass(frozen=True)
class Cited:
    text: str
    sentences: list[Sentence]
    citations: list[Citation]


def cite(text: str, passages: list[Passage] | None = None) -> Cited:
    """The text with its markers made into footnotes."""
    matcher, reader, grown = SpanCitationMatcher(HashedEmbedder()), SentenceReader(), FootnotedText()
    given = PASSAGES if passages is None else passages
    for marked in reader.feed(text) + reader.finish():
        spans = matcher.find(marked.text, marked.numbers, given, before=grown.text)
        grown.add(CheckedSentence(text=marked.text, gap=marked.gap, spans=spans, verdict=None))
    return Cited(grown.text, grown.sentences, grown.citations)


def assert_sound(cited: Cited) -> None:
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
    assert (cited.text, cited.citations) == ("Submarines dive deep.", [])


def test_a_sentence_without_a_marker_is_cited_where_it_stands() -> None:
    cited = cite("The VPN needs a hardware key. The moon is made of cheese.")
    assert_sound(cited)
    assert [sentence.citations for sentence in cited.sentences] == [(1,), ()]
    assert cited.citations[0].quote == "The VPN needs a hardware key."


def test_a_wrong_marker_gives_way_to_the_passage_that_carries_the_sentence() -> None:
    cited = cite("The VPN needs a hardware key [1].")
    assert_sound(cited)
    assert [citation.document_id for citation in cited.citations] == ["document-2"]


def test_a_marker_that_adds_nothing_is_left_out() -> None:
    cited = cite("The VPN needs a hardware key [1][2].")
    assert [citation.quote for citation in cited.citations] == ["The VPN needs a hardware key."]


def test_a_marked_passage_in_another_language_is_narrowed_to_its_nearest_sentence() -> None:
    text = "Der Schlüssel liegt im Safe. Das VPN braucht a hardware clef."
    foreign = passage(text, number=2, start=0, language="de")
    cited = cite("Pour se connecter il faut une hardware-clef VPN [2].", [PASSAGES[0], foreign])
    assert [citation.quote for citation in cited.citations] == ["Das VPN braucht a hardware clef."]


def test_nothing_generated_or_nothing_found_gives_no_citations() -> None:
    assert cite("") == Cited("", [], [])
    assert cite("The VPN needs a key [1].", passages=[]).citations == []


@given(MARKED)
def test_offsets_give_every_sentence_back_whatever_was_generated(text: str) -> None:
    assert_sound(cite(text))
