"""Answers as chat completions, whole or in chunks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from api.plain_answers import written_out
from api.schemas.answers import AnswerBody
from api.schemas.openai import (
    ChatChunk,
    ChatCompletion,
    ChunkChoice,
    CompletionChoice,
    CompletionMessage,
    Delta,
    MessageFootnote,
    UsageBody,
)
from api.streamed_text import StreamedText
from rag.answering.events import AnswerEvent, DoneEvent
from rag.domain import Answer


@dataclass(frozen=True, kw_only=True, slots=True)
class Completion:
    """What a completion, and every chunk of it, says of itself.

    Attributes:
        created: seconds since 1970.
        model: the collection.
    """

    id: str
    created: int
    model: str

    def whole(self, answer: Answer, *, markers: bool) -> ChatCompletion:
        """The answer in one piece."""
        content = written_out(answer) if markers else answer.text
        message = CompletionMessage(content=content, footnote=MessageFootnote.of(answer))
        return ChatCompletion(
            id=self.id,
            created=self.created,
            model=self.model,
            choices=[CompletionChoice(message=message)],
            usage=UsageBody.of(answer),
            footnote=AnswerBody.of(answer),
        )

    async def chunks(
        self, events: AsyncIterator[tuple[int, AnswerEvent]], text: StreamedText, *, include_usage: bool
    ) -> AsyncIterator[ChatChunk]:
        """The answer as it comes about; the chunk that ends it carries the whole answer."""
        yield self._chunk(Delta(role="assistant", content=""))
        async for _, event in events:
            piece = text.piece(event)
            if piece:
                yield self._chunk(Delta(content=piece))
            if isinstance(event, DoneEvent):
                yield self._last_chunk(event.answer)
                if include_usage:
                    yield self._usage_chunk(event.answer)

    def _chunk(self, delta: Delta) -> ChatChunk:
        choices = [ChunkChoice(delta=delta)]
        return ChatChunk(id=self.id, created=self.created, model=self.model, choices=choices)

    def _last_chunk(self, answer: Answer) -> ChatChunk:
        delta = Delta(footnote=MessageFootnote.of(answer))
        return ChatChunk(
            id=self.id,
            created=self.created,
            model=self.model,
            choices=[ChunkChoice(delta=delta, finish_reason="stop")],
            footnote=AnswerBody.of(answer),
        )

    def _usage_chunk(self, answer: Answer) -> ChatChunk:
        usage = UsageBody.of(answer)
        return ChatChunk(id=self.id, created=self.created, model=self.model, choices=[], usage=usage)
