"""Conversations: how much of one is read with a question, and when an answer is kept in it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from rag.answering.events import AnswerEvent, DoneEvent, TokenEvent
from rag.conversation.conversations import Conversations, trimmed
from rag.domain import OPERATOR, Access, Answer, AnswerStatus, ConversationKey, Turn
from rag.errors import Conflict, ConversationNotFound, DiskFull, InvalidRequest
from rag.factory import Footnote
from rag.settings import load_settings
from tests.contracts.test_catalog_conversations import answer
from tests.fakes import HashedEmbedder

MINE = ConversationKey(owner=OPERATOR, id="c1")


@pytest.fixture
def footnote() -> Iterator[Footnote]:
    with Footnote(load_settings(), embedder=HashedEmbedder()) as opened:
        opened.open_collection("default")
        yield opened


def conversations(footnote: Footnote, **settings: Any) -> Conversations:
    given: dict[str, Any] = {"collection": "default", "kept": timedelta(days=1), "turns": 3, "tokens": 100}
    return Conversations(footnote.catalog, **(given | settings))


def say(footnote: Footnote, question: str, given: Answer | None = None, **settings: Any) -> Answer:
    opened = conversations(footnote, **settings).open("c1", owner=OPERATOR)
    return opened.keep(given or answer(question=question))


def history(footnote: Footnote, **settings: Any) -> list[tuple[str, str]]:
    opened = conversations(footnote, **settings).open("c1", owner=OPERATOR)
    return [(turn.question, turn.answer) for turn in opened.history]


def test_the_newest_turns_are_read_oldest_first(footnote: Footnote) -> None:
    for number in range(5):
        assert say(footnote, f"{number}?").conversation_id == "c1"
    assert history(footnote) == [(f"{number}?", "27 days [1].") for number in (2, 3, 4)]
    assert history(footnote, turns=0) == []


def test_a_refusal_is_read_as_a_question_without_an_answer(footnote: Footnote) -> None:
    say(footnote, "Why?", answer("The documents do not say.", question="Why?", status=AnswerStatus.REFUSED))
    assert history(footnote) == [("Why?", "")]


def test_a_history_is_cut_to_what_fits_from_its_old_end() -> None:
    turns = [Turn(question="a a", answer="b b b"), Turn(question="c c", answer="d d d")]  # a token a word
    assert trimmed(turns, 10) == tuple(turns)
    assert trimmed(turns, 9) == (Turn(question="a a"), turns[1])
    assert trimmed(turns, 6) == (turns[1],)
    assert trimmed(turns, 4) == (Turn(question="c c"),)
    assert trimmed(turns, 1) == ()


def test_what_was_asked_about_leaves_no_gap_in_a_history() -> None:
    turns = [Turn(question="short"), Turn(question="q", answer="long" * 9), Turn(question="short")]
    assert trimmed(turns, 10) == (Turn(question="q"), Turn(question="short"))


def test_an_answer_is_kept_when_it_is_done_and_only_then(footnote: Footnote) -> None:
    def events() -> Iterator[AnswerEvent]:
        yield TokenEvent("27")
        yield DoneEvent(answer(question="How many?"))

    opened = conversations(footnote).open("c1", owner=OPERATOR)
    left = opened.kept(events())
    assert next(left) == TokenEvent("27")
    left.close()  # the asker is gone
    with pytest.raises(ConversationNotFound):
        footnote.catalog.turns(MINE)

    *_, done = opened.kept(events())
    assert isinstance(done, DoneEvent)
    assert done.answer.conversation_id == "c1"
    assert [turn.question for turn in footnote.catalog.turns(MINE)] == ["How many?"]


def test_a_question_outside_of_conversations_changes_nothing(footnote: Footnote) -> None:
    opened = conversations(footnote).open(None, owner=OPERATOR)
    assert (opened.collection, opened.history) == ("default", ())
    assert opened.keep(answer()) == answer()
    assert footnote.catalog.conversations(OPERATOR) == []


def test_a_conversation_goes_on_in_its_own_collection(footnote: Footnote) -> None:
    footnote.open_collection("archive")
    opened = conversations(footnote).open("c1", owner=OPERATOR, collection="archive")
    opened.keep(answer())

    assert conversations(footnote).open("c1", owner=OPERATOR).collection == "archive"
    with pytest.raises(Conflict, match="'archive', not 'default'; leave the collection out"):
        conversations(footnote).open("c1", owner=OPERATOR, collection="default")


def test_deleted_while_it_was_answered_it_stays_deleted(footnote: Footnote) -> None:
    say(footnote, "How many?")
    opened = conversations(footnote).open("c1", owner=OPERATOR)
    footnote.catalog.delete_conversation(MINE)

    assert opened.keep(answer()).conversation_id is None
    with pytest.raises(ConversationNotFound):
        footnote.catalog.turns(MINE)


def test_an_answer_outlives_a_disk_that_is_full(
    footnote: Footnote, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object, **__: object) -> None:
        raise DiskFull("No space is left.")

    opened = conversations(footnote).open("c1", owner=OPERATOR)
    monkeypatch.setattr(type(footnote.catalog), "add_turn", full)
    with caplog.at_level(logging.WARNING):
        assert opened.keep(answer()) == answer()
    assert "No space is left" in caplog.text


def test_what_expired_is_forgotten_when_another_is_used(footnote: Footnote) -> None:
    for number in range(3):
        key = ConversationKey(owner="key:7", id=str(number))
        collection = footnote.catalog.collection("default")
        footnote.catalog.begin_conversation(key, collection_id=collection.id, kept=timedelta(0))
    say(footnote, "How many?")
    assert footnote.catalog.prune_conversations(kept=timedelta(days=1), limit=9) == 0


def test_a_server_that_keeps_none_forgets_those_it_has(footnote: Footnote) -> None:
    say(footnote, "How many?")
    none = conversations(footnote, kept=timedelta(0))
    assert history(footnote, kept=timedelta(0)) == []
    assert say(footnote, "Why?", kept=timedelta(0)).conversation_id is None
    none.prune()
    assert footnote.catalog.conversations(OPERATOR) == []
    with pytest.raises(Conflict, match="FOOTNOTE_CONVERSATION_DAYS is 0"):
        none.begin(owner=OPERATOR)
    with pytest.raises(InvalidRequest, match="cannot name a conversation"):
        none.open("a b", owner=OPERATOR)


def test_the_answer_path_rewrites_a_follow_up_and_keeps_it_as_typed(footnote: Footnote) -> None:
    say(footnote, "How many days of parental leave do fathers get?")
    opened = conversations(footnote).open("c1", owner=OPERATOR)
    refusal = footnote.answerer().answer(
        "Is it paid?", collection=opened.collection, access=Access.everything(), history=opened.history
    )
    kept = opened.keep(refusal)

    (_, turn) = footnote.catalog.turns(MINE)
    assert (turn.question, turn.standalone_question) == ("Is it paid?", kept.standalone_question)
    assert "parental leave" in (kept.standalone_question or "")
