"""SQuAD, pairs of inference, RAGTruth as published: what is good is used, the rest is named by its line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eval.question_set import read_question_set
from eval.rag_metrics import cluster_of
from eval.readers import read_groundedness, read_nli, read_ragtruth, read_responses, read_squad
from rag.errors import DatasetError
from tests.eval.rag_metrics.answers import answered
from tests.eval.test_readers import write_lines

CATS = "Cats purr. They sleep sixteen hours a day, and purr."


def question(number: int, **facts: Any) -> dict[str, Any]:
    answer = {"text": "sixteen hours", "answer_start": CATS.index("sixteen")}
    return {"id": f"q{number}", "question": f"How long, {number}?", "answers": [answer], **facts}


def squad(path: Path, *questions: dict[str, Any]) -> Path:
    paragraphs = [{"context": CATS, "qas": list(questions)}, {"context": "Dogs bark.", "qas": []}]
    path.write_text(
        json.dumps({"version": "v2.0", "data": [{"title": "Pets", "paragraphs": paragraphs}]}, indent=1)
    )
    return path


# --------------------------------------------------------------------------------------------- SQuAD


def test_paragraphs_are_documents_and_questions_name_theirs(tmp_path: Path) -> None:
    twice = [{"text": "purr", "answer_start": 5}, {"text": "purr", "answer_start": CATS.rindex("purr")}]
    data = read_squad(squad(tmp_path / "dev.json", question(1), question(2, answers=twice)))
    assert [(each.id, each.title, each.text) for each in data.paragraphs] == [
        ("Pets#1", "Pets", CATS),
        ("Pets#2", "Pets", "Dogs bark."),
    ]
    first, second = data.questions
    assert (first.id, first.paragraph, first.answers) == ("q1", "Pets#1", ("sixteen hours",))
    assert first.sentences == ("They sleep sixteen hours a day, and purr.",)
    assert (second.answers, len(second.sentences)) == (("purr",), 2)
    assert data.failures == ()


def test_questions_without_an_answer_are_those_marked_impossible(tmp_path: Path) -> None:
    impossible = question(1, answers=[], is_impossible=True, plausible_answers=[{"text": "Cats"}])
    (only,) = read_squad(squad(tmp_path / "dev.json", impossible)).questions
    assert (only.answers, only.sentences) == ((), ())


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (question(7, answers=[]), "'q7' has no answer and is not marked as impossible"),
        (
            question(7, answers=[{"text": "dogs", "answer_start": 0}]),
            "'dogs' does not stand at 0; there stands 'Cats'",
        ),
        (question(7, answers=[{"text": "Cats"}]), "'answers.0.answer_start' is missing"),
        (question(7, question=""), "'question'"),
        ({"question": "Who purrs, then?"}, "'id' is missing"),
    ],
)
def test_a_bad_question_is_named_by_its_line_and_the_others_are_used(
    tmp_path: Path, bad: dict[str, Any], reason: str
) -> None:
    file = squad(tmp_path / "dev.json", question(1), bad, question(2))
    data = read_squad(file)
    assert [each.id for each in data.questions] == ["q1", "q2"]
    (failure,) = data.failures
    assert reason in failure.reason
    lines = file.read_text().splitlines()
    assert bad.get("id", bad["question"]) in lines[failure.line - 1]
    assert [f'"{each.id}"' in lines[each.line - 1] for each in data.questions] == [True, True]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"data": [\n{"title": "x",,}]}', "line 2, column 15"),
        ('{"rows": []}', "'data' is missing"),
        ('{"data": [{"title": "x"}]}', "'paragraphs' is missing"),
        ('{"data": 5}', "expected lists"),
        ("[]", "expected lists"),
        ('{"data": [{"title": "x", "paragraphs": [{"context": "c", "qas": [5]}]}]}', "expected lists"),
        (b'{"data":\n"\xff"}', "not UTF-8 in line 2"),
        ('{"data": []}', "no line"),
    ],
)
def test_a_file_of_another_shape_is_refused_by_what_it_lacks(
    tmp_path: Path, content: str | bytes, reason: str
) -> None:
    file = tmp_path / "dev.json"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DatasetError, match=reason):
        read_squad(file)


def test_a_squad_file_is_a_question_set(tmp_path: Path) -> None:
    file = squad(tmp_path / "dev.json", question(1), question(2, answers=[], is_impossible=True))
    first, second = read_question_set(file).questions
    assert (first.answerable, first.answers) == (True, ("sixteen hours",))
    assert (first.quotes, first.documents) == (("They sleep sixteen hours a day, and purr.",), ())
    assert (second.answerable, second.quotes) == (False, ())
    assert cluster_of(answered(first, "x")) == cluster_of(answered(second, "x")) == "source Pets#1"


# ----------------------------------------------------------------------------------------- inference


PAIR = {"premise": "Cats purr.", "hypothesis": "Cats make a sound.", "label": "entailment"}


@pytest.mark.parametrize(
    ("label", "unsupported"),
    [
        ("entailment", False),
        ("Entailment ", False),
        (0, False),
        ("neutral", True),
        (1, True),
        ("contradiction", True),
        (2, True),
        ("not_entailment", True),
    ],
)
def test_what_is_not_entailed_is_unsupported(tmp_path: Path, label: Any, unsupported: bool) -> None:
    file = write_lines(tmp_path / "pairs.jsonl", {**PAIR, "label": label})
    (record,) = read_nli(file).records
    assert (record.context, record.response) == (("Cats purr.",), "Cats make a sound.")
    assert (record.unsupported, record.id, record.spans) == (unsupported, "line 1", None)


def test_a_table_is_read_by_the_names_of_its_columns(tmp_path: Path) -> None:
    file = write_lines(
        tmp_path / "dev.tsv",
        "index\tsentence1\tsentence2\tgenre\tgold_label",
        '7\tCats "purr.\tDogs bark.\tpets\tneutral',
        "8\tCats purr.\tCats purr.\t\tentailment",
    )
    first, second = read_nli(file).records
    assert (first.id, first.line, first.group, first.unsupported) == ("7", 2, "pets", True)
    assert first.context == ('Cats "purr.',)
    assert (second.group, second.unsupported) == (None, False)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({**PAIR, "label": "perhaps"}, "the label is 'perhaps', expected one of entailment"),
        ({**PAIR, "label": "-"}, "did not agree"),
        ({**PAIR, "label": True}, "'label"),
        ({**PAIR, "hypothesis": " "}, "'hypothesis' is blank"),
        ({"hypothesis": "x", "label": 0}, "'premise' is missing"),
        ("{", "not JSON"),
    ],
)
def test_a_bad_pair_is_named_by_its_line(tmp_path: Path, line: Any, reason: str) -> None:
    data = read_nli(write_lines(tmp_path / "pairs.jsonl", PAIR, line, PAIR))
    assert [each.line for each in data.records] == [1, 3]
    (failure,) = data.failures
    assert failure.line == 2
    assert reason in failure.reason


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Cats purr.\tDogs bark.", "expected 3 values separated by tabs, as in the first line, got 2"),
        ("Cats purr.\t\tneutral", "'hypothesis' is missing"),
        (b"Cats\tDogs \xff\tneutral", "not UTF-8"),
    ],
)
def test_a_bad_line_of_a_table_is_named(tmp_path: Path, line: Any, reason: str) -> None:
    head, good = "premise\thypothesis\tlabel", "Cats purr.\tDogs bark.\tneutral"
    data = read_nli(write_lines(tmp_path / "dev.tsv", head, good, line))
    assert len(data.records) == 1
    assert (data.failures[0].line, reason in data.failures[0].reason) == (3, True)


def test_a_table_without_lines_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="holds no line"):
        read_nli(write_lines(tmp_path / "dev.tsv", "premise\thypothesis\tlabel"))


# ------------------------------------------------------------------------------------------ RAGTruth


def ragtruth(folder: Path, *responses: Any) -> Path:
    write_lines(
        folder / "source_info.jsonl",
        {"source_id": "1", "task_type": "Summary", "source_info": CATS},
        {
            "source_id": "2",
            "task_type": "QA",
            "source_info": {"question": "Who?", "passages": "passage 1: Cats"},
        },
        {"source_id": "3", "task_type": "Data2txt", "source_info": {"name": "Café", "stars": None}},
        {"source_id": "4"},
    )
    write_lines(folder / "response.jsonl", *responses)
    return folder


def response(number: int, **facts: Any) -> dict[str, Any]:
    return {
        "id": str(number),
        "source_id": "1",
        "response": "Cats bark.",
        "labels": [],
        "split": "test",
        **facts,
    }


def test_sources_and_responses_are_joined(tmp_path: Path) -> None:
    marked = [{"start": 5, "end": 9, "label_type": "Evident Conflict", "implicit_true": True}]
    data = read_ragtruth(
        ragtruth(
            tmp_path,
            response(1, labels=marked),
            response(2, source_id="2"),
            response(3, source_id="3"),
            response(4, split="train"),
        )
    )
    first, second, third = data.records
    assert (first.group, first.context, first.unsupported) == ("summary", (CATS,), True)
    assert first.spans is not None
    assert [(each.start, each.end, each.flagged, each.label) for each in first.spans] == [
        (5, 9, True, "Evident Conflict")
    ]
    assert (second.question, second.context, second.group) == ("Who?", ("passage 1: Cats",), "qa")
    assert json.loads(third.context[0]) == {"name": "Café", "stars": None}
    assert (third.group, third.unsupported, third.source_id) == ("data2txt", False, "3")
    assert [(each.file, each.line) for each in data.failures] == [("source_info.jsonl", 4)]


def test_a_response_without_its_source_or_with_a_span_outside_is_named(tmp_path: Path) -> None:
    far = [{"start": 5, "end": 99}]
    data = read_ragtruth(ragtruth(tmp_path, response(1), response(2, source_id="9"), response(3, labels=far)))
    assert [each.id for each in data.records] == ["1"]
    reasons = {each.line: each.reason for each in data.failures if each.file == "response.jsonl"}
    assert "the source '9' is not in source_info.jsonl" in reasons[2]
    assert "5–99" in reasons[3]


def test_without_a_test_split_all_responses_count(tmp_path: Path) -> None:
    assert (
        len(read_ragtruth(ragtruth(tmp_path, response(1, split="train"), response(2, split=None))).records)
        == 2
    )


def test_a_folder_without_the_two_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"holds no source_info\.jsonl"):
        read_ragtruth(tmp_path)


# ------------------------------------------------------------------------------------------ whichever


def test_the_layout_is_told_by_the_file(tmp_path: Path) -> None:
    own = write_lines(tmp_path / "own.jsonl", {"id": 1, "context": "a", "response": "b", "supported": True})
    assert read_responses(own) == read_groundedness(own)
    pairs = write_lines(tmp_path / "pairs.jsonl", "{", PAIR)
    assert read_responses(pairs) == read_nli(pairs)
    table = write_lines(tmp_path / "dev.tsv", "premise\thypothesis\tlabel", "a\tb\tneutral")
    assert read_responses(table) == read_nli(table)
    folder = tmp_path / "ragtruth"
    folder.mkdir()
    assert len(read_responses(ragtruth(folder, response(1))).records) == 1
