"""docs/evaluation.md says what the code does: every key of a suite, and every metric in its own words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from eval.rag_metrics import judged_metrics, rag_metrics
from eval.suite.config import Suite
from eval.suite.file_parts import (
    GROUNDEDNESS_FIGURES,
    REFUSAL_FIGURES,
    RETRIEVAL_FIGURES,
    Explained,
)
from tests.eval.suite.small import ReplyGenerator
from tests.fakes import HashedEmbedder

PAGE = (Path(__file__).parents[3] / "docs" / "evaluation.md").read_text(encoding="utf-8")


class NamedChecker:
    """All that the metrics' explanations need of a checker."""

    name = "local"


def metric_rows() -> Iterator[str]:
    measured = rag_metrics(NamedChecker(), HashedEmbedder())  # type: ignore[arg-type]
    for metric in (*measured, *judged_metrics(ReplyGenerator())):
        explained = metric.explained.replace(
            f"Judged by {ReplyGenerator.name}.", "Judged by the model you name."
        )
        yield f"| `{metric.name}` | {metric.better} | {explained} |"


def file_rows(figures: Mapping[str, Explained]) -> Iterator[str]:
    for name, figure in figures.items():
        yield f"| `{name}` | {figure.better} | {figure.explained} |"


@pytest.mark.parametrize(
    "rows",
    [
        list(metric_rows()),
        list(file_rows(RETRIEVAL_FIGURES)),
        list(file_rows(GROUNDEDNESS_FIGURES)),
        list(file_rows(REFUSAL_FIGURES)),
    ],
    ids=["questions", "retrieval", "groundedness", "refusal"],
)
def test_every_figure_stands_in_the_docs_in_its_own_words(rows: list[str]) -> None:
    assert "\n".join(rows) in PAGE


def test_every_key_of_a_suite_stands_in_the_docs() -> None:
    described = set(re.findall(r"^\| `(\w+)` \| (?!higher|lower)", PAGE, re.MULTILINE))
    assert described == set(Suite.model_fields)
