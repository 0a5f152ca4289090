"""One short text from a language model: what is asked of it beside answering."""

from __future__ import annotations

from rag.domain import Draft, Prompt, Question
from rag.errors import GenerationFailed
from rag.interfaces import Generator


def completion(generator: Generator, *, system: str, user: str, language: str) -> str:
    """The model's whole text.

    Raises:
        GenerationFailed: the model did not answer, not in time, or with nothing.
    """
    asked = Question(text=user, collection="", k=1, language=language)
    prompt = Prompt(system=system, user=user, question=asked, passages=())
    for item in generator.stream(prompt):
        if isinstance(item, Draft):
            return item.text
    raise GenerationFailed(f"The generator {generator.name} ended without a draft.")
