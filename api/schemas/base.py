"""What all JSON bodies share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Item = TypeVar("Item")
MAX_BODY_BYTES = 10 * 1024 * 1024
"""Longest body of a request that is not an upload."""


def absent(value: object) -> bool:
    """Whether an optional field is left out of the JSON."""
    return value is None


def optional(description: str) -> Any:
    """A field that is left out of the JSON when it has no value."""
    return Field(default=None, exclude_if=absent, description=description)


class RequestBody(BaseModel):
    """A request; an unknown field is an error that names it, and so is text that is no valid Unicode."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid",
        frozen=True,
        str_max_length=MAX_BODY_BYTES,  # only with a length limit does pydantic look at every character
    )


class Body(BaseModel):
    """A response; more fields may be added at any time."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True)

    def to_json(self) -> dict[str, Any]:
        """The object as plain JSON values."""
        return self.model_dump(mode="json")


class Page(Body, Generic[Item]):
    """One page of a list."""

    items: Sequence[Item] = Field(description="The page's items.")
    next_cursor: str | None = Field(
        description="Give it as `cursor` to read the next page; null on the last."
    )
