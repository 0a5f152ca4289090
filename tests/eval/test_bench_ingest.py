"""``bench ingest`` on a small folder: its figures belong together."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.bench_ingest import bench_ingest, generate
from eval.memory import MemoryWatch
from rag.errors import InvalidRequest, SourceError
from rag.settings import load_settings
from tests.fakes import HashedEmbedder
from tests.patience import wait_for


def test_a_folder_is_measured_end_to_end_and_against_the_bare_model(tmp_path: Path) -> None:
    folder = tmp_path / "handbook"
    folder.mkdir()
    (folder / "leave.md").write_text("# Leave\n\nAnnual leave is twenty-five days.\n")
    (folder / "keys.txt").write_text("The VPN needs a hardware key.\n")
    (folder / "empty.txt").write_text("")
    report = bench_ingest(folder, settings=load_settings(), rounds=2, embedder=HashedEmbedder())
    assert (report.files, report.failed, report.documents, report.chunks) == (3, 1, 2, 2)
    assert report.documents_per_second == pytest.approx(2 * 2 / report.seconds, rel=0.01, abs=0.006)
    assert report.ratio == pytest.approx(report.chunks_per_second / report.raw_chunks_per_second, abs=0.001)
    assert set(report.stage_shares) == {"plan", "parse_wait", "embed", "commit", "index"}
    assert report.peak_rss_mb >= report.own_peak_rss_mb > 0
    assert report.parsers_peak_rss_mb > 0
    assert not any("pages/s" in value for _, value in report.summary_rows())


def test_files_can_be_generated_instead(tmp_path: Path) -> None:
    report = bench_ingest(None, files=5, settings=load_settings(), rounds=1, embedder=HashedEmbedder())
    assert (report.documents, report.chunks, report.failed) == (5, 5, 0)
    generate(tmp_path / "notes", 3)
    texts = {file.read_text() for file in (tmp_path / "notes").rglob("*.txt")}
    assert len(texts) == 3


def test_there_must_be_something_to_ingest(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="--files N"):
        bench_ingest(None, settings=load_settings())
    with pytest.raises(InvalidRequest, match="--files N"):
        bench_ingest(tmp_path, files=3, settings=load_settings())
    with pytest.raises(SourceError, match="does not exist"):
        bench_ingest(tmp_path / "nowhere", settings=load_settings(), embedder=HashedEmbedder())
    with pytest.raises(InvalidRequest, match="could be ingested"):
        bench_ingest(tmp_path, settings=load_settings(), embedder=HashedEmbedder())


def test_memory_counts_that_is_freed_again_before_the_end() -> None:
    with MemoryWatch() as nothing:
        pass
    with MemoryWatch() as memory:
        large = bytearray(b"x") * (200 * 2**20)
        wait_for(lambda: memory.own_mb > nothing.own_mb + 150)
        del large
    assert memory.own_mb > nothing.own_mb + 150
    assert memory.total_mb >= memory.own_mb
