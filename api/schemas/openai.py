"""The OpenAI dialect's JSON: what of a chat request is read, what is refused, and completions.

Requests are read as leniently as clients write them: what Footnote has no use for (``temperature``, ``user``,
``tools`` …) is ignored. What a client would rely on, and cannot have, is an error that names the field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from api.plain_answers import without_footnotes
from api.schemas.answers import AnswerBody, CitationBody, filter_field
from api.schemas.base import MAX_BODY_BYTES, Body, RequestBody, optional
from rag.domain import Answer, AnswerStatus, Collection, GroundingPolicy, Turn

_TEXT_MEMBERS = {"text": "text", "input_text": "text", "output_text": "text", "refusal": "refusal"}
"""Kinds of message parts that are text, and the member that holds it."""

_UNREAD_ROLES = frozenset({"system", "developer"})
_Limit = tuple[Callable[[Any], bool], str]
_LIMITS: Mapping[str, _Limit] = {
    "n": (lambda value: value in (None, 1), "one answer is given, not several; leave n out"),
    "tool_choice": (
        lambda value: value in (None, "none", "auto"),
        "no tool is ever called here; leave tool_choice out",
    ),
    "response_format": (
        lambda value: value in (None, {"type": "text"}),
        "answers are sentences, not JSON; leave response_format out",
    ),
    "modalities": (lambda value: value in (None, ["text"]), "answers are text; leave modalities out"),
    "logprobs": (lambda value: not value, "tokens have no probabilities here; leave logprobs out"),
}
"""Field to whether its value can be honoured, and what is said if not."""


class LenientBody(BaseModel):
    """A request of somebody else's dialect: fields that are not known are ignored."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="ignore", frozen=True, str_max_length=MAX_BODY_BYTES
    )


class ChatMessage(LenientBody):
    """A message of the conversation."""

    role: str = Field(description="user and assistant are read; system and developer are not.")
    content: str | None = Field(default=None, description="Text, or a list of text parts.")

    @field_validator("content", mode="before")
    @classmethod
    def _joined(cls, content: Any) -> Any:
        return "\n".join(_part_text(part) for part in content) if isinstance(content, list) else content


def _part_text(part: Any) -> str:
    kind = part.get("type") if isinstance(part, dict) else None
    text = part.get(_TEXT_MEMBERS.get(str(kind), "")) if isinstance(part, dict) else None
    if not isinstance(text, str):
        raise PydanticCustomError(
            "not_text", "a part of type {kind} cannot be read; send text only", {"kind": repr(kind)[:50]}
        )
    return text


class StreamOptions(LenientBody):
    """What a streamed completion carries."""

    include_usage: bool | None = Field(default=None, description="Token counts in a last chunk.")


class FootnoteOptions(RequestBody):
    """Footnote's own part of a chat request: `extra_body={"footnote": {…}}` in the openai client."""

    k: int | None = Field(default=None, ge=1, le=50, description="Passages put before the generator.")
    filters: Any = filter_field()
    llm: str | None = Field(default=None, description="One of the LLMs this server offers, by name.")
    grounding_policy: GroundingPolicy | None = Field(
        default=None, description="What happens to unsupported sentences; unset: the server's setting."
    )
    markers: bool = Field(
        default=True, description="Write `[n]` behind sentences and the sources below; false: only the text."
    )


