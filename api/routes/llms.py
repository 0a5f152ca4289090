"""GET /v1/llms: the language models that a question may name."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import Field

from api.dependencies import FootnoteParts
from api.errors import problems
from api.llm_choice import offered_llms
from api.schemas.base import Body, Page

router = APIRouter(prefix="/v1/llms", tags=["questions"])


class LlmBody(Body):
    """A language model by its name; where it runs is the server's own affair."""

    name: str = Field(description="Give it as `llm` of POST /v1/ask.")
    default: bool = Field(description="Whether it answers when none is named.")


@router.get("", responses=problems())
def list_llms(footnote: FootnoteParts) -> Page[LlmBody]:
    """The language models offered, by name."""
    settings = footnote.settings
    items = [LlmBody(name=name, default=name == settings.llm) for name in offered_llms(settings)]
    return Page(items=items, next_cursor=None)
