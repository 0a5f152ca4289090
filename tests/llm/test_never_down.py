"""A language model that fails is tried again, then left alone, and others answer in its place."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from rag.answering.evidence import SentenceScorer
from rag.answering.extractive import ExtractiveGenerator
from rag.cancellation import Cancellation
from rag.domain import Draft, GeneratorItem, Restart
from rag.errors import GenerationCancelled, GenerationFailed, ModelUnavailable
from rag.llm import chat_model
from rag.llm.chat_model import open_chat_model
from rag.llm.circuit_breaker import BreakerState, CircuitBreaker
from rag.llm.fallback import FallbackGenerator
from rag.llm.spec import LlmSpec
from tests.fakes import HashedEmbedder, ScriptedGenerator
from tests.openai_server import OpenAIServer, Reply, openai_server
from tests.passages import LEAVE, passage, prompt
from tests.patience import FOREVER_S, LONG_S, Clock

KEY = "sk-s3cret-9"
ANSWER = "You have twenty-five days a year [1]."
ASKED = prompt("How many days of annual leave do I have?", passage(LEAVE))


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_model, "_BACKOFF", lambda _: 0.0)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds between attempts, which are noted and not waited for."""
    noted: list[float] = []
    monkeypatch.setattr(chat_model, "_rest", lambda seconds, _: noted.append(seconds))
    return noted


def llm(server: OpenAIServer, *, name: str = "fast", attempts: int = 3, **parts: Any) -> Any:
    fields: dict[str, Any] = {"timeout_s": LONG_S, "max_tokens": 100, "base_url": server.base_url}
    given = {key: parts.pop(key) for key in [*parts] if key in LlmSpec.__dataclass_fields__}
    spec = LlmSpec(name=name, model="openai:scripted", **(fields | given))
    return open_chat_model(spec, attempts=attempts, **parts)


def extractive() -> ExtractiveGenerator:
    return ExtractiveGenerator(SentenceScorer(HashedEmbedder()))


def draft_of(items: Iterator[GeneratorItem]) -> Draft:
    *_, draft = items
    assert isinstance(draft, Draft)
    return draft


# ------------------------------------------------------------------------------------ trying again


@pytest.mark.parametrize(
    "reply",
    [*(Reply(status=status) for status in (408, 409, 429, 500, 502, 503, 529)), Reply(reset=True)],
    ids=lambda reply: f"{reply.status}" if reply.status != 200 else "reset",
)
def test_a_passing_failure_is_tried_again(reply: Reply) -> None:
    with openai_server(reply, reply, ANSWER) as server:
        assert draft_of(llm(server).stream(ASKED)).text == ANSWER
        assert len(server.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_a_refusal_of_the_request_is_not(status: int) -> None:
    with openai_server(Reply(status=status), ANSWER) as server, pytest.raises(GenerationFailed):
        draft_of(llm(server).stream(ASKED))
    assert len(server.requests) == 1


def test_it_is_tried_so_often_and_no_more() -> None:
    with (
        openai_server(Reply(status=503)) as server,
        pytest.raises(GenerationFailed, match="its server failed"),
    ):
        draft_of(llm(server, attempts=4).stream(ASKED))
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    ("retry_after", "pause"),
    [("7", 7), (format_datetime(datetime.now(UTC) + timedelta(hours=-1), usegmt=True), 0)],
    ids=["seconds", "a date"],
)
def test_the_provider_says_when_to_try_again(retry_after: str, pause: float, pauses: list[float]) -> None:
    with openai_server(Reply(status=429, retry_after=retry_after), ANSWER) as server:
        draft_of(llm(server).stream(ASKED))
    assert pauses == [pause]


def test_a_time_beyond_the_deadline_is_not_waited_for(pauses: list[float]) -> None:
    with (
        openai_server(Reply(status=429, retry_after="600"), ANSWER) as server,
        pytest.raises(GenerationFailed, match="overloaded"),
    ):
        draft_of(llm(server).stream(ASKED))
    assert pauses == []


def test_all_attempts_share_one_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_model, "_BACKOFF", lambda _: 0.8)
    with openai_server(Reply(status=503)) as server, pytest.raises(GenerationFailed):
        draft_of(llm(server, timeout_s=2, attempts=10).stream(ASKED))
    assert len(server.requests) <= 3  # at 0, 0.8 and 1.6 seconds at the earliest