class ChatRequest(LenientBody):
    """A chat. Its last message is the question; the user's and assistant's before it are the context."""

    model: str | None = Field(
        default=None, description="The collection to ask; unset: the default one.", examples=["default"]
    )
    messages: Sequence[ChatMessage] = Field(
        min_length=1, examples=[[{"role": "user", "content": "How many days off?"}]]
    )
    stream: bool | None = Field(default=None, description="Answer in chunks, as server-sent events.")
    stream_options: StreamOptions | None = None
    n: int | None = Field(default=None, description="1 at most.")
    tool_choice: Any = Field(default=None, description="none or auto: no tool is called.")
    response_format: Any = Field(default=None, description="text only.")
    modalities: Any = Field(default=None, description="text only.")
    logprobs: bool | None = Field(default=None, description="false only.")
    footnote: FootnoteOptions = FootnoteOptions()

    @field_validator(*_LIMITS, mode="before")
    @classmethod
    def _can_be_honoured(cls, value: Any, info: ValidationInfo) -> Any:
        can_be, said = _LIMITS[str(info.field_name)]
        if not can_be(value):
            raise PydanticCustomError("not_offered", said)
        return value

    @field_validator("messages")
    @classmethod
    def _ends_with_a_question(cls, messages: Sequence[ChatMessage]) -> Sequence[ChatMessage]:
        roles = [message.role for message in messages if message.role not in _UNREAD_ROLES]
        if not roles or roles[-1] != "user":
            raise PydanticCustomError("no_question", "the last one must be the user's question")
        return messages

    @property
    def include_usage(self) -> bool:
        """Whether a streamed completion ends with token counts."""
        return bool(self.stream_options and self.stream_options.include_usage)

    @property
    def question(self) -> str:
        """The user's last message."""
        return next(message.content or "" for message in reversed(self.messages) if message.role == "user")

    @property
    def history(self) -> tuple[Turn, ...]:
        """What was said before the question, oldest first, without the footnotes Footnote wrote below it."""
        turns: list[Turn] = []
        for message in self.messages:
            if message.role == "user":
                turns.append(Turn(question=message.content or ""))
            elif message.role == "assistant" and turns:
                answer = without_footnotes(message.content or "")
                turns[-1] = Turn(question=turns[-1].question, answer=answer)
        return tuple(turns[:-1])


class ModelBody(Body):
    """A collection, as a model that can be asked."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "footnote"

    @classmethod
    def of(cls, collection: Collection) -> ModelBody:
        """The JSON of a collection."""
        return cls(id=collection.name, created=int(collection.created_at.timestamp()))


class ModelsBody(Body):
    """The collections that can be asked."""

    object: Literal["list"] = "list"
    data: Sequence[ModelBody]


class UsageBody(Body):
    """Tokens that a language model has read and written; 0 where none was asked."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int

    @classmethod
    def of(cls, answer: Answer) -> UsageBody:
        """The counts of an answer, where its provider gave any."""
        usage = answer.usage or {}
        read, wrote = usage.get("input_tokens", 0), usage.get("output_tokens", 0)
        return cls(prompt_tokens=read, completion_tokens=wrote, total_tokens=read + wrote)


class MessageFootnote(Body):
    """What a message rests on; `[n]` in its text is citation `n`."""

    status: AnswerStatus
    reason: str | None = optional("Why the question was refused, or the answer could not be checked.")
    citations: Sequence[CitationBody]

    @classmethod
    def of(cls, answer: Answer) -> MessageFootnote:
        """The JSON of an answer's status and citations."""
        citations = [CitationBody.of(citation) for citation in answer.citations]
        return cls(status=answer.status, reason=answer.reason, citations=citations)


class CompletionMessage(Body):
    """The assistant's message."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None
    footnote: MessageFootnote


class CompletionChoice(Body):
    """The one choice; a refused question is answered with the reason, and ends like any other."""

    index: int = 0
    message: CompletionMessage
    logprobs: None = None
    finish_reason: Literal["stop"] = "stop"


class ChatCompletion(Body):
    """A checked answer as a chat completion."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: Sequence[CompletionChoice]
    usage: UsageBody
    footnote: AnswerBody = Field(description="The answer, as POST /v1/ask gives it.")


class Delta(Body):
    """What a chunk adds to the message."""

    role: Literal["assistant"] | None = optional("In the first chunk.")
    content: str | None = optional("The next piece of the text.")
    footnote: MessageFootnote | None = optional("In the last chunk.")


class ChunkChoice(Body):
    """The one choice of a chunk."""

    index: int = 0
    delta: Delta
    logprobs: None = None
    finish_reason: Literal["stop"] | None = None


class ChatChunk(Body):
    """A piece of a streamed completion."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: Sequence[ChunkChoice]
    usage: UsageBody | None = optional("In a chunk of its own at the end, if it was asked for.")
    footnote: AnswerBody | None = optional("In the chunk that ends the answer: as POST /v1/ask gives it.")
