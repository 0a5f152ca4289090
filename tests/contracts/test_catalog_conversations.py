"""Conversations: whose they are, turns in the order of commits, their end."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from rag.domain import (
    OPERATOR,
    Answer,
    AnswerStatus,
    Citation,
    Collection,
    ConversationKey,
    ConversationTurn,
)
from rag.errors import CollectionNotFound, Conflict, ConversationNotFound
from rag.interfaces import Catalog
from rag.store.catalog import open_catalog
from tests.sources import EMBEDDER

KEPT = timedelta(days=30)
AT_ONCE = timedelta(0)
MINE = ConversationKey(owner=OPERATOR, id="leave")
THEIRS = ConversationKey(owner="key:7", id="leave")
CITATION = Citation(
    n=1,
    document_id="d1",
    title="Congés",
    source_uri="handbook/congés.md",
    version=2,
    page=None,
    heading="Leave > Annual",
    start=4,
    end=11,
    quote="27 days",
)


@pytest.fixture
def handbook(catalog: Catalog) -> Collection:
    return catalog.create_collection("handbook", EMBEDDER.profile)


def answer(text: str = "27 days [1].", **facts: Any) -> Answer:
    fields: dict[str, Any] = {
        "answer_id": "a1",
        "question": "How many days of leave?",
        "status": AnswerStatus.ANSWERED,
        "text": text,
        "sentences": (),
        "citations": (CITATION,),
        "passages": (),
        "grounding": None,
        "llm": "extractive",
        "timings_ms": {},
    }
    return Answer(**(fields | facts))


def add(
    catalog: Catalog,
    collection: Collection,
    question: str = "How many days of leave?",
    *,
    key: ConversationKey = MINE,
    begins: bool = True,
    kept: timedelta = KEPT,
    given: Answer | None = None,
) -> ConversationTurn:
    return catalog.add_turn(
        key, question, given or answer(), collection_id=collection.id, begins=begins, kept=kept
    )


def questions(turns: list[ConversationTurn]) -> list[str]:
    return [turn.question for turn in turns]


def test_a_turn_reads_back_as_it_was_given(catalog: Catalog, handbook: Collection) -> None:
    given = answer(standalone_question="Is annual leave paid?", status=AnswerStatus.UNVERIFIED)
    stored = add(catalog, handbook, "Est-il payé ? 🏖", given=given)

    assert catalog.turns(MINE) == [stored]
    assert (stored.ordinal, stored.question, stored.answer) == (1, "Est-il payé ? 🏖", "27 days [1].")
    assert (stored.status, stored.answer_id, stored.llm) == (AnswerStatus.UNVERIFIED, "a1", "extractive")
    assert stored.standalone_question == "Is annual leave paid?"
    assert stored.citations == (CITATION,)
    assert stored.created_at.utcoffset() == timedelta(0)


def test_a_conversation_begins_with_its_first_turn(catalog: Catalog, handbook: Collection) -> None:
    first = add(catalog, handbook)
    add(catalog, handbook, "Is it paid?", begins=False)
    found = catalog.conversation(MINE)

    assert (found.key, found.collection, found.turns) == (MINE, "handbook", 2)
    assert found.first_question == "How many days of leave?"
    assert first.created_at <= found.updated_at
    assert found.expires_at >= first.created_at + KEPT


def test_a_conversation_can_begin_empty(catalog: Catalog, handbook: Collection) -> None:
    begun = catalog.begin_conversation(MINE, collection_id=handbook.id, kept=KEPT)

    assert (begun.turns, begun.first_question) == (0, None)
    assert catalog.begin_conversation(MINE, collection_id=handbook.id, kept=KEPT) == begun
    assert catalog.turns(MINE) == []
    assert add(catalog, handbook, begins=False).ordinal == 1


def test_owners_have_their_own_names(catalog: Catalog, handbook: Collection) -> None:
    add(catalog, handbook, "Mine?")
    with pytest.raises(ConversationNotFound) as foreign:
        catalog.turns(THEIRS)
    with pytest.raises(ConversationNotFound) as unknown:
        catalog.turns(ConversationKey(owner="key:8", id="leave"))
    assert str(foreign.value) == str(unknown.value)
    for read in (catalog.conversation, catalog.delete_conversation):
        with pytest.raises(ConversationNotFound):
            read(THEIRS)
    with pytest.raises(ConversationNotFound):
        catalog.latest_turns(THEIRS, limit=1)
    with pytest.raises(ConversationNotFound):
        add(catalog, handbook, key=THEIRS, begins=False)
    assert catalog.conversations("key:7") == []

    add(catalog, handbook, "Theirs?", key=THEIRS)
    assert questions(catalog.turns(MINE)) == ["Mine?"]
    assert questions(catalog.turns(THEIRS)) == ["Theirs?"]
    assert catalog.delete_conversation(THEIRS) == 1
    assert questions(catalog.turns(MINE)) == ["Mine?"]


@pytest.mark.parametrize("name", ["", "a\0b", "caf\udce9", "x" * 5000])
def test_a_name_that_was_never_given_is_not_found(catalog: Catalog, handbook: Collection, name: str) -> None:
    with pytest.raises(ConversationNotFound):
        catalog.conversation(ConversationKey(owner=OPERATOR, id=name))


def test_turns_are_paged_in_order_and_the_newest_read_alone(catalog: Catalog, handbook: Collection) -> None:
    for number in range(1, 6):
        add(catalog, handbook, f"{number}?")
    page = catalog.turns(MINE, limit=2)

    assert questions(page) == ["1?", "2?"]
    assert questions(catalog.turns(MINE, limit=2, after=page[-1].ordinal)) == ["3?", "4?"]
    assert questions(catalog.latest_turns(MINE, limit=2)) == ["4?", "5?"]
    assert catalog.latest_turns(MINE, limit=0) == []


def test_conversations_are_paged_newest_first(catalog: Catalog, handbook: Collection) -> None:
    for name in "abc":
        add(catalog, handbook, f"{name}?", key=ConversationKey(owner=OPERATOR, id=name))
    add(catalog, handbook, key=THEIRS)
    page = catalog.conversations(OPERATOR, limit=2)

    assert [(one.key.id, one.first_question) for one in page] == [("c", "c?"), ("b", "b?")]
    assert [one.key.id for one in catalog.conversations(OPERATOR, after=page[-1].number)] == ["a"]


def test_turns_added_at_once_are_all_kept(catalog: Catalog, catalog_url: str, handbook: Collection) -> None:
    other = open_catalog(catalog_url)

    def ask(number: int) -> tuple[int, str]:
        stored = add((catalog, other)[number % 2], handbook, f"{number}?")
        return stored.ordinal, stored.question

    with ThreadPoolExecutor(6) as pool:
        given = list(pool.map(ask, range(18)))
    other.close()
    turns = catalog.turns(MINE)
    assert [(turn.ordinal, turn.question) for turn in turns] == sorted(given)
    assert [turn.ordinal for turn in turns] == list(range(1, 19))
    assert [turn.created_at for turn in turns] == sorted(turn.created_at for turn in turns)
    assert catalog.conversation(MINE).turns == 18


def test_a_conversation_is_about_one_collection(catalog: Catalog, handbook: Collection) -> None:
    archive = catalog.create_collection("archive", EMBEDDER.profile)
    add(catalog, handbook)
    for begins in (True, False):
        with pytest.raises(Conflict, match="another collection"):
            add(catalog, archive, begins=begins)
    with pytest.raises(Conflict, match="another collection"):
        catalog.begin_conversation(MINE, collection_id=archive.id, kept=KEPT)
    assert len(catalog.turns(MINE)) == 1


def test_a_deleted_collection_takes_its_conversations_along(catalog: Catalog, handbook: Collection) -> None:
    archive = catalog.create_collection("archive", EMBEDDER.profile)
    kept = ConversationKey(owner=OPERATOR, id="kept")
    add(catalog, archive, key=kept)
    add(catalog, handbook)
    catalog.delete_collection("handbook")

    with pytest.raises(ConversationNotFound):
        catalog.turns(MINE)
    with pytest.raises(CollectionNotFound):
        add(catalog, handbook)
    assert len(catalog.turns(kept)) == 1
    assert catalog.check() == []


def test_a_deleted_conversation_stays_deleted_while_an_answer_is_written(
    catalog: Catalog, handbook: Collection
) -> None:
    add(catalog, handbook)
    assert catalog.delete_conversation(MINE) == 1
    with pytest.raises(ConversationNotFound):
        add(catalog, handbook, begins=False)
    with pytest.raises(ConversationNotFound):
        catalog.delete_conversation(MINE)
    assert add(catalog, handbook).ordinal == 1


def test_an_expired_conversation_is_gone_and_its_name_free(catalog: Catalog, handbook: Collection) -> None:
    add(catalog, handbook, "Old?", kept=AT_ONCE)
    for read in (catalog.conversation, catalog.turns, catalog.delete_conversation):
        with pytest.raises(ConversationNotFound):
            read(MINE)
    assert catalog.conversations(OPERATOR) == []

    add(catalog, handbook, "New?")
    assert questions(catalog.turns(MINE)) == ["New?"]


def test_every_turn_puts_the_end_off(catalog: Catalog, handbook: Collection) -> None:
    add(catalog, handbook, kept=timedelta(minutes=1))
    before = catalog.conversation(MINE).expires_at
    add(catalog, handbook, kept=KEPT)
    assert catalog.conversation(MINE).expires_at > before + timedelta(days=29)


def test_what_expired_is_pruned_in_batches(catalog: Catalog, handbook: Collection) -> None:
    for name in "abc":
        add(catalog, handbook, key=ConversationKey(owner=OPERATOR, id=name), kept=AT_ONCE)
    add(catalog, handbook)
    assert catalog.prune_conversations(kept=KEPT, limit=2) == 2
    assert catalog.prune_conversations(kept=KEPT, limit=2) == 1
    assert catalog.prune_conversations(kept=KEPT, limit=2) == 0
    assert len(catalog.turns(MINE)) == 1
    # A shorter time holds for what was stored under a longer one, too.
    assert catalog.prune_conversations(kept=AT_ONCE, limit=2) == 1
    assert catalog.conversations(OPERATOR) == []


def test_texts_that_no_database_takes_are_escaped(catalog: Catalog, handbook: Collection) -> None:
    stored = add(catalog, handbook, "a\0b?", given=answer("caf\udce9 [1]."))
    assert catalog.turns(MINE) == [stored]
    assert (stored.question, stored.answer) == ("a\\0b?", "caf\\udce9 [1].")
