"""Responses with gold labels, in whichever of the known layouts they come."""

from __future__ import annotations

import json
from pathlib import Path

from eval.readers.groundedness import GroundednessDataset, read_groundedness
from eval.readers.lines import numbered_lines
from eval.readers.nli import HYPOTHESIS, PREMISE, is_table, read_nli
from eval.readers.ragtruth import read_ragtruth


def read_responses(path: Path) -> GroundednessDataset:
    """Read Footnote's own lines, pairs of premise and hypothesis (JSONL or TSV), or a folder of RAGTruth.

    Raises:
        DatasetError: the file or folder cannot be read or holds no usable line.
    """
    if path.is_dir():
        return read_ragtruth(path)
    return read_nli(path) if is_table(path) or _holds_pairs(path) else read_groundedness(path)


def _holds_pairs(path: Path) -> bool:
    """Whether the first line that is an object has a premise and a hypothesis."""
    for _, line in numbered_lines(path):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue  # named by whichever reader reads the file
        if isinstance(row, dict):
            return any(name in row for name in PREMISE) and any(name in row for name in HYPOTHESIS)
    return False
