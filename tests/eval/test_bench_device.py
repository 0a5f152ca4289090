"""``footnote bench index --device``, on CPU tensors, and the page that ``make bench-gpu`` writes into."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.gpu import PAGE, table_rows, write_tables
from eval import bench_device
from eval.bench_device import DeviceBench

HOUSE = Path(__file__).parents[2]


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch) -> DeviceBench:
    monkeypatch.setattr(bench_device, "BATCHES", (1, 4))
    monkeypatch.setattr(bench_device, "_RECALLED", 4)
    monkeypatch.setattr(bench_device, "_COPIED_BYTES", 2**20)
    return bench_device.bench_device(2000, device="cpu")


def test_every_batch_is_searched_exactly_and_set_against_its_floor(report: DeviceBench) -> None:
    assert (report.device, report.chunks, report.recall_at_10) == ("CPU tensors", 2000, 1.0)
    assert report.device_mb == pytest.approx(2000 * 384 * 2 / 1e6, abs=0.1)
    assert [each.batch for each in report.batches] == [1, 4]
    assert all(each.over_floor > 0 and each.over_cpu > 0 for each in report.batches)
    assert [name for name, _ in report.summary_rows()][-2:] == ["batch 1", "batch 4"]


def test_the_page_has_room_for_the_tables(report: DeviceBench, tmp_path: Path) -> None:
    page = tmp_path / "gpu.md"
    page.write_text((HOUSE / PAGE).read_text(encoding="utf-8"), encoding="utf-8")
    write_tables(table_rows(report), page)
    write_tables(table_rows(report), page)
    written = page.read_text(encoding="utf-8")
    assert written.count("| 2,000 | 2 MB |") == 2
    with pytest.raises(ValueError, match="does not hold the marks"):
        write_tables([], HOUSE / "README.md")
