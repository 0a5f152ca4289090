"""Reading a suite: what it may say, and what is said of one that cannot be run."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.suite.config import Suite, read_suite
from rag.errors import SuiteError

HOUSE = Path(__file__).parents[3]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "handbook").mkdir()
    for name in ("questions.jsonl", "checked.jsonl", "unanswerable.jsonl"):
        (tmp_path / name).write_text("{}\n")
    (tmp_path / "scifact").mkdir()
    return tmp_path


def write(folder: Path, *lines: str) -> Path:
    file = folder / "suite.toml"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


BASIS = ('name = "mine"', 'documents = "handbook"', 'questions = "questions.jsonl"')


def test_paths_are_relative_to_the_suite_and_the_rest_has_defaults(folder: Path) -> None:
    suite = read_suite(write(folder, *BASIS))
    assert (suite.documents, suite.questions) == (folder / "handbook", folder / "questions.jsonl")
    assert (suite.llm, suite.checker, suite.k, suite.thresholds) == (None, None, None, {})


def test_everything_a_suite_may_say(folder: Path) -> None:
    suite = read_suite(
        write(
            folder,
            'name = "all"',
            'collection = "default"',
            'questions = "questions.jsonl"',
            'retrieval = ["scifact"]',
            'groundedness = ["checked.jsonl"]',
            'refusal = ["unanswerable.jsonl"]',
            'llm = "openai:gpt-5-mini"',
            'checker = "lexical"',
            'judge = "openai:gpt-5-mini"',
            "k = 5",
            "seed = 7",
            'leave_out = ["bleu"]',
            'gate = ["faithfulness"]',
            "worst_cases = 3",
            "[thresholds]",
            "faithfulness = 1",
            '"retrieval/scifact/nDCG@10" = 0.6',
        )
    )
    assert suite.thresholds == {"faithfulness": 1, "retrieval/scifact/nDCG@10": 0.6}
    assert [key for key, _ in suite.paths()] == ["questions", "retrieval", "groundedness", "refusal"]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ((*BASIS, 'quetions = "x"'), "line 4: unknown key 'quetions'; did you mean 'questions'?"),
        ((*BASIS, "zzz = 1"), "line 4: unknown key 'zzz'; known are name, documents"),
        ((*BASIS, "k = 0"), "line 4: 'k': Input should be greater than or equal to 1, got 0"),
        ((*BASIS, 'k = "8"'), "line 4: 'k': Input should be a valid integer, got '8'"),
        ((*BASIS, "seed = -1"), "line 4: 'seed'"),
        ((*BASIS, "[thresholds]", 'faithfulness = "high"'), "line 5: 'thresholds.faithfulness'"),
        (BASIS[1:], "'name' is missing"),
        (('name = "../../etc"', *BASIS[1:]), "line 1: 'name'"),
        ((*BASIS[:2], 'questions = "missing.jsonl"'), "line 3: 'questions' names "),
        ((*BASIS, 'retrieval = ["scifact", "nowhere"]'), "line 4: 'retrieval' names "),
        ((*BASIS, 'refusal = "unanswerable.jsonl"'), "line 4: 'refusal'"),
        ((*BASIS, 'refusal = ["checked.jsonl", "./checked.jsonl"]'), "line 4: 'refusal' names two"),
        ((BASIS[0],), "nothing to run"),
        (BASIS[:2], "no 'questions' to ask of it"),
        ((BASIS[0], BASIS[2]), "either 'documents', a folder, or 'collection'"),
        ((*BASIS, 'collection = "default"'), "either 'documents', a folder, or 'collection'"),
        ((*BASIS, 'leave_out = ["bleu"]', "[thresholds]", "bleu = 0.1"), "'bleu' is left out"),
        ((*BASIS, "k = = 1"), "not sound TOML: Invalid value (at line 4"),
    ],
)
def test_a_suite_that_cannot_be_run_says_where_and_why(
    folder: Path, lines: tuple[str, ...], said: str
) -> None:
    file = write(folder, *lines)
    try:
        read_suite(file)
    except SuiteError as error:
        message = str(error)
    else:
        pytest.fail("the suite was taken")
    assert message.startswith(str(file))
    assert said in message


def test_a_file_that_is_no_suite(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=r"missing\.toml cannot be read"):
        read_suite(tmp_path / "missing.toml")
    (tmp_path / "binary.toml").write_bytes(b"name = \xff")
    with pytest.raises(SuiteError, match="not UTF-8"):
        read_suite(tmp_path / "binary.toml")
    (tmp_path / "large.toml").write_bytes(b"#" * 200_000)
    with pytest.raises(SuiteError, match="larger than"):
        read_suite(tmp_path / "large.toml")


def test_the_sample_suite_can_be_run() -> None:
    assert isinstance(read_suite(HOUSE / "samples" / "suite.toml"), Suite)
