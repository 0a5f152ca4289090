"""Embedding and search on a GPU: ``make bench-gpu``, or ``python -m benchmarks.gpu [--sizes 100000]``.

Prints what ``benchmarks/gpu_embedding.py`` and ``footnote bench index --device`` measure as tables, and
writes them with the device's name into docs/gpu.md, each between its two marks. ``--check`` only says whether
there is a GPU that PyTorch sees, and exits 1 where there is none.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import torch

from benchmarks import gpu_embedding
from eval.bench_device import bench_device
from eval.device_report import TABLE_HEAD
from eval.written_part import write_part
from rag.embedding.sentence_transformer import DEFAULT_MODEL

PAGE = Path("docs/gpu.md")
SIZES = (100_000, 1_000_000, 10_000_000)
EMBEDDING, SEARCH = "embedding", "search"
MARKS = {
    EMBEDDING: ("<!-- embedding, written by make bench-gpu -->", "<!-- end of embedding -->"),
    SEARCH: ("<!-- written by make bench-gpu -->", "<!-- end of what make bench-gpu wrote -->"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--device", default="cuda", help="cuda, cuda:N, or cpu to try the code (default: cuda)"
    )
    parser.add_argument("--check", action="store_true", help="only look whether there is a GPU")
    parser.add_argument("--parts", default=",".join(MARKS), help="embedding, search, or both")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="what to embed with (default: %(default)s)")
    parser.add_argument("--sizes", type=numbers, default=SIZES, help="vectors, separated by commas")
    parser.add_argument("--texts", type=int, default=gpu_embedding.TEXTS, help="texts of each kind to embed")
    parser.add_argument(
        "--tokens",
        type=numbers,
        default=gpu_embedding.TOKENS_AT_ONCE,
        help="padded tokens of a batch of texts, separated by commas",
    )
    parser.add_argument("--print-only", action="store_true", help="leave docs/gpu.md as it is")
    asked = parser.parse_args()
    if asked.device != "cpu":
        require_gpu()
    if asked.check:
        return
    tables = {
        EMBEDDING: lambda: embedding_lines(asked.device, asked.model, asked.texts, asked.tokens),
        SEARCH: lambda: search_lines(asked.device, asked.sizes),
    }
    for part in asked.parts.split(","):
        lines = []
        for line in tables[part]():
            print(line, flush=True)
            lines.append(line)
        if not asked.print_only:
            write_tables(lines, PAGE, part=part)


def numbers(text: str) -> list[int]:
    """Whole numbers separated by commas."""
    return [int(each) for each in text.split(",")]


def require_gpu() -> None:
    """Exit with status 1 and what to do where PyTorch sees no GPU: nothing was tested, nothing measured."""
    if torch.cuda.is_available():
        return
    why = (
        "no driver or no device answers: nvidia-smi must list one"
        if torch.version.cuda
        else f"torch {torch.__version__} is built for CPUs: install one built for CUDA"
    )
    sys.exit(
        f"PyTorch sees no GPU here, so nothing was run ({why}). "
        f"On a machine with an NVIDIA GPU use an environment made by: make setup EXTRAS=gpu,dev"
    )


def embedding_lines(device: str, model: str, texts: int, tokens_at_once: list[int]) -> Iterator[str]:
    """The table of embedding, line by line."""
    yield from _head(gpu_embedding.HEAD)
    benches = gpu_embedding.EmbeddingBenches(device=device, model=model)
    for kind, some in gpu_embedding.handbook_texts(texts, benches.embedder).items():
        for tokens in tokens_at_once:
            yield benches.row(kind, some, tokens_at_once=tokens)
    yield from ("", f"{benches.embedder.description}: {_where(device)}.")


def search_lines(device: str, sizes: list[int]) -> Iterator[str]:
    """The table of search, line by line."""
    yield from _head(TABLE_HEAD)
    copied = 0.0
    for size in sizes:
        report = bench_device(size, device=device)
        copied = report.copy_gb_per_second
        yield from report.table_rows()
    yield from ("", f"{_where(device)}; copies {copied:,.0f} GB/s.")


def _head(titles: str) -> tuple[str, str]:
    return titles, "|" + "---|" * (titles.count(" | ") + 1)


def _where(device: str) -> str:
    name = "CPU tensors" if device == "cpu" else torch.cuda.get_device_name(device)
    return f"{name}, torch {torch.__version__}, {datetime.now(tz=UTC).date().isoformat()}"


def write_tables(lines: list[str], page: Path = PAGE, *, part: str = SEARCH) -> None:
    """Replace what stands between the page's marks for ``part``. Raises: ValueError where they are not."""
    begin, end = MARKS[part]
    write_part(page, lines, begin=begin, end=end)


if __name__ == "__main__":
    main()