def test_a_pause_between_attempts_can_be_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    cancellation, pausing = Cancellation(), threading.Event()
    rest = chat_model._rest

    def noted(seconds: float, given: Cancellation) -> None:
        pausing.set()
        rest(seconds, given)

    monkeypatch.setattr(chat_model, "_rest", noted)
    with openai_server(Reply(status=429, retry_after=f"{FOREVER_S:.0f}")) as server:
        items = llm(server, timeout_s=2 * FOREVER_S).stream(ASKED, cancellation=cancellation)
        cancelling = threading.Thread(target=lambda: pausing.wait(LONG_S) and cancellation.cancel())
        cancelling.start()
        with pytest.raises(GenerationCancelled):
            draft_of(items)
        cancelling.join()
    assert len(server.requests) == 1


def test_what_was_shown_is_not_tried_again() -> None:
    with openai_server(Reply(text=ANSWER, drop_after=3), ANSWER) as server:
        items = llm(server).stream(ASKED)
        assert next(items) == "You"
        with pytest.raises(GenerationFailed, match="broke off"):
            list(items)
    assert len(server.requests) == 1


def test_thoughts_are_not_shown_so_they_may_be_thought_again() -> None:
    replies = (Reply(text=f"<think>Let me see.</think>{ANSWER}", drop_after=3), f"<think>Hm.</think>{ANSWER}")
    with openai_server(*replies) as server:
        *pieces, draft = llm(server).stream(ASKED)
    assert ("".join(pieces), draft.text) == (ANSWER, ANSWER)
    assert len(server.requests) == 2


# --------------------------------------------------------------------------------- circuit breaker


def test_after_failures_in_a_row_a_model_is_left_alone_for_a_while() -> None:
    clock = Clock()
    breaker = CircuitBreaker("fast", failures=2, rest_s=30, clock=clock)
    with openai_server(Reply(status=401), Reply(status=401), Reply(status=401), ANSWER) as server:
        generator = llm(server, breaker=breaker)
        for _ in range(2):
            with pytest.raises(GenerationFailed, match="refused the key"):
                draft_of(generator.stream(ASKED))
        assert breaker.state is BreakerState.OPEN
        with pytest.raises(GenerationFailed, match=r"fast is left alone after 2 failures in a row.*in 30 s"):
            draft_of(generator.stream(ASKED))
        assert len(server.requests) == 2

        clock.now = 30
        assert breaker.state is BreakerState.HALF_OPEN
        with pytest.raises(GenerationFailed, match="refused the key"):
            draft_of(generator.stream(ASKED))
        assert breaker.state is BreakerState.OPEN

        clock.now = 60
        assert draft_of(generator.stream(ASKED)).text == ANSWER
        assert breaker.state is BreakerState.CLOSED


def test_one_question_at_a_time_tries() -> None:
    clock = Clock()
    breaker = CircuitBreaker("fast", failures=1, rest_s=30, clock=clock)
    with openai_server(Reply(status=401), Reply(text=ANSWER, hang_after=2), ANSWER) as server:
        generator = llm(server, breaker=breaker)
        with pytest.raises(GenerationFailed):
            draft_of(generator.stream(ASKED))
        clock.now = 31
        trying = generator.stream(ASKED)
        next(trying)
        with pytest.raises(GenerationFailed, match="another question"):
            draft_of(generator.stream(ASKED))
        trying.close()  # whoever asked went away: the next one may try
        assert draft_of(generator.stream(ASKED)).text == ANSWER
    assert breaker.state is BreakerState.CLOSED


def test_a_reader_who_stops_at_the_draft_has_closed_it_too() -> None:
    breaker = CircuitBreaker("fast", failures=2, rest_s=30)
    with openai_server(Reply(status=401), ANSWER, Reply(status=401)) as server:
        generator = llm(server, breaker=breaker)
        with pytest.raises(GenerationFailed):
            draft_of(generator.stream(ASKED))
        kept = generator.stream(ASKED)
        while not isinstance(next(kept), Draft):
            pass
        with pytest.raises(GenerationFailed):
            draft_of(generator.stream(ASKED))
    assert breaker.state is BreakerState.CLOSED


