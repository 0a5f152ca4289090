"""What every generator promises, the chat models' against a real HTTP server on loopback."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from rag.answering.evidence import SentenceScorer
from rag.answering.extractive import ExtractiveGenerator
from rag.domain import Draft, Prompt
from rag.errors import GenerationFailed, InvalidRequest, ModelUnavailable
from rag.interfaces import Generator
from rag.llm.chat_model import open_chat_model
from rag.llm.spec import LlmSpec
from rag.prompting.building import REFUSAL_MARK
from tests.fakes import HashedEmbedder
from tests.openai_server import OpenAIServer, Reply, openai_server
from tests.passages import LEAVE, VPN, passage, prompt
from tests.patience import LONG_S

ANSWER = "You have twenty-five days a year [1]. NOT more: five carry over [1]."
ASKED = prompt("How many days of annual leave do I have?", passage(LEAVE), passage(VPN, number=2))


def chat_model(server: OpenAIServer, *, api_key: str | None = None, timeout_s: float = LONG_S) -> Generator:
    return open_chat_model(spec(base_url=server.base_url, api_key=api_key, timeout_s=timeout_s))


def spec(model: str = "openai:scripted", **fields: Any) -> LlmSpec:
    return LlmSpec(name=model, model=model, **({"timeout_s": LONG_S, "max_tokens": 100} | fields))


def generated(generator: Generator, asked: Prompt = ASKED) -> tuple[str, Draft]:
    """The text as it was streamed, and the draft at its end."""
    *pieces, draft = generator.stream(asked)
    assert isinstance(draft, Draft)
    assert all(isinstance(piece, str) and piece for piece in pieces)
    return "".join(str(piece) for piece in pieces), draft


@pytest.fixture(params=["extractive", "chat model"])
def generator(request: pytest.FixtureRequest) -> Iterator[Generator]:
    if request.param == "extractive":
        yield ExtractiveGenerator(SentenceScorer(HashedEmbedder()))
    else:
        with openai_server(ANSWER) as server:
            yield chat_model(server)


# ------------------------------------------------------------------------------ every generator


def test_the_stream_ends_with_one_draft_that_holds_the_pieces(generator: Generator) -> None:
    streamed, draft = generated(generator)
    assert streamed == draft.text
    assert "twenty-five days" in draft.text
    assert "[1]" in draft.text
    assert (draft.refused, draft.llm) == (False, generator.name)


def test_a_generator_answers_again_and_again(generator: Generator) -> None:
    assert generated(generator) == generated(generator)


# ----------------------------------------------------------------------------------- extractive


def test_the_extractive_answer_is_made_of_the_passages_own_sentences() -> None:
    _, draft = generated(ExtractiveGenerator(SentenceScorer(HashedEmbedder())))
    assert draft.text.startswith("Annual leave is twenty-five days a year. [1]")
    assert "submarine" not in draft.text


def test_the_extractive_answerer_declines_where_there_is_nothing_to_quote() -> None:
    empty = prompt("How many days?", passage("—"))
    streamed, draft = generated(ExtractiveGenerator(SentenceScorer(HashedEmbedder())), empty)
    assert (streamed, draft.text, draft.refused) == ("", "", True)


# ---------------------------------------------------------------------------------- chat models


def test_the_model_reads_instructions_passages_and_question() -> None:
    with openai_server(ANSWER) as server:
        generated(chat_model(server))
        (request,) = server.requests
    assert request.path == "/v1/chat/completions"
    system, user = request.body["messages"]
    assert (system["role"], user["role"]) == ("system", "user")
    assert "numbered passages" in system["content"]
    assert all(sentence in user["content"] for sentence in LEAVE.split(". "))  # a sign stands between them
    assert user["content"].endswith("How many days of annual leave do I have?")
    assert (request.body["model"], request.body["temperature"]) == ("scripted", 0.0)
    assert not {"tools", "functions"} & request.body.keys()


def test_a_server_without_keys_needs_none_and_a_given_key_is_sent() -> None:
    with openai_server(ANSWER) as server:
        generated(chat_model(server))
        generated(chat_model(server, api_key="sk-given"))
        keys = [request.headers["authorization"] for request in server.requests]
    assert keys == ["Bearer not-needed", "Bearer sk-given"]


def test_token_counts_are_reported() -> None:
    with openai_server(ANSWER) as server:
        _, draft = generated(chat_model(server))
    assert draft.usage == {"input_tokens": 321, "output_tokens": 12, "total_tokens": 333}


def test_thoughts_and_broken_characters_are_left_out() -> None:
    with openai_server(f"<think>The user wants\nleave.</think>\n\n{ANSWER}\ud800") as server:
        streamed, draft = generated(chat_model(server))
    assert (streamed, draft.text) == (ANSWER, ANSWER)


@pytest.mark.parametrize(
    "text",
    [
        REFUSAL_MARK,
        f"  {REFUSAL_MARK}.",
        f"**{REFUSAL_MARK}**",
        f"I looked in every passage. {REFUSAL_MARK}",
        f"{REFUSAL_MARK} because the passages speak of the VPN.",
    ],
)
def test_a_refusal_is_recognised_and_its_mark_never_shown(text: str) -> None:
    with openai_server(text) as server:
        streamed, draft = generated(chat_model(server))
    assert draft.refused
    assert REFUSAL_MARK not in streamed
    assert not streamed.endswith("NOT")


@pytest.mark.parametrize("text", ["NO", "NOT_IN", "N", "The answer is NOT_", "NOTHING [1]. NOT_IN_PASS [1]"])
def test_words_that_only_begin_like_the_mark_are_shown(text: str) -> None:
    with openai_server(text) as server:
        streamed, draft = generated(chat_model(server))
    assert (streamed, draft.text, draft.refused) == (text, text, False)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=500),
        Reply(status=401),
        Reply(status=429),
        Reply(text=""),
        Reply(text=" \n "),
        Reply(text=ANSWER, drop_after=3),
    ],
    ids=["500", "401", "429", "empty", "blank", "dropped mid-stream"],
)
def test_a_failing_server_is_said_in_one_sentence_without_its_details(reply: Reply) -> None:
    with openai_server(reply) as server, pytest.raises(GenerationFailed, match="openai:scripted") as failure:
        list(chat_model(server, api_key="sk-given").stream(ASKED))
    assert "secret detail" not in str(failure.value)
    assert "sk-given" not in str(failure.value)


@pytest.mark.parametrize(
    "reply",
    [Reply(silent=True), Reply(text=ANSWER * 100, delay_s=0.2, drip=True)],
    ids=["silent", "dripping"],
)
def test_an_answer_takes_no_longer_than_allowed(reply: Reply) -> None:
    with openai_server(reply) as server, pytest.raises(GenerationFailed, match="did not answer"):
        list(chat_model(server, timeout_s=2).stream(ASKED))
    assert len(server.requests) <= 1


def test_a_server_that_is_not_there_is_a_failed_generation() -> None:
    with openai_server(ANSWER) as server:
        generator = chat_model(server)
    with pytest.raises(GenerationFailed, match="Check that it runs"):
        list(generator.stream(ASKED))


@pytest.mark.parametrize("name", ["gpt-5-mini", ":gpt", "openai:", ""])
def test_a_name_without_provider_or_model_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest, match="expected extractive or provider:model"):
        open_chat_model(spec(name))


def test_a_missing_provider_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "langchain_anthropic", None)
    with pytest.raises(ModelUnavailable, match=r"footnote\[anthropic\]"):
        open_chat_model(spec("anthropic:claude", api_key="k"))


@pytest.mark.parametrize("name", ["openai:gpt-5-mini", "nonsense:model"])
def test_a_model_that_cannot_be_set_up_is_unavailable(name: str) -> None:
    with pytest.raises(ModelUnavailable, match="could not be set up"):
        open_chat_model(spec(name))
