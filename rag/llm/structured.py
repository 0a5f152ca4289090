"""A language model's answer as an object of a known shape: asked for as JSON, checked, and asked for again.

No provider's own "structured output" is used: every model that follows an instruction will do.
"""

from __future__ import annotations

import json
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from rag.errors import GenerationFailed
from rag.interfaces import Generator
from rag.llm.completion import completion

Shape = TypeVar("Shape", bound=BaseModel)

ATTEMPTS = 3
_SHOWN = 300


def structured_completion(
    generator: Generator,
    shape: type[Shape],
    *,
    system: str,
    user: str,
    language: str,
    attempts: int = ATTEMPTS,
) -> Shape:
    """What the model says, as a ``shape``; what does not fit is sent back to it with what is wrong.

    Args:
        system: the instructions; the JSON schema of ``shape`` is put behind them.
        attempts: how often it is asked at most.

    Raises:
        GenerationFailed: the model did not answer, or never with an object of that shape.
    """
    schema = json.dumps(shape.model_json_schema(), ensure_ascii=False)
    instructions = (
        f"{system}\n\nWrite one JSON object and nothing else. It must fit this JSON schema:\n{schema}"
    )
    asked, problem = user, ""
    for _ in range(attempts):
        said = completion(generator, system=instructions, user=asked, language=language)
        try:
            return shape.model_validate_json(_json_in(said))
        except ValidationError as exc:
            problem = _problem(exc)
            asked = f"{user}\n\nYour last answer could not be used: {problem}. Write only the JSON object."
    raise GenerationFailed(
        f"The language model {generator.name} gave no usable JSON object in {attempts} attempts; "
        f"the last one failed: {problem}. A larger model may follow the format."
    )


def _json_in(text: str) -> str:
    """The object inside of ``text``, without the words or the fence around it."""
    start, end = text.find("{"), text.rfind("}")
    return text[start : end + 1] if 0 <= start < end else text


def _problem(exc: ValidationError) -> str:
    """The first problem, in words; nothing of the model's own text is in it."""
    first = exc.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return (f"{place}: {first['msg']}" if place else first["msg"])[:_SHOWN]
