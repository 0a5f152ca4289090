"""Any LangChain chat model, or any OpenAI-compatible server, behind the :class:`Generator` interface."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Generator as TypedGenerator
from collections.abc import Iterator
from contextlib import closing

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, HumanMessage, SystemMessage
from tenacity import RetryCallState, Retrying, retry_if_exception
from tenacity.stop import stop_after_attempt, stop_before_delay
from tenacity.wait import wait_random_exponential

from rag.cancellation import Cancellation
from rag.domain import Draft, GeneratorItem, Prompt, Restart
from rag.errors import GenerationCancelled, GenerationFailed
from rag.llm.circuit_breaker import CircuitBreaker
from rag.llm.provider_errors import (
    BROKEN_OFF,
    EMPTY,
    TOO_SLOW,
    Fault,
    described,
    fault_of,
    retry_after_s,
)
from rag.llm.providers import build_chat_model
from rag.llm.pump import stream_chunks
from rag.llm.spec import LlmSpec
from rag.llm.thoughts import ThoughtFilter
from rag.prompting.building import REFUSAL_MARK

log = logging.getLogger(__name__)

_BACKOFF = wait_random_exponential(multiplier=0.5, max=8.0)
"""Seconds between attempts, with full jitter: anywhere between none and a window that doubles."""


_TELL_THEIR_END = {
    "BaseChatOpenAI",
    "ChatAnthropic",
    "ChatCohere",
    "ChatGoogleGenerativeAI",
    "ChatMistralAI",
    "ChatOllama",
}
"""Classes whose last piece says why it ends; without it the connection was cut. Others raise an error."""
_REASONS = ("finish_reason", "stop_reason", "done_reason")


class _AttemptFailed(Exception):
    """One attempt's end: what it means, and when the provider wants to be asked again."""

    def __init__(self, fault: Fault, retry_after_s: float | None = None) -> None:
        super().__init__(fault.reason)
        self.fault = fault
        self.retry_after_s = retry_after_s


class ChatModelGenerator:
    """Streams a chat model's answer.

    Args:
        spec: its name, and the seconds that the whole answer may take, with all attempts.
        attempts: how often it is asked at most, while nothing of an answer has come.
        breaker: shared with other generators of the same model; it says when not to ask at all.
    """

    def __init__(
        self, spec: LlmSpec, model: BaseChatModel, *, attempts: int = 1, breaker: CircuitBreaker | None = None
    ) -> None:
        self._spec = spec
        self._model = model
        self._attempts = attempts
        self._breaker = breaker or CircuitBreaker(spec.name)
        self._tells_its_end = any(kind.__name__ in _TELL_THEIR_END for kind in type(model).__mro__)

    @property
    def name(self) -> str:
        """As configured: a name of ``llms``, or ``provider:model``."""
        return self._spec.name

    def stream(self, prompt: Prompt, *, cancellation: Cancellation | None = None) -> Iterator[GeneratorItem]:
        """The model's words as they come, then the whole draft; of a refusal its mark is never shown.

        Raises:
            GenerationFailed: the provider did not answer, not in time, or with nothing.
            GenerationCancelled: at once, when cancelled.
        """
        cancellation = cancellation or Cancellation()
        deadline = time.monotonic() + self._spec.timeout_s
        try:
            with self._breaker.call(counts=_is_outage) as succeeded:
                for item in self._answered(prompt, deadline, cancellation):
                    if isinstance(item, Draft):
                        succeeded()  # before it is given out: nobody needs to ask for more
                    yield item
        except _AttemptFailed as failed:
            raise GenerationFailed(
                f"The language model {self.name} did not answer: {failed.fault.reason}. {failed.fault.advice}"
            ) from None  # the provider's own words are in the log, without secrets

    def _answered(
        self, prompt: Prompt, deadline: float, cancellation: Cancellation
    ) -> Iterator[GeneratorItem]:
        """The items of the first attempt that gives any."""

        def begin() -> Iterator[GeneratorItem]:
            items = self._attempt(prompt, deadline, cancellation)
            return _resumed(next(items), items)

        retrying = Retrying(
            retry=retry_if_exception(lambda exc: isinstance(exc, _AttemptFailed) and exc.fault.passes),
            stop=stop_after_attempt(self._attempts) | stop_before_delay(self._spec.timeout_s),
            wait=_pause,
            sleep=lambda seconds: _rest(seconds, cancellation),
            reraise=True,
        )
        yield from retrying(begin)

    def _attempt(
        self, prompt: Prompt, deadline: float, cancellation: Cancellation
    ) -> TypedGenerator[GeneratorItem, None, None]:
        answer = _Showing(self.name)
        usage: Counter[str] = Counter()
        for chunk in self._chunks(prompt, deadline, cancellation):
            counts = (chunk.usage_metadata or {}).items()
            usage.update({key: count for key, count in counts if isinstance(count, int)})
            yield from answer.feed(_storable(str(chunk.text)))
        yield from answer.finish()
        if not answer.text:
            raise _AttemptFailed(EMPTY)
        yield Draft(text=answer.text, llm=self.name, refused=answer.refuses, usage=dict(usage) or None)

    def _chunks(
        self, prompt: Prompt, deadline: float, cancellation: Cancellation
    ) -> Iterator[AIMessageChunk]:
        """What the provider sends; its errors become ours."""
        messages = [SystemMessage(prompt.system), HumanMessage(prompt.user)]
        finished = not self._tells_its_end  # without the last piece's reason the connection was cut
        chunks = stream_chunks(self._model, messages, deadline=deadline, cancellation=cancellation)
        try:
            for chunk in chunks:
                finished = finished or _tells_its_end(chunk)
                yield chunk
        except GenerationCancelled:
            raise
        except Exception as exc:  # noqa: BLE001  # every provider's client has its own exceptions
            is_late = time.monotonic() >= deadline
            log.warning("%s: %s", self.name, "time is up" if is_late else described(exc, self._secrets()))
            fault = TOO_SLOW if is_late else fault_of(exc)
            raise _AttemptFailed(fault, retry_after_s(exc)) from None
        if not finished:
            raise _AttemptFailed(BROKEN_OFF)

    def _secrets(self) -> list[str]:
        options = (value for value in self._spec.options.values() if isinstance(value, str))
        return [self._spec.api_key or "", *options]


