"""Objects from any language model: checked, asked for again with what was wrong, and given up."""

from __future__ import annotations

from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict

from rag.errors import GenerationFailed
from rag.llm.structured import structured_completion
from tests.fakes import ScriptedGenerator


class Opinion(BaseModel):
    model_config = ConfigDict(extra="forbid")

    verdict: Literal["yes", "no"]


def opinion(llm: ScriptedGenerator, attempts: int = 3) -> Opinion:
    return structured_completion(
        llm, Opinion, system="Judge.", user="Is it so?", language="en", attempts=attempts
    )


@pytest.mark.parametrize(
    "said",
    [
        '{"verdict": "yes"}',
        'Here it is:\n```json\n{"verdict": "yes"}\n```\nI hope that helps.',
        '\n {"verdict":\n"yes"} ',
    ],
)
def test_words_and_fences_around_the_object_do_no_harm(said: str) -> None:
    llm = ScriptedGenerator(said)
    assert opinion(llm).verdict == "yes"
    assert '"enum": ["yes", "no"]' in llm.prompts[0].system


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("I would say yes.", "Invalid JSON"),
        ('{"verdict": "perhaps"}', "verdict: Input should be 'yes' or 'no'"),
        ('{"verdict": "yes", "why": "so"}', "why: Extra inputs are not permitted"),
        ('{"verdict": "yes"', "Invalid JSON"),
    ],
)
def test_what_does_not_fit_is_asked_for_again_with_what_is_wrong(said: str, told: str) -> None:
    llm = ScriptedGenerator(said, '{"verdict": "no"}')
    assert opinion(llm).verdict == "no"
    again = llm.prompts[1].user
    assert again.startswith("Is it so?")
    assert told in again


def test_a_model_that_never_fits_is_given_up_with_the_last_reason() -> None:
    llm = ScriptedGenerator("yes", "yes!", '{"verdict": 3}')
    with pytest.raises(GenerationFailed, match=r"scripted gave no usable JSON object in 3 attempts.*verdict"):
        opinion(llm)
    assert len(llm.prompts) == 3


def test_a_model_that_does_not_answer_is_not_asked_again_here() -> None:
    llm = ScriptedGenerator(GenerationFailed("The server is away."))
    with pytest.raises(GenerationFailed, match="away"):
        opinion(llm)
