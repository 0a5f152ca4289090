"""``bench grounding`` times the check of answers that are neither all carried nor all invented."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.bench_grounding import bench_grounding
from rag.errors import InvalidRequest
from rag.settings import load_settings
from tests.fakes import HashedEmbedder


def test_checks_are_timed_at_once_live_and_in_a_batch() -> None:
    report = bench_grounding(
        None, settings=load_settings(), checker="lexical", answers=3, responses=4, embedder=HashedEmbedder()
    )
    assert (report.checker, report.answers, report.responses) == ("lexical", 3, 4)
    assert report.at_once_ms["p50"] <= report.at_once_ms["p95"]
    assert report.live_sentence_ms["p99"] <= report.live_ms["p99"]
    assert report.responses_per_second > 0
    rows = dict(report.summary_rows())
    assert rows["passages"].startswith("synthetic")
    assert "8 sentences against 8 passages" in rows["answers"]


def test_the_chunks_of_a_folder_can_be_the_passages(tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    for number in range(20):
        text = f"Locker number {number} in the second building is opened with key {number * 7}.\n"
        (folder / f"{number}.txt").write_text(text)
    report = bench_grounding(
        folder,
        settings=load_settings(),
        checker="lexical",
        answers=2,
        responses=2,
        embedder=HashedEmbedder(),
    )
    assert (report.texts, report.passages) == (f"chunks of {folder}", 20)


def test_a_folder_must_hold_enough_to_check(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("There is only a single sentence in the whole folder.\n")
    with pytest.raises(InvalidRequest, match="gives 1 passages"):
        bench_grounding(tmp_path, settings=load_settings(), checker="lexical", embedder=HashedEmbedder())
