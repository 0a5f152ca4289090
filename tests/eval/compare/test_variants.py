"""What is compared: models times settings, each once."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.compare.variants import variants
from rag.domain import GroundingPolicy
from rag.errors import InvalidRequest
from rag.llm.named import NamedLlm
from rag.settings import Settings, load_settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(data_dir=tmp_path, llms={"fast": NamedLlm(model="openai:gpt-5-mini")})


def test_every_model_meets_every_combination_of_settings(settings: Settings) -> None:
    found = variants(["extractive", "fast"], ["k=4", "k=12", "grounding_policy=drop"], settings=settings)
    assert [each.name for each in found] == [
        "extractive, k=4, grounding_policy=drop",
        "extractive, k=12, grounding_policy=drop",
        "fast, k=4, grounding_policy=drop",
        "fast, k=12, grounding_policy=drop",
    ]
    assert found[3].values == {"k": 12, "grounding_policy": GroundingPolicy.DROP}
    assert (found[3].llm, found[3].model) == ("fast", "openai:gpt-5-mini")


def test_without_a_model_the_configured_one_is_compared_with_itself(settings: Settings) -> None:
    assert [each.llm for each in variants([], ["k=4", "k=12"], settings=settings)] == ["extractive"] * 2


@pytest.mark.parametrize(
    ("llms", "given", "says"),
    [
        (["extractive"], [], "only 'extractive' to compare"),
        (["extractive", "extractive"], [], "given twice"),
        (["extractive", "nonsense"], [], "expected extractive, fast or provider:model"),
        ([], ["k=4", "k=0"], "--setting k=0"),
        ([], ["k=4", "k=many"], "--setting k=many"),
        ([], ["k"], "expected key=value"),
        ([], ["llm=openai:x"], "give models with --llm"),
        ([], ["data_dir=/tmp", "k=4"], "'data_dir' cannot differ"),
        ([], ["checker=lexical", "checker=local"], "'checker' cannot differ"),
        ([], ["query_expansion=magic", "k=4"], "none, multi_query or hyde"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_anything_is_asked(
    settings: Settings, llms: list[str], given: list[str], says: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        variants(llms, given, settings=settings)
    assert says in str(refused.value)
