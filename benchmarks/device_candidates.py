"""How many rows the known bound of each form leaves in the race on a device: the table of docs/gpu.md.

    python -m benchmarks.device_candidates --vectors DOCS.npy --questions QUESTIONS.npy [--count 1000000]

``--vectors`` are rows of real texts by the model in use; up to ``--count`` further ones are made between and
around pairs of them. On CPU tensors: the forms are the same on a GPU, and so are the rows, but for ties.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from benchmarks.vector_indexes import around, unit
from rag.domain import Matrix
from rag.index.device.forms import BYTES, HALVES
from rag.index.segments import DenseSegment

_HEAD = "| vectors | form | k | rows compared again, mean | 99 % | most | missed |\n|" + "---|" * 7


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--vectors", type=Path, required=True)
    parser.add_argument("--questions", type=Path, required=True)
    parser.add_argument("--count", type=int, default=0)
    asked = parser.parse_args()
    vectors = unit(np.load(asked.vectors).astype(np.float32))
    questions = unit(np.load(asked.questions).astype(np.float32))
    missing = asked.count - len(vectors)
    if missing > 0:
        vectors = np.concatenate([vectors, around(vectors, missing, np.random.default_rng(1))])
    print(_HEAD)
    for line in table_rows(vectors.astype(np.float16).astype(np.float32), questions):
        print(line, flush=True)


def table_rows(vectors: Matrix, questions: Matrix) -> list[str]:
    """A row of the table for each form and ``k``."""
    segment = DenseSegment.build("all", np.arange(len(vectors)), vectors, sketched_from=len(vectors) + 1)
    held = {form.name: form.rows(vectors, "cpu") for form in (HALVES, BYTES)}
    lines = []
    for k in (10, 100):
        exact = [segment.nearest(question, k, mask=None, exact=True)[0] for question in questions]
        for name, there in held.items():
            found = there.nearest(questions, k, mask=None)
            sizes, missed = [], 0
            for question, scanned, places in zip(questions, exact, found, strict=True):
                if places is None:
                    raise RuntimeError(f"Vectors as {name} could not be told apart for k {k}.")
                sizes.append(len(places))
                missed += len(np.setdiff1d(_best(vectors, question, scanned, k), places))
            lines.append(
                f"| {len(vectors):,} | {name} | {k} | {np.mean(sizes):.1f} | "
                f"{np.percentile(sizes, 99):.0f} | {max(sizes)} | {missed} |"
            )
    return lines


def _best(vectors: Matrix, question: Matrix, places: np.ndarray, k: int) -> np.ndarray:
    """The ``k`` best of ``places``."""
    return np.asarray(places[np.argsort(-(vectors[places] @ question))[:k]])


if __name__ == "__main__":
    main()
