"""Which language models a request may choose: by name only, never by address."""

from __future__ import annotations

from rag.errors import InvalidRequest
from rag.llm.named import EXTRACTIVE
from rag.settings import Settings


def offered_llms(settings: Settings) -> list[str]:
    """The names a request may give: the server's own LLM, the configured ones and ``extractive``, sorted."""
    return sorted({EXTRACTIVE, settings.llm, *settings.llms})


def allowed_llm(named: str | None, settings: Settings) -> str | None:
    """The LLM a request may use; ``None`` stands for the server's own.

    Raises:
        InvalidRequest: any that is not offered; the message lists those that are.
    """
    offered = offered_llms(settings)
    if named is not None and named not in offered:
        raise InvalidRequest(f"llm {named[:100]!r} is not offered here; name one of: {', '.join(offered)}.")
    return named
