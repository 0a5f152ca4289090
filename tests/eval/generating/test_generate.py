"""A question set from a collection: its format, its choice, and what a language model may add."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from eval.generating.candidates import Candidate, Kind
from eval.generating.choosing import chosen, distinct
from eval.generating.generate import GeneratedSet, generate
from eval.generating.unanswerable import unanswerable
from eval.generating.written import Writer
from eval.question_set import read_question_set
from rag.domain import Access
from rag.errors import CollectionNotFound, GenerationFailed, InvalidRequest
from rag.factory import Footnote
from rag.settings import load_settings
from tests.eval.generating.documents import document
from tests.fakes import HashedEmbedder, ScriptedGenerator
from tests.sources import new_version, put

TURNAROUND = "The normal turnaround in the laboratory of Leeds is eight working days from reception."
ENGLISH = f"{TURNAROUND} The Platform Lead publishes the rota of both teams eight weeks ahead."
FRENCH = "En cas d'absence de plus de deux jours ouvrés, activez la réponse automatique de la messagerie."


@pytest.fixture
def footnote(tmp_path: Path) -> Iterator[Footnote]:
    embedder = HashedEmbedder(dimension=512)
    with Footnote(load_settings(data_dir=tmp_path / "data"), embedder=embedder) as opened:
        collection = opened.open_collection("handbook")
        for path, text, language in (("lab.md", ENGLISH, "en"), ("conges.md", FRENCH, "fr")):
            version = new_version(path, text, embedder=embedder, language=language)
            put(opened.catalog, collection.id, version)
        yield opened


def written_by(footnote: Footnote, *texts: str | Exception) -> GeneratedSet:
    footnote.llms.given["test:writer"] = ScriptedGenerator(*texts, name="test:writer")
    return generate(footnote, "handbook", wanted=20, llm="test:writer")


def test_the_set_is_read_as_any_question_set(footnote: Footnote, tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    made = generate(footnote, "handbook", wanted=10)
    file.write_text("\n".join(made.lines()))
    questions = read_question_set(file)
    assert questions.failures == ()
    answerable = [each for each in questions.questions if each.answerable]
    assert {each.language for each in answerable} == {"en", "fr"}
    texts = {
        each.source_uri: footnote.catalog.content(each.id, access=Access.everything()).text
        for each in footnote.catalog.documents(
            footnote.catalog.collection("handbook").id, access=Access.everything()
        )
    }
    for each in answerable:
        assert each.quotes[0] in texts[each.documents[0]]
        assert each.answers[0] in each.quotes[0]
    others = [each for each in questions.questions if each.answerable is False]
    assert len(others) == round(len(answerable) / 4)
    assert {each.group for each in others} <= {"unanswerable"}


def test_the_same_seed_gives_the_same_set(footnote: Footnote) -> None:
    first, again = (list(generate(footnote, "handbook", seed=7).lines()) for _ in range(2))
    assert first == again


def test_a_collection_without_a_question_in_it_is_refused(footnote: Footnote) -> None:
    footnote.open_collection("empty")
    with pytest.raises(InvalidRequest, match="give no question"):
        generate(footnote, "empty")
    with pytest.raises(CollectionNotFound):
        generate(footnote, "elsewhere")
    with pytest.raises(InvalidRequest, match="writes no questions"):
        generate(footnote, "handbook", llm="extractive")


def test_unanswerable_questions_are_on_nothing_the_documents_mention() -> None:
    every = [each.question for each in unanswerable([document("Nothing.")], "en")]
    without = [each.question for each in unanswerable([document("A falcon flew by.")], "en")]
    assert set(every) - set(without) == {"How often should a falcon in training be flown?"}
    assert len(list(unanswerable([document("Rien.")], "fr"))) == 30


def candidate(number: int, *, kind: Kind = Kind.FACT, place: str = "a.md", answer: str = "x") -> Candidate:
    return Candidate(
        kind=kind,
        language="en",
        question=f"Question {number}?",
        document=place,
        quote=f"{place} {number}",
        answer=answer,
    )


def test_questions_come_from_all_documents_and_of_all_kinds() -> None:
    many = [candidate(number, kind=Kind.HEADING, place="long.md") for number in range(50)]
    few = [candidate(100 + number, kind=Kind.WHO, place="short.md") for number in range(3)]
    others = [candidate(200 + number, kind=Kind.FACT, place="long.md") for number in range(3)]
    taken = chosen([*many, *few, *others], 10, seed=1)
    assert Counter(each.document for each in taken)["short.md"] == 3
    assert Counter(each.kind for each in taken)[Kind.FACT] >= 2


def test_the_same_question_with_two_answers_is_left_out() -> None:
    same = [candidate(1), candidate(1), candidate(2), candidate(2, answer="y")]
    assert [each.question for each in distinct(same)] == ["Question 1?"]


def test_a_models_question_is_kept_when_its_quote_stands_in_the_document(footnote: Footnote) -> None:
    good = {
        "question": "How long does a job take in Leeds?",
        "answer": "eight working days",
        "quote": TURNAROUND,
    }
    made_up = good | {"quote": "A job takes nine weeks in the laboratory of Leeds."}
    not_carried = good | {"answer": "a purple elephant on stilts"}
    text = "\n".join([json.dumps(good), json.dumps(made_up), json.dumps(not_carried), '{"question": "?"}'])
    footnote.llms.given["test:writer"] = ScriptedGenerator(*[text] * 30, name="test:writer")
    long_text = (
        f"# Lab\n{TURNAROUND} " + "Instruments rest in the room before the first reading is taken. " * 5
    )
    writer = Writer(footnote.llms.alone("test:writer"), footnote.checker())
    written = writer.write([document(long_text)], wanted=1, seed=1)
    assert [each.question for each in written.kept] == ["How long does a job take in Leeds?"]
    assert (written.unreadable, written.not_quoted, written.not_carried, written.failed) == (1, 1, 1, 0)
    (kept,) = written.kept
    assert (kept.kind, kept.quote) == (Kind.MODEL, TURNAROUND)


def test_a_model_that_fails_is_counted_and_the_rules_go_on(footnote: Footnote, tmp_path: Path) -> None:
    embedder = footnote.embedder
    long_text = "The laboratory keeps the air of both rooms at twenty degrees day and night. " * 8
    put(
        footnote.catalog,
        footnote.catalog.collection("handbook").id,
        new_version("long.md", long_text, embedder=embedder),
    )
    made = written_by(footnote, *[GenerationFailed("The server is away.")] * 30)
    assert made.written is not None
    assert made.written.failed > 0
    assert made.questions
    assert "excerpts without an answer" in dict(made.summary_rows())["language model"]
