"""What `POST /v1/ground` takes: an answer from any system and the passages it was written from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from api.schemas.base import RequestBody
from rag.domain import Evidence

MAX_ANSWER = 100_000
MAX_PASSAGES = 1000
MAX_PASSAGES_LENGTH = 2_000_000
"""Characters of all passages together."""

_EXAMPLE = '[{"id": "p1", "text": "…"}]'


class GivenPassage(RequestBody):
    """A text the answer may rest on."""

    id: str | None = Field(default=None, description="Shown in the evidence; unset: its position, from 1.")
    text: str


class GroundRequest(RequestBody):
    """An answer from any system, to be checked against the passages it was written from."""

    answer: str = Field(
        max_length=MAX_ANSWER, description="The text to check.", json_schema_extra={"minLength": 1}
    )
    passages: Sequence[GivenPassage] = Field(
        max_length=MAX_PASSAGES,
        description=f"What it may rest on, {MAX_PASSAGES_LENGTH:,} characters in all at most. Without any, "
        "nothing that the answer asserts is supported.",
    )
    question: str | None = Field(default=None, description="The question it answers, where there is one.")
    checker: str | None = Field(
        default=None, description="Groundedness checker; unset: the server's setting."
    )

    @field_validator("answer")
    @classmethod
    def _says_something(cls, answer: str) -> str:
        if not answer.strip():
            raise PydanticCustomError("empty_answer", "it is empty; give the text of the answer to check")
        return answer

    @field_validator("passages", mode="before")
    @classmethod
    def _are_objects(cls, passages: Any) -> Any:
        if not isinstance(passages, list) or not all(isinstance(each, dict) for each in passages):
            raise PydanticCustomError(
                "not_passages",
                "give a list of objects with a text each, such as {example}",
                {"example": _EXAMPLE},
            )
        return passages

    @field_validator("passages")
    @classmethod
    def _are_short_enough(cls, passages: Sequence[GivenPassage]) -> Sequence[GivenPassage]:
        length = sum(len(passage.text) for passage in passages)
        if length > MAX_PASSAGES_LENGTH:
            raise PydanticCustomError(
                "too_long",
                "they hold {length} characters in all, more than {limit}; give only what the answer was "
                "written from",
                {"length": f"{length:,}", "limit": f"{MAX_PASSAGES_LENGTH:,}"},
            )
        return passages

    def evidence(self) -> list[Evidence]:
        """The passages, numbered from 1 where they have no id."""
        return [
            Evidence(id=passage.id or str(number), text=passage.text)
            for number, passage in enumerate(self.passages, start=1)
        ]