@pytest.mark.parametrize("reply", [Reply(status=400), Reply(text=" ")], ids=["400", "empty"])
def test_what_is_the_question_s_fault_is_not_counted(reply: Reply) -> None:
    breaker = CircuitBreaker("fast", failures=1, rest_s=30)
    with openai_server(reply) as server, pytest.raises(GenerationFailed):
        draft_of(llm(server, breaker=breaker).stream(ASKED))
    assert breaker.state is BreakerState.CLOSED


# --------------------------------------------------------------------------------------- fallbacks


def test_another_model_answers_in_place_of_a_dead_one_and_the_draft_says_so() -> None:
    with openai_server(Reply(status=503)) as dead, openai_server(ANSWER) as spare:
        chain = FallbackGenerator([llm(dead), llm(spare, name="spare"), extractive()])
        draft = draft_of(chain.stream(ASKED))
    assert (draft.text, draft.llm, draft.failed) == (ANSWER, "spare", ("fast",))
    assert chain.name == "fast"


def test_when_none_answers_the_passages_own_sentences_do() -> None:
    with openai_server(Reply(status=401)) as server:
        chain = FallbackGenerator([llm(server), llm(server, name="spare"), extractive()])
        *pieces, draft = chain.stream(ASKED)
    assert draft.text == "".join(pieces)
    assert "twenty-five days a year. [1]" in draft.text
    assert (draft.llm, draft.failed) == ("extractive", ("fast", "spare"))


def test_what_a_broken_off_answer_showed_is_taken_back() -> None:
    with openai_server(Reply(text="You have ninety days [1].", drop_after=4)) as server:
        items = list(FallbackGenerator([llm(server), extractive()]).stream(ASKED))
    restart = items.index(Restart(llm="extractive"))
    before, after = items[:restart], items[restart + 1 : -1]
    assert "".join(map(str, before)) == "You have ninety"
    assert "".join(map(str, after)) == draft_of(iter(items)).text


def test_nothing_is_taken_back_where_nothing_was_shown() -> None:
    with openai_server(Reply(status=401)) as server:
        items = list(FallbackGenerator([llm(server), extractive()]).stream(ASKED))
    assert [item for item in items if isinstance(item, Restart)] == []


def test_without_the_last_resort_the_last_one_s_failure_is_said() -> None:
    with openai_server(Reply(status=401)) as server, pytest.raises(GenerationFailed, match=r"spare.*the key"):
        draft_of(FallbackGenerator([llm(server), llm(server, name="spare")]).stream(ASKED))


def test_nobody_else_is_asked_once_it_is_cancelled() -> None:
    cancellation = Cancellation()
    spare = ScriptedGenerator(ANSWER)
    with openai_server(Reply(text=ANSWER, hang_after=2)) as server:
        items = FallbackGenerator([llm(server), spare]).stream(ASKED, cancellation=cancellation)
        next(items)
        cancellation.cancel()
        with pytest.raises(GenerationCancelled):
            list(items)
    assert spare.prompts == []


# ----------------------------------------------------------------------------------------- secrets


@pytest.mark.parametrize("status", [401, 404, 500])
def test_neither_error_nor_log_holds_a_secret(status: int, caplog: pytest.LogCaptureFixture) -> None:
    with openai_server(
        Reply(status=status, text="Wrong key sk-s3cret-9 at http://me:s3cret@host/?key=s3cret")
    ) as server:
        generator = llm(server, api_key=KEY, options={"organization": "org-s3cret"}, attempts=1)
        with pytest.raises(GenerationFailed) as failure:
            draft_of(FallbackGenerator([generator]).stream(ASKED))
    assert "Wrong key" in caplog.text  # the operator sees what the provider said
    assert "Wrong key" not in str(failure.value)
    assert "s3cret" not in caplog.text
    assert server.base_url not in str(failure.value)
    assert failure.value.__cause__ is None  # a log of the error must not print the provider's own


def test_a_complaint_about_options_names_them_without_their_values() -> None:
    spec = LlmSpec(
        name="fast", model="google_genai:g", api_key=KEY, timeout_s=1, max_tokens=1, options={"toekn": KEY}
    )
    with pytest.raises(ModelUnavailable, match="does not take the given toekn") as refused:
        open_chat_model(spec)
    assert KEY not in "".join(traceback.format_exception(refused.value))