def _tells_its_end(chunk: AIMessageChunk) -> bool:
    """Whether it says why the answer ends."""
    said = chunk.response_metadata
    blocked = (said.get("prompt_feedback") or {}).get("block_reason")
    finished = any(said.get(name) for name in _REASONS) or said.get("status") in {"completed", "incomplete"}
    return bool(finished or blocked)


class _Showing:
    """Takes a model's text in pieces and gives out what may be shown of it.

    Attributes:
        text: the answer so far, without thoughts.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._thoughts = ThoughtFilter()
        self._shown = 0
        self.text = ""

    @property
    def refuses(self) -> bool:
        """Whether the refusal mark stands in it."""
        return REFUSAL_MARK in self.text

    def feed(self, piece: str) -> Iterator[GeneratorItem]:
        passed = self._thoughts.feed(piece)
        if self._thoughts.void:
            if self._shown:
                yield Restart(llm=self._name)
            self.text, self._shown = "", 0
        self.text += passed if self.text else passed.lstrip()
        yield from self._show(_showable(self.text))

    def finish(self) -> Iterator[GeneratorItem]:
        self.text = (self.text + self._thoughts.finish()).strip()
        if not self.refuses:
            yield from self._show(len(self.text))

    def _show(self, end: int) -> Iterator[str]:
        if end > self._shown:
            yield self.text[self._shown : end]
            self._shown = end


def _resumed(
    first: GeneratorItem, rest: TypedGenerator[GeneratorItem, None, None]
) -> Iterator[GeneratorItem]:
    with closing(rest):
        yield first
        yield from rest


def _showable(text: str) -> int:
    """Length of ``text`` without white space at its end, the refusal mark, or what may still become it."""
    place = text.find(REFUSAL_MARK)
    if place < 0:
        longest = min(len(REFUSAL_MARK) - 1, len(text))
        held = next((size for size in range(longest, 0, -1) if text.endswith(REFUSAL_MARK[:size])), 0)
        place = len(text) - held
    return len(text[:place].rstrip())


def _storable(text: str) -> str:
    """Without half surrogates, which no database and no response takes."""
    return text.encode(errors="ignore").decode()


def _is_outage(error: BaseException) -> bool:
    return isinstance(error, _AttemptFailed) and error.fault.is_outage


def _pause(state: RetryCallState) -> float:
    """Seconds until the next attempt; where the provider says when, not before that."""
    assert state.outcome is not None
    failed = state.outcome.exception()
    asked = failed.retry_after_s if isinstance(failed, _AttemptFailed) else None
    return (asked or 0.0) + _BACKOFF(state)


def _rest(seconds: float, cancellation: Cancellation) -> None:
    over = threading.Event()
    with cancellation.calling(over.set):
        over.wait(min(seconds, threading.TIMEOUT_MAX))
    if cancellation.is_cancelled:
        raise GenerationCancelled("The answer was given up: whoever asked no longer waits for it.")


def open_chat_model(
    spec: LlmSpec, *, attempts: int = 1, breaker: CircuitBreaker | None = None
) -> ChatModelGenerator:
    """The chat model of ``spec``, ready to be asked; nothing is contacted yet.

    Raises:
        InvalidRequest: the model's name has no provider.
        ModelUnavailable: the provider's package is missing, or its key.
    """
    return ChatModelGenerator(spec, build_chat_model(spec), attempts=attempts, breaker=breaker)
