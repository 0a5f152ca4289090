"""``footnote bench index --device``, on CPU tensors, and the page that ``make bench-gpu`` writes into."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.gpu import PAGE, write_tables
from eval import bench_device
from eval.device_report import TABLE_HEAD, DeviceBench
from rag.index.device.forms import BYTES, HALVES
from tests.faiss_as_on_a_gpu import form_as_on_a_gpu

HOUSE = Path(__file__).parents[2]


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch) -> DeviceBench:
    monkeypatch.setattr(bench_device, "BATCHES", (1, 4))
    monkeypatch.setattr(bench_device, "_RECALLED", 4)
    monkeypatch.setattr(bench_device, "_COPIED_BYTES", 2**20)
    return bench_device.bench_device(2000, device="cpu", forms=[HALVES, BYTES, form_as_on_a_gpu()])


def test_every_form_is_searched_without_a_miss_and_set_against_its_floor(report: DeviceBench) -> None:
    assert (report.device, report.chunks) == ("CPU tensors", 2000)
    assert {form.form: form.recall_at_10 for form in report.forms} == {
        "half precision": 1.0,
        "bytes": 1.0,
        "half precision, by FAISS": 1.0,
    }
    halves, as_bytes, faiss = report.forms
    assert halves.device_mb == pytest.approx(faiss.device_mb) == pytest.approx(2000 * 772 / 1e6, abs=0.1)
    assert as_bytes.device_mb == pytest.approx(2000 * 392 / 1e6, abs=0.1)
    assert as_bytes.compared_again > halves.compared_again >= 10
    for form in report.forms:
        assert [each.batch for each in form.batches] == [1, 4]
        assert all(each.over_floor > 0 and each.over_cpu > 0 for each in form.batches)
    names = [name for name, _ in report.summary_rows()]
    assert names[-3:] == ["half precision, by FAISS", "  batch 1", "  batch 4"]


def test_without_a_gpu_the_forms_of_pytorch_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_device, "BATCHES", (1,))
    monkeypatch.setattr(bench_device, "_COPIED_BYTES", 2**20)
    report = bench_device.bench_device(500, device="cpu")
    assert [form.form for form in report.forms] == ["half precision", "bytes"]


def test_the_page_has_room_for_the_tables(report: DeviceBench, tmp_path: Path) -> None:
    page = tmp_path / "gpu.md"
    page.write_text((HOUSE / PAGE).read_text(encoding="utf-8"), encoding="utf-8")
    write_tables(report.table_rows(), page)
    write_tables(report.table_rows(), page)
    written = page.read_text(encoding="utf-8")
    assert written.count("| 2,000 | ") == 6
    assert all(row.count("|") == TABLE_HEAD.count("|") for row in report.table_rows())
    with pytest.raises(ValueError, match="does not hold the marks"):
        write_tables([], HOUSE / "README.md")
