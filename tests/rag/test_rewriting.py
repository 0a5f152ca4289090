"""Follow-up questions made to stand alone, with and without a language model."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from rag.conversation.rewriting import CarryOverRewriter, LlmRewriter
from rag.domain import Turn
from rag.factory import Footnote
from rag.llm.chat_model import open_chat_model
from rag.llm.spec import LlmSpec
from rag.settings import load_settings
from tests.fakes import HashedEmbedder
from tests.openai_server import OpenAIServer, Reply, openai_server
from tests.patience import LONG_S

LEAVE = [Turn(question="How many days of parental leave do fathers get?", answer="Fathers get 28 days [1].")]
CONGE = [Turn(question="Combien de jours de congé paternité avons-nous ?", answer="28 jours [1].")]
TOPICS = "badge laptop holiday expense canteen parking shower printer salary pension training uniform".split()


def carried(question: str, history: Sequence[Turn] = LEAVE) -> str:
    """What was added to the question."""
    rewritten = CarryOverRewriter().rewrite(question, history)
    assert rewritten.startswith(question)
    return rewritten.removeprefix(question).strip()


# -------------------------------------------------------------------------------------- carry over


@pytest.mark.parametrize(
    "question",
    [
        "Is it paid?",
        "Can they take it in two parts?",
        "And for mothers?",
        "What about adoption?",
        "Why?",
        "How is this paid?",
        "Who decides on that?",
        "Do I have to be there?",
        "Sorry, I meant mothers",
        "part-timers",
        "Until when?",
        "For how long?",
        "Which ones?",
        "Who pays for it then?",
        "What about the other?",
        "Can you tell me more?",
    ],
)
def test_a_follow_up_takes_the_topic_along(question: str) -> None:
    assert {"parental", "leave", "fathers"} <= set(carried(question).split())


@pytest.mark.parametrize(
    "question",
    [
        "Which hardware key opens the server room?",
        "Is it possible to work from Lyon?",
        "How long does it take to get a new badge?",
        "Are there showers at the Leeds office?",
        "Does Marie Curie have an office of her own?",
        "What does the policy say that managers must report?",
        "If a badge is lost, who must be told about it?",
        "What is RTT?",
        "VPN",
        "Until when may holidays be carried over?",
        "How long is the notice?",
    ],
)
def test_a_question_that_stands_alone_stays_as_it_is(question: str) -> None:
    assert carried(question) == ""


@pytest.mark.parametrize(
    "question",
    [
        "Et pour les mères ?",
        "Est-il payé ?",
        "Puis-je le reporter ?",
        "Comment ce congé est-il payé ?",
        "Pourquoi ?",
        "Qu’en est-il de l’adoption ?",
        "C'est obligatoire ?",
        "temps partiel",
        "Jusqu’à quand ?",
        "Qui y a droit ?",
        "Comment en faire la demande ?",
        "Combien dure le suivant ?",
    ],
)
def test_a_french_follow_up_takes_the_topic_along(question: str) -> None:
    assert {"congé", "paternité"} <= set(carried(question, CONGE).split()) | set(question.split())


@pytest.mark.parametrize(
    "question",
    [
        "Mon manager peut-il refuser une demande de télétravail ?",
        "Est-il possible de travailler depuis Leeds ?",
        "Faut-il déclarer un badge perdu ?",
        "Y a-t-il des douches au bureau de Lyon ?",
        "Badges perdus : qui peut les remplacer ?",
        "La direction, c'est quoi ?",
        "C'est quoi le RGPD ?",
        "Jusqu’à quand peut-on poser ses congés d'été ?",
        "Où y a-t-il des bornes de recharge ?",
        "Un salarié peut-il consulter ses notes de frais ?",
    ],
)
def test_a_french_question_that_stands_alone_stays_as_it_is(question: str) -> None:
    assert carried(question, CONGE) == ""


def test_a_chain_of_follow_ups_leads_back_to_its_topic() -> None:
    history = [*LEAVE, Turn(question="Is it paid?"), Turn(question="And by whom?")]
    assert carried("When?", history).split() == ["paid", "days", "parental", "leave", "fathers"]


def test_the_topic_before_a_new_one_is_left_behind() -> None:
    history = [*LEAVE, Turn(question="Who replaces a broken laptop?", answer="The help desk.")]
    assert carried("Is it insured?", history) == "replaces broken laptop"


def test_only_questions_are_carried_over_and_few_words_of_them() -> None:
    history = [Turn(question=" ".join(TOPICS * 2), answer="Secret words.")]
    assert carried("Why is that?", history).split() == TOPICS[:8]


def test_nothing_is_added_to_the_first_question_or_in_other_languages_or_beyond_what_is_searched() -> None:
    assert carried("Is it paid?", []) == ""
    assert (
        carried("¿Y para las madres?", [Turn(question="¿Cuántos días de permiso tienen los padres?")]) == ""
    )
    assert carried("Is it " + "x" * 3990) == ""


# ---------------------------------------------------------------------------------- language model


def llm_rewriter(server: OpenAIServer, *, timeout_s: float = LONG_S) -> LlmRewriter:
    name = "openai:scripted"
    spec = LlmSpec(name=name, model=name, base_url=server.base_url, timeout_s=timeout_s, max_tokens=60)
    return LlmRewriter(open_chat_model(spec), fallback=CarryOverRewriter())


def test_a_language_model_writes_the_question_in_full() -> None:
    with openai_server('"Is parental leave paid?"') as server:
        rewriter = llm_rewriter(server)
        assert rewriter.rewrite("Is it paid?", LEAVE) == "Is parental leave paid?"
        rewriter.rewrite("Est-il payé ?", CONGE)
    english, french = (request.body["messages"] for request in server.requests)
    assert "without the conversation" in english[0]["content"]
    assert english[1]["content"] == (
        "Question: How many days of parental leave do fathers get?\n"
        "Answer: Fathers get 28 days [1].\nLast question: Is it paid?"
    )
    assert "sans la conversation" in french[0]["content"]


def test_the_first_question_is_not_sent() -> None:
    with openai_server("Something else?") as server:
        assert llm_rewriter(server).rewrite("Is it paid?", []) == "Is it paid?"
    assert server.requests == []


def test_a_long_conversation_is_sent_in_part() -> None:
    history = [Turn(question=f"Question {number}?", answer="word " * 1000) for number in range(30)]
    with openai_server("Is it paid?") as server:
        llm_rewriter(server).rewrite("Is it paid?", history)
    content = server.requests[0].body["messages"][1]["content"]
    assert "Question 26?" in content
    assert "Question 25?" not in content
    assert len(content) < 2500


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=500),
        Reply(text=""),
        Reply(silent=True),
        Reply(text="Sure!\nHere it is:\nIs parental leave paid?"),
        Reply(text="Parental " * 100),
        Reply(text="<think>hmm"),
        Reply(text='""'),
    ],
    ids=["500", "empty", "silent", "talkative", "endless", "only thoughts", "blank"],
)
def test_without_a_usable_answer_the_topic_is_carried_over(reply: Reply) -> None:
    with openai_server(reply) as server:
        rewriter = llm_rewriter(server, timeout_s=1 if reply.silent else LONG_S)
        rewritten = rewriter.rewrite("Is it paid?", LEAVE)
    assert rewritten == CarryOverRewriter().rewrite("Is it paid?", LEAVE) != "Is it paid?"


def test_the_settings_decide_which() -> None:
    with Footnote(load_settings(), embedder=HashedEmbedder()) as footnote:
        assert isinstance(footnote.rewriter_for("extractive"), CarryOverRewriter)
    with openai_server("Is parental leave paid?") as server:
        settings = load_settings(llm="openai:scripted", llm_base_url=server.base_url)
        with Footnote(settings, embedder=HashedEmbedder()) as footnote:
            assert (
                footnote.rewriter_for(footnote.settings.llm).rewrite("Is it paid?", LEAVE)
                == "Is parental leave paid?"
            )
