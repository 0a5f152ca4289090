"""Readers of evaluation data: each gives the good records and a list of the lines it could not use."""

from eval.readers.beir import BeirDataset, BeirDocument, BeirQuery, read_beir
from eval.readers.groundedness import GoldSpan, GroundednessDataset, GroundednessRecord, read_groundedness
from eval.readers.lines import LineFailure
from eval.readers.refusal import GivenPassage, RefusalDataset, RefusalRecord, read_refusal

__all__ = [
    "BeirDataset",
    "BeirDocument",
    "BeirQuery",
    "GivenPassage",
    "GoldSpan",
    "GroundednessDataset",
    "GroundednessRecord",
    "LineFailure",
    "RefusalDataset",
    "RefusalRecord",
    "read_beir",
    "read_groundedness",
    "read_refusal",
]
