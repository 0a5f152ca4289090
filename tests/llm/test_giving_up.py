"""A call to a language model can be given up at any moment, and none takes longer than allowed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from rag.cancellation import Cancellation
from rag.domain import GeneratorItem
from rag.errors import GenerationCancelled, GenerationFailed
from rag.interfaces import Generator
from rag.llm.chat_model import ChatModelGenerator, open_chat_model
from rag.llm.spec import LlmSpec
from tests.openai_server import OpenAIServer, Reply, openai_server
from tests.passages import LEAVE, passage, prompt
from tests.patience import FOREVER_S, LONG_S, wait_for

ASKED = prompt("How many days of annual leave do I have?", passage(LEAVE))
ANSWER = "You have twenty-five days a year [1]."


def spec(**fields: Any) -> LlmSpec:
    given: dict[str, Any] = {
        "name": "fast",
        "model": "openai:scripted",
        "timeout_s": FOREVER_S,
        "max_tokens": 100,
    }
    return LlmSpec(**(given | fields))


def chat_model(server: OpenAIServer, **fields: Any) -> Generator:
    return open_chat_model(spec(base_url=server.base_url, **fields), attempts=3)


class BlockingModel(BaseChatModel):
    """A model of a provider without asynchronous calls; it hangs until it is released."""

    released: Any
    closed: Any

    @property
    def _llm_type(self) -> str:
        return "blocking"

    def _generate(self, *_: Any, **__: Any) -> ChatResult:
        raise AssertionError("it is streamed")

    def _stream(self, messages: list[BaseMessage], *_: Any, **__: Any) -> Iterator[ChatGenerationChunk]:
        try:
            yield ChatGenerationChunk(message=AIMessageChunk("You have "))
            self.released.wait(LONG_S)
            yield ChatGenerationChunk(message=AIMessageChunk("twenty-five days [1]."))
        finally:
            self.closed.set()


class Asking(threading.Thread):
    """Reads a generator to its end, in a thread of its own."""

    def __init__(self, generator: Generator, cancellation: Cancellation | None = None) -> None:
        super().__init__()
        self._items = generator.stream(ASKED, cancellation=cancellation)
        self.first = threading.Event()
        self.items: list[GeneratorItem] = []
        self.ended_with: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            for item in self._items:
                self.items.append(item)
                self.first.set()
        except Exception as exc:  # noqa: BLE001  # looked at by the test
            self.ended_with = exc


@pytest.mark.parametrize("hang_after", [0, 2])
def test_a_cancelled_call_ends_and_the_server_sees_it(hang_after: int) -> None:
    with openai_server(Reply(text=ANSWER, hang_after=hang_after)) as server:
        cancellation = Cancellation()
        asking = Asking(chat_model(server), cancellation)
        if hang_after:
            assert asking.first.wait(LONG_S)
        else:
            wait_for(lambda: server.requests)
        cancellation.cancel()
        asking.join()
        assert server.hung_up.wait(LONG_S)
    assert isinstance(asking.ended_with, GenerationCancelled)


def test_what_was_cancelled_before_is_not_begun() -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    with openai_server(ANSWER) as server, pytest.raises(GenerationCancelled):
        list(chat_model(server).stream(ASKED, cancellation=cancellation))
    assert server.requests == []


def test_closing_the_stream_closes_the_connection() -> None:
    with openai_server(Reply(text=ANSWER, hang_after=2)) as server:
        items = chat_model(server).stream(ASKED)
        next(items)
        items.close()  # type: ignore[attr-defined]
        assert server.hung_up.wait(LONG_S)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(silent=True),
        Reply(text=ANSWER, hang_after=0),
        Reply(text=ANSWER, hang_after=2),
        Reply(text=ANSWER * 100, delay_s=0.1, drip=True),
    ],
    ids=["silent", "silent after the headers", "silent in mid-answer", "dripping"],
)
def test_the_deadline_holds_whatever_the_server_does(reply: Reply) -> None:
    with openai_server(reply) as server:
        asking = Asking(chat_model(server, timeout_s=2))
        asking.join()
    assert isinstance(asking.ended_with, GenerationFailed)
    assert "its time was up" in str(asking.ended_with)
    assert len(server.requests) <= 1


def test_the_first_words_are_passed_on_while_the_others_are_still_to_come() -> None:
    with openai_server(Reply(text=ANSWER, hang_after=1)) as server:
        items = chat_model(server).stream(ASKED)
        assert next(items) == "You"
        items.close()  # type: ignore[attr-defined]


def test_many_are_asked_at_the_same_time() -> None:
    with openai_server(Reply(text=ANSWER, hang_after=2)) as server:
        generator = chat_model(server)
        asked = [Asking(generator) for _ in range(8)]
        for asking in asked:
            assert asking.first.wait(LONG_S)  # each has begun, and none has ended
        server.may_go_on.set()
        for asking in asked:
            asking.join()
    assert {asking.items[-1].text for asking in asked} == {ANSWER}  # type: ignore[union-attr]


# ------------------------------------------------------------------- providers without async calls


@pytest.fixture
def blocking() -> Iterator[BlockingModel]:
    model = BlockingModel(released=threading.Event(), closed=threading.Event())
    yield model
    model.released.set()
    assert model.closed.wait(LONG_S)


def test_a_model_without_asynchronous_calls_answers_too(blocking: BlockingModel) -> None:
    blocking.released.set()
    *pieces, draft = ChatModelGenerator(spec(), blocking).stream(ASKED)
    assert "".join(map(str, pieces)) == draft.text == "You have twenty-five days [1]."  # type: ignore[union-attr]


def test_nobody_waits_for_it_once_it_is_cancelled(blocking: BlockingModel) -> None:
    cancellation = Cancellation()
    asking = Asking(ChatModelGenerator(spec(), blocking), cancellation)
    assert asking.first.wait(LONG_S)
    cancellation.cancel()
    asking.join()
    assert isinstance(asking.ended_with, GenerationCancelled)


def test_nor_beyond_the_deadline(blocking: BlockingModel) -> None:
    asking = Asking(ChatModelGenerator(spec(timeout_s=0.4), blocking))
    asking.join()
    assert isinstance(asking.ended_with, GenerationFailed)
