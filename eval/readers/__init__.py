"""Readers of evaluation data: each gives the good records and a list of the lines it could not use."""

from eval.readers.beir import BeirDataset, BeirDocument, BeirQuery, read_beir
from eval.readers.groundedness import GoldSpan, GroundednessDataset, GroundednessRecord, read_groundedness
from eval.readers.lines import LineFailure
from eval.readers.nli import read_nli
from eval.readers.ragtruth import read_ragtruth
from eval.readers.refusal import GivenPassage, RefusalDataset, RefusalRecord, read_refusal
from eval.readers.responses import read_responses
from eval.readers.squad import SquadDataset, SquadQuestion, read_squad

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
    "SquadDataset",
    "SquadQuestion",
    "read_beir",
    "read_groundedness",
    "read_nli",
    "read_ragtruth",
    "read_refusal",
    "read_responses",
    "read_squad",
]
