"""The embedding part of ``make bench-gpu``, on CPU tensors, and what it says where there is no GPU."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from sentence_transformers import SentenceTransformer

from benchmarks import gpu
from benchmarks.gpu_embedding import HEAD, EmbeddingBenches
from tests.encoders import write_encoder

HOUSE = Path(__file__).parents[2]
WORDS = ["leave", "days", "annual", "key", "vpn"]
TEXTS = [" ".join(WORDS[: 1 + place % 5] * (1 + place % 9)) for place in range(90)]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split(" | ")]


def test_a_row_says_how_fast_against_the_floor_and_against_encode(tmp_path: Path) -> None:
    folder = write_encoder(tmp_path, words=WORDS)
    benches = EmbeddingBenches(device="cpu", precision="float32", model=str(folder), rounds=2)
    found = benches.bench("chunks", TEXTS, tokens_at_once=200)
    assert len(found.lengths) == 90
    assert sum(found.lengths) == sum(len(text.split()) + 2 for text in TEXTS)
    assert sum(found.lengths) <= found.padded < 1.2 * sum(found.lengths)
    assert min(found.seconds, found.floor, found.plain, found.over_floor, found.over_plain) > 0
    assert len(cells(found.row())) == len(cells(HEAD))
    assert cells(found.row())[:3] == ["90 chunks", "14, 38", "200"]


def test_the_floor_computes_the_same_tokens_without_padding(tmp_path: Path) -> None:
    folder = write_encoder(tmp_path, words=WORDS)
    benches = EmbeddingBenches(device="cpu", precision="float32", model=str(folder))
    packed = list(benches.packed(TEXTS, 200))
    tokens = sum(each["input_ids"].numel() for each in packed)
    assert tokens == pytest.approx(sum(len(text.split()) + 2 for text in TEXTS), rel=0.05)
    assert all(bool(each["attention_mask"].all()) for each in packed)


def test_a_batch_without_room_on_the_device_is_a_row_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    benches = EmbeddingBenches(device="cpu", model=str(write_encoder(tmp_path, words=WORDS)))
    monkeypatch.setattr(SentenceTransformer, "forward", full)
    row = benches.row("chunks", TEXTS, tokens_at_once=200)
    assert "out of memory" in row
    assert row.count("|") == HEAD.count("|")


@pytest.mark.parametrize("part", gpu.MARKS)
def test_the_page_has_room_for_both_tables(part: str, tmp_path: Path) -> None:
    page = tmp_path / "gpu.md"
    page.write_text((HOUSE / gpu.PAGE).read_text(encoding="utf-8"), encoding="utf-8")
    gpu.write_tables(["| measured |"], page, part=part)
    begin, end = gpu.MARKS[part]
    assert re.search(f"{begin}\\s+\\| measured \\|\\s+{end}", page.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("cuda", "why"), [(None, "is built for CPUs"), ("12.8", "nvidia-smi must list one")])
def test_without_a_gpu_nothing_is_run_and_it_is_said_why(
    cuda: str | None, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", cuda)
    monkeypatch.setattr("sys.argv", ["gpu", "--check"])
    with pytest.raises(SystemExit, match=f"PyTorch sees no GPU here.*{why}") as ended:
        gpu.main()
    assert ended.value.code not in (0, None)


def test_with_a_gpu_the_check_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr("sys.argv", ["gpu", "--check"])
    gpu.main()


def test_the_whole_table_is_made_by_one_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_encoder(tmp_path, words=WORDS)
    page = tmp_path / "gpu.md"
    page.write_text("before\n{}\nold\n{}\nafter\n".format(*gpu.MARKS[gpu.EMBEDDING]))
    monkeypatch.setattr(gpu, "PAGE", page)
    monkeypatch.setattr("benchmarks.gpu_embedding.SAMPLES", tmp_path / "handbook")
    (tmp_path / "handbook").mkdir()
    (tmp_path / "handbook" / "leave.txt").write_text("Annual leave is of 25 days. " * 40)
    options = ["--device", "cpu", "--parts", "embedding", "--texts", "20", "--tokens", "64,256"]
    monkeypatch.setattr("sys.argv", ["gpu", *options, "--model", str(folder)])
    gpu.main()
    written = page.read_text(encoding="utf-8")
    assert [kind in written for kind in ("20 chunks", "20 sentences", "20 long texts", "old")] == [
        True,
        True,
        True,
        False,
    ]
    assert "CPU tensors" in written
    assert capsys.readouterr().out in written
