"""Reading evaluation files: good lines are used, bad ones are named, unusable files are refused by name."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from eval.readers import read_beir, read_groundedness, read_refusal
from rag.errors import DatasetError

GOOD = {"id": "r1", "context": "Cats purr.", "response": "Cats purr.", "supported": True}


def write_lines(path: Path, *rows: dict[str, Any] | str | bytes) -> Path:
    lines = [row if isinstance(row, str | bytes) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_bytes(b"".join((line if isinstance(line, bytes) else line.encode()) + b"\n" for line in lines))
    return path


def write_beir(folder: Path, *, qrels: str = "query-id\tcorpus-id\tscore\nq1\td1\t1\n") -> Path:
    folder.mkdir(exist_ok=True)
    write_lines(
        folder / "corpus.jsonl",
        {"_id": "d1", "title": "Cats", "text": "Cats purr."},
        {"_id": "d2", "text": "Dogs bark.", "metadata": {"page": 3}},
    )
    write_lines(
        folder / "queries.jsonl", {"_id": "q1", "text": "Who purrs?"}, {"_id": "q2", "text": "Who barks?"}
    )
    (folder / "qrels.tsv").write_text(qrels)
    return folder


# ---------------------------------------------------------------------------------------------- BEIR


def test_a_beir_folder_gives_documents_queries_and_judgements(tmp_path: Path) -> None:
    data = read_beir(write_beir(tmp_path / "animals"))
    assert data.name == "animals"
    assert [(each.id, each.title, each.text) for each in data.documents] == [
        ("d1", "Cats", "Cats purr."),
        ("d2", "", "Dogs bark."),
    ]
    assert {each.id: each.text for each in data.queries.values()} == {"q1": "Who purrs?", "q2": "Who barks?"}
    assert data.qrels == {"q1": {"d1": 1}}
    assert data.failures == ()


def test_judgements_need_no_header_and_keep_those_of_score_0(tmp_path: Path) -> None:
    data = read_beir(write_beir(tmp_path, qrels="q1\td1\t1\r\nq1\td2\t0\r\nq2\td2\t2.0"))
    assert data.qrels == {"q1": {"d1": 1, "d2": 0}, "q2": {"d2": 2}}
    assert data.failures == ()


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl", "qrels.tsv"])
def test_every_member_may_be_compressed(tmp_path: Path, name: str) -> None:
    folder = write_beir(tmp_path)
    plain = read_beir(folder)
    content = (folder / name).read_bytes()
    (folder / name).unlink()
    (folder / f"{name}.gz").write_bytes(gzip.compress(content))
    data = read_beir(folder)
    assert (data.documents, data.qrels, data.failures) == (plain.documents, plain.qrels, ())
    assert [each.text for each in data.queries.values()] == ["Who purrs?", "Who barks?"]


def test_numbers_are_read_as_ids(tmp_path: Path) -> None:
    folder = write_beir(tmp_path, qrels="7\t1\t1\n")
    write_lines(folder / "corpus.jsonl", {"_id": 1, "title": None, "text": "Cats purr."})
    write_lines(folder / "queries.jsonl", {"_id": 7, "text": "Who purrs?"})
    data = read_beir(folder)
    assert (data.documents[0].id, list(data.queries), data.failures) == ("1", ["7"], ())


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl", "qrels.tsv"])
def test_a_missing_member_is_named(tmp_path: Path, name: str) -> None:
    folder = write_beir(tmp_path)
    (folder / name).unlink()
    with pytest.raises(DatasetError, match=name):
        read_beir(folder)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="nowhere is not a folder"):
        read_beir(tmp_path / "nowhere")


def test_bad_lines_of_a_beir_folder_are_named_and_the_rest_is_read(tmp_path: Path) -> None:
    folder = write_beir(tmp_path, qrels="q1\td1\t1\nq1 d2 1\nq1\td2\thigh\nq1\td1\t0\nq9\td1\t1\nq1\td8\t1\n")
    write_lines(
        folder / "corpus.jsonl", '{"_id": "d1"', {"_id": "d1", "text": "a"}, {"_id": "d1", "text": "b"}
    )
    data = read_beir(folder)
    assert [each.text for each in data.documents] == ["a"]
    assert data.qrels == {"q1": {"d1": 1, "d8": 1}, "q9": {"d1": 1}}
    found = [(each.file, each.line, each.reason) for each in data.failures]
    assert [(file, line) for file, line, _ in found] == [
        ("corpus.jsonl", 1),
        ("corpus.jsonl", 3),
        ("qrels.tsv", 2),
        ("qrels.tsv", 3),
        ("qrels.tsv", 4),
        ("qrels.tsv", 0),
        ("qrels.tsv", 0),
    ]
    reasons = "\n".join(reason for _, _, reason in found)
    for words in ("not JSON", "'d1' was used before", "got 1 fields", "'high'", "'q9' is not", "'d8' is not"):
        assert words in reasons


# -------------------------------------------------------------------------------------- groundedness


@pytest.mark.parametrize(
    ("label", "unsupported"),
    [
        ({"spans": []}, False),
        ({"spans": [{"start": 0, "end": 4, "label": "baseless"}]}, True),
        ({"supported": True}, False),
        ({"supported": False}, True),
        ({"label": "entailment"}, False),
        ({"label": "Entailment "}, False),
        ({"label": "neutral"}, True),
        ({"label": "contradiction"}, True),
        ({"spans": [], "supported": False}, True),
        ({"spans": [], "label": "neutral"}, True),
    ],
)
def test_the_three_kinds_of_gold_label(tmp_path: Path, label: dict[str, Any], unsupported: bool) -> None:
    row = {"id": "1", "context": "Cats purr.", "response": "Dogs purr.", **label}
    record = read_groundedness(write_lines(tmp_path / "f.jsonl", row)).records[0]
    assert record.unsupported is unsupported
    assert (record.spans is not None) == ("spans" in label)


@pytest.mark.parametrize(
    ("context", "parts"),
    [
        ("Cats purr.", ("Cats purr.",)),
        (["Cats purr.", "Dogs bark."], ("Cats purr.", "Dogs bark.")),
        ([{"text": "Cats purr.", "title": "Cats"}, "Dogs bark."], ("Cats purr.", "Dogs bark.")),
        ({"text": "Cats purr."}, ("Cats purr.",)),
        ("", ("",)),
        ([], ()),
    ],
)
def test_the_context_is_a_text_or_several(tmp_path: Path, context: Any, parts: tuple[str, ...]) -> None:
    file = write_lines(tmp_path / "f.jsonl", {**GOOD, "context": context})
    assert read_groundedness(file).records[0].context == parts


def test_task_or_domain_source_question_and_number_ids_are_kept(tmp_path: Path) -> None:
    file = write_lines(
        tmp_path / "f.jsonl",
        {**GOOD, "id": 12, "task": "qa", "source_id": 3, "question": "Who purrs?"},
        {**GOOD, "domain": "sales", "question": None},
    )
    first, second = read_groundedness(file).records
    assert (first.id, first.group, first.source_id, first.question) == ("12", "qa", "3", "Who purrs?")
    assert (second.group, second.source_id, second.question) == ("sales", None, None)


def test_spans_flagged_by_the_annotators_are_told_apart(tmp_path: Path) -> None:
    spans = [
        {"start": 0, "end": 2, "implicit_true": True, "due_to_null": False},
        {"start": 3, "end": 4, "due_to_null": True},
        {"start": 4, "end": 5, "implicit_true": False},
    ]
    file = write_lines(tmp_path / "f.jsonl", {**GOOD, "spans": spans})
    found = read_groundedness(file).records[0].spans
    assert found is not None
    assert [span.flagged for span in found] == [True, True, False]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "not JSON"),
        ("[1]", "expected a JSON object, got list"),
        ("[" * 100_000, "nested too deeply"),
        (b'{"id": "\xff"}', "not UTF-8: byte 0xff"),
        ({"context": "a", "response": "b", "supported": True}, "'id' is missing"),
        ({"id": "1", "response": "b", "supported": True}, "'context' is missing"),
        ({"id": "1", "context": "a", "supported": True}, "'response' is missing"),
        ({"id": "1", "context": "a", "response": "b"}, "no gold label"),
        ({**GOOD, "response": None}, "'response'"),
        ({**GOOD, "context": 5}, "'context'"),
        ({**GOOD, "label": 0}, "'label'"),
        ({**GOOD, "label": " "}, "'label' is empty"),
        ({**GOOD, "spans": [{"start": 0, "end": "x"}]}, "'spans.0.end'"),
        ({**GOOD, "spans": [{"start": 3, "end": 1}]}, "the span 3–1"),
        ({**GOOD, "supported": "perhaps"}, "'supported'"),
        ({**GOOD, "spans": [{"start": 2, "end": 2}]}, "the span 2–2"),
        ({**GOOD, "spans": [{"start": 0, "end": 99}]}, "the span 0–99"),
        ({**GOOD, "spans": [{"start": -1, "end": 2}]}, "'spans.0.start'"),
        ('{"id": "1", "context": "\\ud800", "response": "b", "supported": true}', "half of a surrogate pair"),
    ],
)
def test_a_malformed_line_is_a_failure_and_the_rest_is_read(tmp_path: Path, line: Any, reason: str) -> None:
    data = read_groundedness(write_lines(tmp_path / "f.jsonl", GOOD, "", line, {**GOOD, "id": "r2"}))
    assert [record.id for record in data.records] == ["r1", "r2"]
    (failure,) = data.failures
    assert (failure.file, failure.line) == ("f.jsonl", 3)
    assert reason in failure.reason


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "f.jsonl"
    file.write_bytes(b"\xef\xbb\xbf" + json.dumps(GOOD).encode() + b"\r\n\r\n")
    data = read_groundedness(file)
    assert (len(data.records), data.failures) == (1, ())


def test_a_compressed_file_is_read_whatever_its_name(tmp_path: Path) -> None:
    file = tmp_path / "f.jsonl"
    file.write_bytes(gzip.compress(json.dumps(GOOD).encode()))
    assert len(read_groundedness(file).records) == 1


def test_a_cut_off_compressed_file_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "f.jsonl.gz"
    file.write_bytes(gzip.compress(json.dumps(GOOD).encode())[:-12])
    with pytest.raises(DatasetError, match=r"f\.jsonl\.gz is not sound gzip data"):
        read_groundedness(file)


@pytest.mark.parametrize("read", [read_groundedness, read_refusal])
def test_a_file_without_a_good_line_is_refused_with_the_first_reason(tmp_path: Path, read: Any) -> None:
    with pytest.raises(DatasetError, match=r"bad\.jsonl holds no usable line; line 1: not JSON"):
        read(write_lines(tmp_path / "bad.jsonl", "nonsense", "{}"))
    with pytest.raises(DatasetError, match=r"empty\.jsonl holds no line"):
        read(write_lines(tmp_path / "empty.jsonl"))


@pytest.mark.parametrize("read", [read_groundedness, read_refusal])
def test_a_missing_file_or_a_folder_in_its_place_is_named(tmp_path: Path, read: Any) -> None:
    with pytest.raises(DatasetError, match=r"gone\.jsonl does not exist"):
        read(tmp_path / "gone.jsonl")
    with pytest.raises(DatasetError, match="cannot be read"):
        read(tmp_path)


# ------------------------------------------------------------------------------------------- refusal


def test_a_refusal_file_gives_questions_with_their_passages(tmp_path: Path) -> None:
    file = write_lines(
        tmp_path / "f.jsonl",
        {
            "id": 1,
            "question": "Who purrs?",
            "passages": [{"title": "Cats", "text": "Cats purr."}, "Dogs bark."],
            "answerable": True,
            "answers": ["cats"],
        },
        {"id": "2", "question": "Who sings?", "passages": [], "answerable": False},
        {"id": "3", "question": "Who sings?", "passages": []},
        {"id": "4", "question": "", "passages": [], "answerable": False},
    )
    data = read_refusal(file)
    first, second = data.records
    assert [(each.title, each.text) for each in first.passages] == [
        ("Cats", "Cats purr."),
        ("", "Dogs bark."),
    ]
    assert (first.id, first.answerable, first.answers) == ("1", True, ("cats",))
    assert (second.answerable, second.passages, second.answers) == (False, (), ())
    assert [(each.line, each.reason.split(" ")[0]) for each in data.failures] == [
        (3, "'answerable'"),
        (4, "'question':"),
    ]
