"""A follow-up is answered by what it asks, not by what its conversation was about."""

from __future__ import annotations

from dataclasses import replace

from rag.answering.evidence import SentenceScorer
from rag.answering.follow_up_evidence import read_follow_up
from rag.domain import Question
from tests.fakes import HashedEmbedder
from tests.passages import passage, question

STAFF = "Full-time staff have 27 days of annual leave a year in Leeds."
CARRIED = "You may carry over up to five days until 31 March."
PASSAGES = [passage(f"{STAFF}\n\n{CARRIED}")]
TYPED = "And how many may I carry over?"
STANDALONE = question(f"{TYPED} days annual leave full time staff Leeds")


def best(asked: Question) -> str:
    reading = read_follow_up(SentenceScorer(HashedEmbedder()), asked, PASSAGES)
    assert [one.score for one in reading.sentences] == sorted(
        (one.score for one in reading.sentences), reverse=True
    )
    return reading.sentences[0].text


def test_what_the_follow_up_asks_itself_comes_before_what_it_takes_over() -> None:
    assert best(STANDALONE) == STAFF
    assert best(replace(STANDALONE, typed=TYPED)) == CARRIED


def test_a_question_that_stands_alone_is_read_once() -> None:
    scorer = SentenceScorer(HashedEmbedder())
    asked = question("How many days of annual leave do staff have?")
    expected = scorer.read(asked, PASSAGES)
    assert read_follow_up(scorer, asked, PASSAGES) == expected
    assert read_follow_up(scorer, replace(asked, typed=asked.text), PASSAGES) == expected


def test_every_statement_of_either_reading_is_ranked_once() -> None:
    asked = replace(STANDALONE, typed=TYPED)
    reading = read_follow_up(SentenceScorer(HashedEmbedder()), asked, PASSAGES)
    assert sorted(one.text for one in reading.sentences) == sorted([STAFF, CARRIED])


def test_nothing_is_read_of_nothing() -> None:
    asked = replace(STANDALONE, typed=TYPED)
    assert read_follow_up(SentenceScorer(HashedEmbedder()), asked, []).sentences == ()
