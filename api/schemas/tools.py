"""Arguments and results of the tools at /mcp, described for the language models that call them."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from api.schemas.answers import SearchRequest, filter_field
from api.schemas.base import Body, RequestBody, optional
from rag.domain import DocumentText, GroundingPolicy, StoredChunk

MOST_CHARACTERS = 20_000
"""Longest text that one call of `get_passage` gives."""


class AskArguments(RequestBody):
    """A question about one collection."""

    question: str = Field(
        description="A question in plain words that stands alone, at most 4,000 characters."
    )
    collection: str | None = Field(default=None, description="Collection to ask; unset: the default one.")
    k: int | None = Field(default=None, ge=1, le=50, description="Passages the answer may draw from.")
    filters: Any = filter_field()
    llm: str | None = Field(default=None, description="One of the LLMs this server offers, by name.")
    grounding_policy: GroundingPolicy | None = Field(
        default=None, description="What happens to unsupported sentences; unset: the server's setting."
    )


class SearchArguments(SearchRequest):
    """A search in one collection."""

    distinct: bool = Field(default=True, description="Show no text twice and no document alone.")


class PassageArguments(RequestBody):
    """A passage by its chunk, or any stretch of a document by its offsets."""

    chunk_id: str | None = Field(default=None, description="As found by `search` or in an answer's passages.")
    document_id: str | None = Field(
        default=None, description="Instead of chunk_id, with start and end: a citation's, or any stretch."
    )
    version: int | None = Field(default=None, ge=1, description="Of the document; unset: the current one.")
    start: int | None = Field(default=None, ge=0, description="Offset of the first character.")
    end: int | None = Field(
        default=None, ge=1, description=f"Offset behind the last, at most {MOST_CHARACTERS:,} after start."
    )

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        stretch = (self.document_id, self.start, self.end)
        by_stretch = all(part is not None for part in stretch)
        if (self.chunk_id is not None) == by_stretch or (not by_stretch and any(map(_is_given, stretch))):
            raise PydanticCustomError("no_passage", "give either chunk_id, or document_id with start and end")
        if (
            self.start is not None
            and self.end is not None
            and not 0 < self.end - self.start <= MOST_CHARACTERS
        ):
            raise PydanticCustomError(
                "no_stretch",
                "end must lie behind start, by {most} characters at most",
                {"most": f"{MOST_CHARACTERS:,}"},
            )
        return self


def _is_given(value: object) -> bool:
    return value is not None


class PassageTextBody(Body):
    """A stretch of a document; `start` and `end` are offsets into the text of that version."""

    chunk_id: str | None = optional("Where it is a chunk.")
    document_id: str
    version: int
    title: str
    source_uri: str
    page: int | None = optional("1-based page of its first character, where the format has pages.")
    heading: str | None = optional("Heading path, outermost first, where it is a chunk.")
    start: int
    end: int
    text: str

    @classmethod
    def of_chunk(cls, chunk: StoredChunk) -> PassageTextBody:
        """The JSON of a chunk."""
        return cls(
            chunk_id=str(chunk.id),
            document_id=chunk.document_id,
            version=chunk.version,
            title=chunk.title,
            source_uri=chunk.source_uri,
            page=chunk.page,
            heading=chunk.heading or None,
            start=chunk.start,
            end=chunk.end,
            text=chunk.text,
        )

    @classmethod
    def of_stretch(cls, document: DocumentText, start: int, end: int, page: int | None) -> PassageTextBody:
        """The JSON of a document's text from ``start`` to ``end``."""
        return cls(
            document_id=document.document_id,
            version=document.version,
            title=document.title,
            source_uri=document.source_uri,
            page=page,
            start=start,
            end=end,
            text=document.text[start:end],
        )
