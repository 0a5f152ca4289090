"""Pairs of natural-language inference: a premise, a hypothesis and a label, as JSONL or as a table with tabs.

The names of the columns are those of SNLI (Bowman et al. 2015, https://arxiv.org/abs/1508.05326), of the GLUE
tables and of their copies on hubs. A pair is a response to check: the hypothesis, against the premise.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AliasChoices, BeforeValidator, Field

from eval.readers.groundedness import GroundednessDataset, GroundednessRecord
from eval.readers.lines import FileRow, Id, Text, read_records, read_table

PREMISE = ("premise", "sentence1")
HYPOTHESIS = ("hypothesis", "sentence2")
TABLE_SUFFIX = ".tsv"

_ENTAILED = "entailment"
_LABELS = {
    **{name: name for name in (_ENTAILED, "neutral", "contradiction", "not_entailment")},
    "0": _ENTAILED,
    "1": "neutral",
    "2": "contradiction",
}
_UNDECIDED = frozenset({"-", "-1"})


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class PairRow(FileRow):
    """A line of a file of pairs; labels are words, or 0, 1 and 2 for entailment, neutral, contradiction."""

    id: Id | None = Field(default=None, validation_alias=AliasChoices("id", "pairID", "index", "idx"))
    premise: Text = Field(validation_alias=AliasChoices(*PREMISE))
    hypothesis: Text = Field(validation_alias=AliasChoices(*HYPOTHESIS))
    label: Annotated[str, BeforeValidator(_as_text)] = Field(
        validation_alias=AliasChoices("gold_label", "label")
    )
    group: Text | None = Field(default=None, validation_alias=AliasChoices("task", "domain", "genre"))


def read_nli(file: Path) -> GroundednessDataset:
    """Read pairs; a hypothesis that its premise does not entail is an unsupported response.

    Pairs of one premise belong to one source. A file whose name ends in ``.tsv`` (or ``.tsv.gz``) is a table.

    Raises:
        DatasetError: the file cannot be read or holds no usable line.
    """
    read = read_table if is_table(file) else read_records
    records, failures = read(file, PairRow, _record)
    return GroundednessDataset(name=file.name, records=tuple(records), failures=tuple(failures))


def is_table(file: Path) -> bool:
    """Whether the file's name says that its values are separated by tabs."""
    return file.name.lower().removesuffix(".gz").endswith(TABLE_SUFFIX)


def _record(line: int, row: PairRow) -> GroundednessRecord:
    given = row.label.strip().lower()
    if given in _UNDECIDED:
        raise ValueError(f"the label is {row.label!r}: the annotators did not agree on one")
    if given not in _LABELS:
        raise ValueError(f"the label is {row.label!r}, expected one of {', '.join(_LABELS)}")
    if not row.hypothesis.strip():
        raise ValueError("'hypothesis' is blank; it claims nothing")
    label = _LABELS[given]
    return GroundednessRecord(
        id=row.id or f"line {line}",
        line=line,
        source_id=None,
        context=(row.premise,),
        response=row.hypothesis,
        question=None,
        unsupported=label != _ENTAILED,
        label=label,
        spans=None,
        group=row.group,
    )
