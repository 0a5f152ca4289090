"""The OpenAI dialect, through the official client and LangChain's ChatOpenAI."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from tests.api.conftest import QUESTION, Server, leaving
from tests.openai_server import OpenAIServer, Reply, openai_server
from tests.patience import FOREVER_S, LONG_S, wait_for

pytestmark = pytest.mark.slow

UNKNOWN = "Which spacecraft photographed Neptune's rings?"
WRITTEN = (
    "Every employee has 27 days of annual leave per year [1]. "
    "Up to five days of annual leave may be carried over until 31 March [1]."
)


@pytest.fixture(scope="module")
def client(shared_server: Server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{shared_server.url}/v1", api_key="any", max_retries=0) as client:
        yield client


def asked(question: str = QUESTION) -> Any:
    return [{"role": "user", "content": question}]


def footnote_of(holder: Any) -> dict[str, Any]:
    """The extension field, as the client hands it on."""
    found: dict[str, Any] = holder.footnote
    return found


def test_an_answer_is_a_completion_with_numbered_sources(client: openai.OpenAI) -> None:
    completion = client.chat.completions.create(model="default", messages=asked())

    choice = completion.choices[0]
    assert choice.finish_reason == "stop"
    assert choice.message.role == "assistant"
    assert "27 days of annual leave per year. [1]" in (choice.message.content or "")
    assert "Sources:\n- [1] Annual leave (handbook/leave.md)" in (choice.message.content or "")
    assert completion.model == "default"
    assert completion.usage is not None
    assert completion.usage.total_tokens == 0  # the extractive answerer spends none


def test_the_whole_answer_is_beside_it(client: openai.OpenAI) -> None:
    completion = client.chat.completions.create(model="default", messages=asked())

    answer = footnote_of(completion)
    assert answer["status"] == "answered"
    assert {"answer_id", "sentences", "citations", "passages", "grounding"} <= answer.keys()
    beside = footnote_of(completion.choices[0].message)
    assert beside == {"status": "answered", "citations": answer["citations"]}
    assert beside["citations"][0]["quote"] in "Every employee has 27 days of annual leave per year."


def test_a_streamed_answer_reads_the_same(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model="default", messages=asked())
    chunks = list(client.chat.completions.create(model="default", messages=asked(), stream=True))

    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == whole.choices[0].message.content
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert len({chunk.id for chunk in chunks}) == 1
    assert footnote_of(chunks[-1])["text"] == footnote_of(whole)["text"]
    assert footnote_of(chunks[-1].choices[0].delta) == footnote_of(whole.choices[0].message)


def test_the_async_client_streams_too(shared_server: Server) -> None:
    async def read() -> str:
        async with openai.AsyncOpenAI(base_url=f"{shared_server.url}/v1", api_key="any") as client:
            stream = await client.chat.completions.create(model="default", messages=asked(), stream=True)
            return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    assert "27 days" in asyncio.run(read())


def test_the_clients_own_stream_helper_puts_the_chunks_together(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(model="default", messages=asked()) as stream:
        completion = stream.get_final_completion()

    assert "27 days of annual leave per year. [1]" in (completion.choices[0].message.content or "")


def test_token_counts_come_last_when_asked_for(client: openai.OpenAI) -> None:
    options: Any = {"include_usage": True}
    stream = client.chat.completions.create(
        model="default", messages=asked(), stream=True, stream_options=options
    )
    chunks = list(stream)

    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 0
    assert all(chunk.usage is None for chunk in chunks[:-1])


@pytest.mark.parametrize("stream", [False, True])
def test_a_refusal_is_said_and_marked(client: openai.OpenAI, stream: bool) -> None:
    given: Any = client.chat.completions.create(model="default", messages=asked(UNKNOWN), stream=stream)
    chunks = list(given) if stream else []

    last = chunks[-1] if stream else given
    text = (
        "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        if stream
        else given.choices[0].message.content
    )
    assert footnote_of(last)["status"] == "refused"
    assert text.startswith(footnote_of(last)["reason"])
    assert last.choices[0].finish_reason == "stop"


def test_without_markers_the_text_is_the_answers_own(client: openai.OpenAI) -> None:
    extra = {"footnote": {"markers": False}}
    whole = client.chat.completions.create(model="default", messages=asked(), extra_body=extra)
    stream = client.chat.completions.create(model="default", messages=asked(), extra_body=extra, stream=True)

    assert whole.choices[0].message.content == footnote_of(whole)["text"]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == footnote_of(whole)["text"]


def test_footnotes_own_options_are_honoured(client: openai.OpenAI) -> None:
    extra = {"footnote": {"k": 1, "filters": {"language": "fr"}, "llm": "extractive"}}
    completion = client.chat.completions.create(
        model="default", messages=asked("Combien de temps dure le congé parental ?"), extra_body=extra
    )

    passages = footnote_of(completion)["passages"]
    assert [passage["language"] for passage in passages] == ["fr"]
    assert footnote_of(completion)["llm"] == "extractive"


def test_a_follow_up_is_understood_from_the_messages_before_it(client: openai.OpenAI) -> None:
    first = client.chat.completions.create(model="default", messages=asked())
    messages: Any = [
        {"role": "system", "content": "Answer like a pirate."},
        *asked(),
        {"role": "assistant", "content": first.choices[0].message.content},
        *asked("And how many of them may be carried over?"),
    ]
    completion = client.chat.completions.create(model="default", messages=messages)

    assert footnote_of(completion)["status"] == "answered"
    assert "annual leave" in footnote_of(completion)["standalone_question"]
    assert footnote_of(completion)["question"] == "And how many of them may be carried over?"


def test_what_is_of_no_use_here_is_ignored(client: openai.OpenAI) -> None:
    tools: Any = [{"type": "function", "function": {"name": "lookup", "parameters": {}}}]
    parts: Any = [{"role": "user", "content": [{"type": "text", "text": QUESTION}]}]
    completion = client.chat.completions.create(
        model="default",
        messages=parts,
        temperature=0.2,
        top_p=0.9,
        max_tokens=50,
        seed=1,
        user="somebody",
        tools=tools,
        tool_choice="auto",
        response_format={"type": "text"},
        n=1,
    )

    assert "27 days" in (completion.choices[0].message.content or "")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"logprobs": True}, "logprobs"),
        ({"extra_body": {"footnote": {"kay": 1}}}, "footnote.kay"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "assistant", "content": "Hello!"}]}, "messages"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
            "messages.0.content",
        ),
        ({"messages": asked("  ")}, "messages"),
        ({"extra_body": {"footnote": {"filters": {"colour": "red"}}}}, "footnote.filters"),
        ({"extra_body": {"footnote": {"llm": "openai:gpt-4o"}}}, None),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_cannot_be_had_is_a_clear_error(
    client: openai.OpenAI, fields: dict[str, Any], param: str | None, stream: bool
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(
            **{"model": "default", "messages": asked(), "stream": stream, **fields}
        )

    assert refused.value.param == param
    assert refused.value.type == "invalid_request_error"
    assert str(refused.value.code).startswith("invalid_")
    body: Any = refused.value.body
    assert body["message"]


@pytest.mark.parametrize("stream", [False, True])
def test_an_unknown_model_is_not_found(client: openai.OpenAI, stream: bool) -> None:
    with pytest.raises(openai.NotFoundError, match="gpt-4o") as missing:
        client.chat.completions.create(model="gpt-4o", messages=asked(), stream=stream)

    assert (missing.value.code, missing.value.param) == ("collection_not_found", "model")


def test_collections_are_listed_as_models(client: openai.OpenAI) -> None:
    models = client.models.list().data

    assert [model.id for model in models] == ["default"]
    assert client.models.retrieve("default") == models[0]
    assert models[0].created > 1_700_000_000
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-4o")


def test_a_body_that_is_no_json_is_answered_in_the_dialect(shared_server: Server) -> None:
    response = shared_server.client.post(
        "/v1/chat/completions", content=b"{", headers={"content-type": "application/json"}
    )

    assert response.status_code == 400
    assert response.json()["error"]["code"] == "invalid_request"


def test_the_servers_key_is_the_clients_api_key(serve: Callable[..., Server]) -> None:
    server = serve(filled=True, api_key=SecretStr("a-long-enough-key-for-tests"))
    url = f"{server.url}/v1"

    with (
        openai.OpenAI(base_url=url, api_key="another", max_retries=0) as stranger,
        pytest.raises(openai.AuthenticationError, match="server's key"),
    ):
        stranger.models.list()
    with openai.OpenAI(base_url=url, api_key="a-long-enough-key-for-tests") as client:
        assert client.models.list().data


def test_langchains_chat_model_asks_and_streams(shared_server: Server) -> None:
    llm = ChatOpenAI(base_url=f"{shared_server.url}/v1", api_key=SecretStr("any"), model="default")

    answer = llm.invoke(QUESTION)
    assert "27 days of annual leave per year. [1]" in str(answer.content)
    assert "".join(str(chunk.content) for chunk in llm.stream(QUESTION)) == answer.content
    assert asyncio.run(llm.ainvoke(QUESTION)).content == answer.content


@pytest.fixture
def llm() -> Iterator[OpenAIServer]:
    """A language model behind Footnote."""
    with openai_server(Reply(text=WRITTEN, delay_s=0.02, drip=True)) as server:
        yield server


@pytest.fixture
def writer(serve: Callable[..., Server], llm: OpenAIServer) -> Iterator[openai.OpenAI]:
    """A client of a Footnote whose answers that model writes."""
    server = serve(filled=True, llm="openai:scripted", llm_base_url=llm.base_url, llm_timeout_s=FOREVER_S)
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="any", max_retries=0) as client:
        yield client


def test_a_language_models_words_come_one_by_one_with_their_numbers(writer: openai.OpenAI) -> None:
    options: Any = {"include_usage": True}
    chunks = list(
        writer.chat.completions.create(model="default", messages=asked(), stream=True, stream_options=options)
    )

    pieces = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert len(pieces) > 20
    assert "".join(pieces).startswith(
        "Every employee has 27 days of annual leave per year. [1] Up to five days of annual leave may be "
        "carried over until 31 March. [2]"
    )
    marked = next(number for number, piece in enumerate(pieces) if piece.startswith(" [1]"))
    assert marked < len(pieces) - 5
    assert chunks[-1].usage is not None
    assert (chunks[-1].usage.prompt_tokens, chunks[-1].usage.completion_tokens) == (321, 12)


@pytest.mark.parametrize("policy", ["annotate", "drop", "regenerate", "refuse"])
def test_under_every_policy_the_stream_reads_like_the_whole(
    writer: openai.OpenAI, llm: OpenAIServer, policy: str
) -> None:
    llm.script[:] = [Reply(text=f"{WRITTEN} Penguins from Jupiter approve it on Mondays.", drip=True)]
    extra = {"footnote": {"grounding_policy": policy}}
    whole = writer.chat.completions.create(model="default", messages=asked(), extra_body=extra)
    stream = writer.chat.completions.create(model="default", messages=asked(), extra_body=extra, stream=True)

    content = whole.choices[0].message.content or ""
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == content
    assert ("Penguins" in content, "[?]" in content) == ((policy == "annotate",) * 2)


def test_the_callers_system_prompt_never_reaches_the_model(writer: openai.OpenAI, llm: OpenAIServer) -> None:
    messages: Any = [{"role": "system", "content": "Say zzyzx."}, *asked()]
    writer.chat.completions.create(model="default", messages=messages)

    assert llm.requests
    assert "zzyzx" not in str([request.body for request in llm.requests])


def test_what_was_said_before_reaches_the_model_without_its_footnotes(
    writer: openai.OpenAI, llm: OpenAIServer
) -> None:
    said = "Tickets are repaid. [1]\n\nSources:\n- [1] Travel expenses (handbook/expenses.md)"
    messages: Any = [
        *asked("When are second class tickets repaid?"),
        {"role": "assistant", "content": said},
        *asked(),
    ]
    writer.chat.completions.create(model="default", messages=messages)

    read = str(llm.requests[-1].body)
    assert "Tickets are repaid." in read
    assert "Tickets are repaid. [1]" not in read


def test_a_client_that_leaves_ends_the_models_work(writer: openai.OpenAI, llm: OpenAIServer) -> None:
    llm.script[:] = [Reply(text=WRITTEN, hang_after=9)]
    stream = writer.chat.completions.create(model="default", messages=asked(), stream=True)
    for chunk in stream:
        if chunk.choices[0].delta.content:
            break
    stream.close()

    assert llm.hung_up.wait(timeout=LONG_S)


def test_so_does_one_that_waits_for_the_whole_answer_no_longer(
    writer: openai.OpenAI, llm: OpenAIServer
) -> None:
    llm.script[:] = [Reply(text=WRITTEN, hang_after=9)]
    body = {"model": "default", "messages": asked()}
    with leaving(f"{writer.base_url}chat/completions", body):
        wait_for(lambda: llm.requests)

    assert llm.hung_up.wait(timeout=LONG_S)
