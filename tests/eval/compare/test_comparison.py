"""Models compared on the same questions, over a real collection, with scripted models."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from eval.compare.comparison import Comparison, compare
from eval.compare.files import prepared, write_files
from eval.compare.measures import difference, metrics
from eval.compare.prices import read_prices
from eval.compare.table import print_comparison
from eval.compare.variants import variants
from eval.question_set import QuestionSet, read_question_set
from rag.errors import CollectionNotFound, GenerationFailed, InvalidRequest, ModelUnavailable
from rag.factory import Footnote
from rag.settings import load_settings
from tests.fakes import HashedEmbedder, ScriptedGenerator
from tests.sources import new_version, put

TEXT = "Annual leave is 27 days a year. Five days of leave may be carried over until 31 March."
QUESTIONS = (
    {"id": "a", "question": "How many days of annual leave are there a year?", "answer": "27 days"},
    {"id": "b", "question": "Until when may days of leave be carried over?", "answer": "31 March"},
    {"id": "c", "question": "Is the moon made of green cheese?", "answerable": False},
)
RIGHT = ["Annual leave is 27 days a year [1].", "Leave may be carried over until 31 March [1]."]
WRONG = ["Annual leave is 99 weeks [1].", "It may be carried over for ever <script>alert(1)</script> [1]."]
AWAY = GenerationFailed("The server is away.")


@pytest.fixture
def questions(tmp_path: Path) -> QuestionSet:
    file = tmp_path / "questions.jsonl"
    file.write_text("\n".join([*map(json.dumps, QUESTIONS), "{broken"]))
    return read_question_set(file)


@pytest.fixture
def footnote(tmp_path: Path) -> Iterator[Footnote]:
    embedder = HashedEmbedder(dimension=512)
    models = {
        "test:right": ScriptedGenerator(*RIGHT, name="test:right"),
        "test:wrong": ScriptedGenerator(*WRONG, name="test:wrong"),
        "test:ill": ScriptedGenerator(AWAY, RIGHT[1], name="test:ill"),
        "test:dead": ScriptedGenerator(*[AWAY] * 3, name="test:dead"),
    }
    with Footnote(load_settings(data_dir=tmp_path / "data"), embedder=embedder, generators=models) as opened:
        collection = opened.open_collection("handbook")
        put(opened.catalog, collection.id, new_version("leave.md", TEXT, embedder=embedder))
        yield opened


def compared(footnote: Footnote, questions: QuestionSet, *llms: str) -> Comparison:
    return compare(
        questions,
        variants(llms, [], settings=footnote.settings),
        collection="handbook",
        prices=read_prices(None),
        footnote=footnote,
    )


def test_the_better_model_wins_and_the_difference_to_the_first_is_shown(
    footnote: Footnote, questions: QuestionSet
) -> None:
    report = compared(footnote, questions, "test:wrong", "test:right", "extractive").to_json()
    wrong, right, extractive = report["variants"]
    assert right["metrics"]["right"]["mean"] == 1
    assert wrong["metrics"]["right"]["mean"] < 0.5
    assert right["difference_to_first"]["right"]["mean"] > 0.5
    assert wrong["difference_to_first"] == {}
    assert report["ranking"][-1]["name"] == "test:wrong"
    assert {each["name"] for each in report["ranking"]} == {"test:wrong", "test:right", "extractive"}
    assert all(each["metrics"]["refusal_recall"]["mean"] == 1 for each in report["variants"])
    assert extractive["cost"]["per_thousand_questions"] == 0
    assert right["cost"] == {
        "per_thousand_questions": None,
        "input_tokens": None,
        "output_tokens": None,
        "questions_counted": 0,
        "reason": "the provider told no token counts",
    }
    assert right["latency_ms"]["p95"] >= right["latency_ms"]["p50"] > 0
    assert (report["questions"], report["failed"]) == (3, 1)
    assert report["failures"][0]["line"] == 4


def test_a_dead_model_is_a_failure_and_no_score(footnote: Footnote, questions: QuestionSet) -> None:
    comparison = compared(footnote, questions, "test:dead", "extractive")
    dead, extractive = comparison.to_json()["variants"]
    assert dead["status"] == "failed"
    assert "The server is away." in dead["reason"]
    assert all(score["mean"] is None for score in dead["metrics"].values())
    assert dead["failed"] == 2
    assert extractive["difference_to_first"] == {}
    assert [each.name for each in comparison.ranking] == ["extractive"]
    assert "test:dead answered nothing and has no score" in printed(comparison)


def test_a_question_that_failed_is_in_no_score_of_that_model(
    footnote: Footnote, questions: QuestionSet
) -> None:
    comparison = compared(footnote, questions, "extractive", "test:ill")
    ill = comparison.to_json()["variants"][1]
    assert (ill["status"], ill["answered"], ill["failed"]) == ("answered", 2, 1)
    assert ill["metrics"]["right"] | {"ci95": None} == {
        "mean": 1.0,
        "n": 1,
        "ci95": None,
        "better": "higher",
        "unit": "share",
    }
    assert ill["difference_to_first"]["right"]["questions"] == 1
    assert "test:ill failed on 1 of 3 questions, which are in none of its scores" in printed(comparison)


def test_a_model_that_cannot_be_set_up_does_not_end_the_comparison(
    footnote: Footnote, questions: QuestionSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ModelUnavailable("The package langchain-none is missing.")

    monkeypatch.setattr("rag.llm.chat_model.open_chat_model", refuse)
    comparison = compared(footnote, questions, "extractive", "openai:unset")
    assert comparison.contestants[1].unavailable == "The package langchain-none is missing."
    assert [each.name for each in comparison.ranking] == ["extractive"]


def test_an_unknown_collection_is_refused(footnote: Footnote, questions: QuestionSet) -> None:
    with pytest.raises(CollectionNotFound):
        compare(
            questions,
            variants(["extractive", "test:right"], [], settings=footnote.settings),
            collection="elsewhere",
            prices=read_prices(None),
            footnote=footnote,
        )


def test_settings_are_compared_like_models(footnote: Footnote, questions: QuestionSet) -> None:
    comparison = compare(
        questions,
        variants([], ["k=1", "k=4"], settings=footnote.settings),
        collection="handbook",
        prices=read_prices(None),
        footnote=footnote,
    )
    assert [each.variant.name for each in comparison.contestants] == ["extractive, k=1", "extractive, k=4"]
    assert {each.ties for each in comparison.ranking} == {3}


def test_the_files_hold_every_answer_and_run_nothing(
    footnote: Footnote, questions: QuestionSet, tmp_path: Path
) -> None:
    comparison = compared(footnote, questions, "test:right", "test:wrong")
    report, page, answers = write_files(comparison, prepared(tmp_path / "new" / "compared"))
    assert json.loads(report.read_text())["kind"] == "comparison"
    text = page.read_text()
    assert "<script" not in text
    assert not re.search(r"(?:src|href)=", text)
    assert "test:wrong" in text
    with answers.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 6
    assert {row["status"] for row in rows} == {"answered", "refused"}
    assert {row["variant"] for row in rows if row["points"] == "1.0"} >= {"test:right"}


def test_a_formula_in_an_answer_stays_text(
    footnote: Footnote, questions: QuestionSet, tmp_path: Path
) -> None:
    footnote.llms.given["test:right"] = ScriptedGenerator(
        "=1+1 Annual leave is 27 days a year [1].", RIGHT[1], name="test:right"
    )
    *_, answers = write_files(compared(footnote, questions, "test:right", "extractive"), prepared(tmp_path))
    with answers.open(newline="") as stream:
        cells = [row["answer"] for row in csv.DictReader(stream)]
    assert any(cell.startswith("'=1+1") for cell in cells)
    assert not any(cell.startswith("=") for cell in cells)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidRequest, match="--out"):
        prepared(tmp_path / "file" / "compared")


def test_a_difference_is_paired(footnote: Footnote) -> None:
    """Hard and easy questions lie far apart, and still a small steady gain is seen."""
    first = np.linspace(0, 0.9, 30)
    metric = metrics(footnote.checker())[0]
    found = difference(metric, first, first + 0.05, [str(number) for number in range(30)])
    assert found.mean == pytest.approx(0.05)
    assert found.better is True
    slower = metrics(footnote.checker())[-1]
    assert difference(slower, first, first + 0.05, [str(number) for number in range(30)]).better is False
    same = difference(metric, first, first[::-1].copy(), [str(number) for number in range(30)])
    assert same.better is None


def printed(comparison: Comparison) -> str:
    console = Console(width=200, record=True, quiet=True)
    with console.capture() as captured:
        console.quiet = False
        print_comparison(comparison, console)
    return captured.get()
