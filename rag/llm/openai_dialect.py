"""OpenAI itself, and the many servers that speak its chat-completions protocol."""

from __future__ import annotations

import re
from typing import Any

from langchain_openai import ChatOpenAI
from langchain_openai.chat_models.base import BaseChatOpenAI

_OWN_ADDRESS = re.compile(r"^https://([\w-]+\.)*openai\.com(/|$)")
_OWN_MODEL = re.compile(r"^(o\d|gpt-\d)")


def open_openai(**arguments: Any) -> BaseChatOpenAI:
    """The dialect of today where OpenAI answers, perhaps behind a gateway; else what others know of it."""
    is_own = _OWN_ADDRESS.match(arguments["base_url"]) or _OWN_MODEL.match(arguments["model"])
    return ChatOpenAI(**arguments) if is_own else open_compatible(**arguments)


def open_compatible(**arguments: Any) -> BaseChatOpenAI:
    """A server of another maker: the oldest names, such as ``max_tokens``, which all of them know.

    It is told nothing of an account at OpenAI that the environment may name.
    """
    model = BaseChatOpenAI(**{"use_responses_api": False, **arguments})
    for client in (model.root_client, model.root_async_client):
        client.organization = client.project = None
    return model
