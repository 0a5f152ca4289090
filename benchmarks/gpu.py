"""Search on a GPU, size by size: ``make bench-gpu``, or ``python -m benchmarks.gpu [--sizes 100000]``.

Prints what ``footnote bench index --device`` measures as tables, and writes them with the device's name into
docs/gpu.md, between its two marks.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

import torch

from eval.bench_device import bench_device
from eval.device_report import TABLE_HEAD
from eval.written_part import write_part
from rag.embedding.sentence_transformer import choose_device

PAGE = Path("docs/gpu.md")
SIZES = (100_000, 1_000_000, 10_000_000)
_BEGIN, _END = "<!-- written by make bench-gpu -->", "<!-- end of what make bench-gpu wrote -->"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--device", default="cuda", help="cuda, cuda:N, or cpu to try the code (default: cuda)"
    )
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="vectors, separated by commas")
    parser.add_argument("--print-only", action="store_true", help="leave docs/gpu.md as it is")
    asked = parser.parse_args()
    device = choose_device(asked.device)
    lines = [TABLE_HEAD, "|" + "---|" * TABLE_HEAD.count(" | ") + "---|"]
    print("\n".join(lines))
    for size in map(int, asked.sizes.split(",")):
        report = bench_device(size, device=device)
        rows = report.table_rows()
        print("\n".join(rows), flush=True)
        lines += rows
    today = datetime.now(tz=UTC).date().isoformat()
    lines += [
        "",
        f"{report.device}, torch {torch.__version__}, {today}; copies {report.copy_gb_per_second:,.0f} GB/s.",
    ]
    print(lines[-1])
    if not asked.print_only:
        write_tables(lines)


def write_tables(lines: list[str], page: Path = PAGE) -> None:
    """Replace what stands between the page's marks. Raises: ValueError where they are not."""
    write_part(page, lines, begin=_BEGIN, end=_END)


if __name__ == "__main__":
    main()
