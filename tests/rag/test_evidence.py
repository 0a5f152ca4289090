"""Reading passages for a question: by words, then closely; and what the extractive answerer quotes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from rag.answering.answerability import CalibratedAnswerabilityJudge
from rag.answering.evidence import SentenceScorer
from rag.answering.extractive import ExtractiveGenerator
from rag.answering.first_reading import read_words
from rag.domain import Draft, Passage
from tests.fakes import HashedEmbedder
from tests.passages import LEAVE, VPN, passage, prompt, question

HOW_MANY = "How many days of annual leave are there?"


def quoted(asked: str, *passages: Passage) -> str:
    *_, draft = ExtractiveGenerator(SentenceScorer(HashedEmbedder())).stream(prompt(asked, *passages))
    assert isinstance(draft, Draft)
    return draft.text


# ------------------------------------------------------------------------------------------- words


def test_a_word_is_found_by_its_letters_where_its_stem_is_not() -> None:
    first = read_words(
        question("Où sont les fichiers privés ?"), [passage("Les donnéesprivées restent ici.")]
    )
    (found,) = first.candidates
    assert found.signals["coverage"] == 0
    assert found.signals["letters"] > 0
    assert 0 < first.held < 1


def test_a_heading_counts_for_the_statements_below_it() -> None:
    text = passage("It lasts six weeks.", heading="Parental leave")
    (found,) = read_words(question("How long is parental leave?"), [text]).candidates
    assert found.signals["letters_headed"] > found.signals["letters"]
    assert found.signals["coverage"] > 0


def test_scores_of_passages_count_by_their_distance_and_not_without_end() -> None:
    passages = [
        passage(LEAVE, score=0.9),
        passage(VPN, number=2, score=0.8),
        passage("A dog.", number=3, score=-9),
    ]
    distances = {
        each.passage: each.signals["passage"] for each in read_words(question("?"), passages).candidates
    }
    assert distances == {0: 0.0, 1: pytest.approx(-0.1), 2: -0.3}


def test_nothing_to_read_is_no_error() -> None:
    assert read_words(question("What?"), []).candidates == ()
    assert SentenceScorer(HashedEmbedder()).read(question("What?"), [passage("—")]).sentences == ()


# ----------------------------------------------------------------------------------------- closely


def test_the_statement_that_answers_comes_first_with_its_place_in_the_passage() -> None:
    passages = [passage(VPN), passage(LEAVE, number=2)]
    best, *others = SentenceScorer(HashedEmbedder()).read(question(HOW_MANY), passages).sentences
    assert best.text == "Annual leave is twenty-five days a year."
    assert passages[best.passage].text[best.start : best.end] == best.text
    assert all(other.score <= best.score for other in others)


def test_only_a_few_statements_are_read_by_the_model_and_no_text_twice() -> None:
    embedder = HashedEmbedder()
    scorer = SentenceScorer(embedder)
    many = [passage(f"Leave number {n} is short. Rule {n} is long.", number=n) for n in range(20)]
    assert len(scorer.read(question(HOW_MANY), many).sentences) <= 6
    assert len(embedder.embedded) == len(set(embedder.embedded)) <= 13
    embedder.embedded.clear()
    scorer.read(question(HOW_MANY), many)
    assert embedder.embedded == []


def test_a_text_without_end_is_read_as_far_as_it_pays() -> None:
    embedder = HashedEmbedder()
    endless = passage("leave " * 5000, title="title " * 500)
    assert len(SentenceScorer(embedder).read(question(HOW_MANY), [endless]).sentences) == 1
    assert sum(len(text.split()) for text in embedder.embedded) < 150


def test_what_the_passages_hold_is_more_likely_an_answer() -> None:
    judge = CalibratedAnswerabilityJudge(SentenceScorer(HashedEmbedder()))
    holding, lacking = (
        judge.probability(question(HOW_MANY), [passage(text, scores={"dense": 0.5})]) for text in (LEAVE, VPN)
    )
    assert 0 <= lacking < holding <= 1
    assert judge.probability(question(HOW_MANY), []) == 0


# ---------------------------------------------------------------------------------------- the quote


@pytest.mark.parametrize(
    ("asked", "texts", "expected"),
    [
        pytest.param(
            "Which papers does a visitor bring?",
            ["A visitor brings these papers:\na passport\na letter of invitation\n\nLunch is at noon."],
            "A visitor brings these papers: [1]\na passport [1]\na letter of invitation [1]",
            id="a list whole",
        ),
        pytest.param(
            "Which extension has reception in Lyon?",
            ["Site | Extension\nLeeds | 5000\nLyon | 6000"],
            "Site | Extension [1]\nLyon | 6000 [1]",
            id="a row under its labels",
        ),
        pytest.param(
            "Does wireless equipment emit radiation beyond limits?",
            ["The router stands here. It is wireless equipment and emits radiation below all limits."],
            "The router stands here. It is wireless equipment and emits radiation below all limits. [1]",
            id="what leans on the sentence before, with it",
        ),
        pytest.param(
            HOW_MANY,
            [LEAVE, LEAVE],
            "Annual leave is twenty-five days a year. [1]",
            id="nothing twice",
        ),
    ],
)
def test_a_quote_is_whole_and_no_longer(asked: str, texts: Sequence[str], expected: str) -> None:
    passages = [passage(text, number=number) for number, text in enumerate(texts, start=1)]
    assert quoted(asked, *passages) == expected
