"""Searching for what a language model adds to a question; the model is a real server on loopback."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from rag.domain import Access, SearchMode, SearchResult
from rag.errors import CollectionNotFound, GenerationFailed, InvalidQuestion, SettingsError
from rag.factory import Footnote
from rag.retrieval.expansion import EXPANSIONS, LlmExpander
from rag.settings import load_settings
from tests.fakes import HashedEmbedder, ScriptedGenerator
from tests.openai_server import OpenAIServer, Reply, openai_server
from tests.patience import LONG_S, Clock
from tests.sources import new_version, put

EMBEDDER = HashedEmbedder(dimension=512)
PAGES = {
    "leave.md": "Annual leave is twenty-five days a year.",
    "travel.md": "Train tickets are reimbursed within ten days.",
    "keys.md": "A lost hardware key is reported within one hour.",
    "food.md": "The canteen opens at noon.",
}
ASKED = "How many days of holiday do I get?"
WORDINGS = "annual leave entitlement\nannual leave a year\nleave for staff"


def filled(footnote: Footnote) -> Footnote:
    collection = footnote.open_collection("handbook")
    for path, text in PAGES.items():
        put(footnote.catalog, collection.id, new_version(path, text, embedder=EMBEDDER))
    return footnote


@contextmanager
def expanding(kind: str, *script: Reply | str, **settings: object) -> Iterator[tuple[Footnote, OpenAIServer]]:
    with openai_server(*script) as server:
        chosen = load_settings(
            query_expansion=kind, llm="openai:scripted", llm_base_url=server.base_url, **settings
        )
        with Footnote(chosen, embedder=EMBEDDER) as footnote:
            yield filled(footnote), server


def search(footnote: Footnote, query: str = ASKED, *, mode: SearchMode = SearchMode.HYBRID) -> SearchResult:
    return footnote.retriever.retrieve(
        query, collection="handbook", k=4, access=Access.everything(), mode=mode
    )


def texts(result: SearchResult) -> list[str]:
    return [passage.text for passage in result.passages]


@pytest.fixture
def plain() -> Iterator[Footnote]:
    with Footnote(load_settings(), embedder=EMBEDDER) as footnote:
        yield filled(footnote)


# ------------------------------------------------------------------------------------- the search


def test_other_wordings_find_what_the_question_s_own_words_do_not(plain: Footnote) -> None:
    assert texts(search(plain))[0] != PAGES["leave.md"]
    with expanding("multi_query", WORDINGS) as (footnote, _):
        result = search(footnote)
    assert texts(result)[0] == PAGES["leave.md"]
    scores = [passage.score for passage in result.passages]
    assert scores == sorted(scores, reverse=True)
    assert 0 < scores[-1] <= scores[0] <= 1
    assert result.query == ASKED
    assert {"embed", "retrieve", "expand", "total"} <= result.timings_ms.keys()
    assert result.timings_ms["total"] >= result.timings_ms["expand"] > 0


def test_a_made_up_passage_is_searched_for_by_meaning() -> None:
    with expanding("hyde", "Staff have annual leave of twenty days\na year.") as (footnote, _):
        assert texts(search(footnote))[0] == PAGES["leave.md"]


def test_a_made_up_passage_is_of_no_use_to_a_keyword_search(plain: Footnote) -> None:
    with expanding("hyde", "Annual leave is twenty days.") as (footnote, server):
        assert texts(search(footnote, mode=SearchMode.KEYWORD)) == texts(
            search(plain, mode=SearchMode.KEYWORD)
        )
    assert server.requests == []


def test_the_model_cannot_outvote_the_question(plain: Footnote) -> None:
    asked = "When does the canteen open?"
    with expanding("multi_query", "lost hardware key\nreport a lost key\nhardware key lost") as (footnote, _):
        assert texts(search(footnote, asked))[0] == texts(search(plain, asked))[0] == PAGES["food.md"]


def test_a_similarity_with_other_words_does_not_count_as_one_with_the_question() -> None:
    with expanding("multi_query", "canteen\nnoon\nthe canteen opens") as (footnote, _):
        found = search(footnote, "twenty-five", mode=SearchMode.KEYWORD).passages
    by_text = {passage.text: dict(passage.scores) for passage in found}
    assert by_text[PAGES["leave.md"]].keys() == {"keyword"}
    assert by_text[PAGES["food.md"]] == {}


def test_answers_rest_on_the_wider_search() -> None:
    with expanding("multi_query", WORDINGS) as (footnote, _):
        answer = footnote.answerer("extractive").answer(
            ASKED, collection="handbook", access=Access.everything(), k=1
        )
    assert [passage.text for passage in answer.passages] == [PAGES["leave.md"]]
    assert answer.timings_ms["expand"] > 0


# -------------------------------------------------------------------------------------- the model


def test_it_is_asked_briefly_in_the_question_s_language() -> None:
    with expanding("multi_query", WORDINGS) as (footnote, server):
        search(footnote)
        search(footnote, "Combien de jours de congé ai-je ?")
        english, french = (request.body for request in server.requests)
    assert "other wordings" in english["messages"][0]["content"]
    assert english["messages"][1]["content"] == ASKED
    assert "formulations" in french["messages"][0]["content"]
    assert english.get("max_tokens", english.get("max_completion_tokens")) == 200


@pytest.mark.parametrize(
    "reply",
    [Reply(status=500), Reply(text=""), Reply(text=WORDINGS, drop_after=2), Reply(silent=True)],
    ids=["500", "empty", "dropped mid-stream", "silent"],
)
def test_without_its_answer_the_question_is_searched_alone(
    plain: Footnote, reply: Reply, caplog: pytest.LogCaptureFixture
) -> None:
    timeout_s = 1 if reply.silent else LONG_S
    with expanding("multi_query", reply, expansion_timeout_s=timeout_s) as (footnote, _):
        assert texts(search(footnote)) == texts(search(plain))
    assert "Searching with the question alone" in caplog.text


def test_a_model_that_failed_is_left_alone_for_a_while(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.WARNING)
    clock = Clock()
    monkeypatch.setattr("rag.retrieval.expansion.time", clock)
    dead = GenerationFailed("The language model did not answer.")
    generator = ScriptedGenerator(dead, WORDINGS)
    expander = LlmExpander(generator, EXPANSIONS["multi_query"], rest_s=30)
    assert [expander.variants(ASKED) for _ in range(3)] == [[], [], []]
    assert (len(generator.prompts), len(caplog.records)) == (1, 1)
    clock.now = 31
    assert expander.variants(ASKED) == WORDINGS.splitlines()


def test_a_search_that_is_refused_costs_no_call() -> None:
    with expanding("multi_query", WORDINGS) as (footnote, server):
        with pytest.raises(InvalidQuestion):
            search(footnote, "  ")
        with pytest.raises(CollectionNotFound):
            footnote.retriever.retrieve(ASKED, collection="none", k=4, access=Access.everything())
    assert server.requests == []


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1. annual leave\n2) paid leave\n- time off", ["annual leave", "paid leave", "time off"]),
        ("Here are three wordings:\n\n“annual leave”\n", ["annual leave"]),
        ("annual leave\nAnnual Leave\n" + ASKED.upper(), ["annual leave"]),
        ("a\nb\nc\nd\ne", ["a", "b", "c"]),
        ("word " * 100 + "\npaid leave", ["paid leave"]),
        ("\n - \n", []),
        ("2024 leave", ["2024 leave"]),
    ],
)
def test_what_it_writes_is_read_strictly(written: str, read: list[str]) -> None:
    assert LlmExpander(ScriptedGenerator(written), EXPANSIONS["multi_query"]).variants(ASKED) == read


def test_a_made_up_passage_is_cut_to_the_length_of_a_chunk() -> None:
    (passage,) = LlmExpander(ScriptedGenerator("word\n" * 900), EXPANSIONS["hyde"]).variants(ASKED)
    assert (len(passage), passage[:9]) == (1000, "word word")


# ----------------------------------------------------------------------------------- the settings


def test_expansion_without_a_language_model_is_a_wrong_setting() -> None:
    with pytest.raises(SettingsError, match="'llm' is extractive; set FOOTNOTE_LLM"):
        load_settings(query_expansion="hyde")
    with pytest.raises(SettingsError, match="'query_expansion'"):
        load_settings(query_expansion="magic")
