"""Cohere's chat models, with the two things that LangChain's class does not pass on."""

from __future__ import annotations

from typing import Any

from langchain_cohere import ChatCohere


class CohereChatModel(ChatCohere):
    """Knows how long an answer may be, and that nothing is tried twice."""

    max_tokens: int

    @property
    def _default_params(self) -> dict[str, Any]:
        return {
            **super()._default_params,
            "max_tokens": self.max_tokens,
            "request_options": {"max_retries": 0},
        }
