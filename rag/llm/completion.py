"""One short text from a language model: what is asked of it beside answering."""

from __future__ import annotations

import re

from rag.domain import Draft, Prompt, Question
from rag.errors import GenerationFailed
from rag.interfaces import Generator

_THOUGHTS = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL | re.IGNORECASE)


def completion(generator: Generator, *, system: str, user: str, language: str) -> str:
    """The model's whole text, without what it thought aloud.

    Raises:
        GenerationFailed: the model did not answer, not in time, or with nothing.
    """
    asked = Question(text=user, collection="", k=1, language=language)
    prompt = Prompt(system=system, user=user, question=asked, passages=())
    for item in generator.stream(prompt):
        if isinstance(item, Draft):
            text = item.text.encode(errors="ignore").decode()  # no half surrogates: it is searched for
            return _THOUGHTS.sub("", text).strip()
    raise GenerationFailed(f"The generator {generator.name} ended without a draft.")
