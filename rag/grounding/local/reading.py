"""The loaded model: evidence in, and for each claim what its pieces and the whole of it are judged to be."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from rag.grounding.local.evidence import units
from rag.grounding.local.pieces import (
    ClaimPieces,
    Held,
    Passage,
    claim_pieces,
    claim_tokens,
    evidence_tokens,
    held,
    matches,
    passages,
)
from rag.grounding.local.reader import EvidenceReader, Memory, Tokens

_PIECES_KEPT = 8000
"""Evidence that is remembered for the next answer: several often rest on the same. 9 KiB a piece."""

_CLAIMS_AT_ONCE = 600
"""Pieces of claims that are asked in one pass."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimReading:
    """What the model makes of one claim.

    Attributes:
        places: the characters each piece stands for.
        pieces: probabilities of each piece, ``(pieces, labels)``, in the order of ``reader.LABELS``.
        whole: probabilities of the whole claim, ``(labels,)``.
    """

    places: tuple[tuple[int, int], ...]
    pieces: NDArray[np.float32]
    whole: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ReadEvidence:
    """Passages as the model remembers them."""

    memory: Memory
    tokens: Tokens
    held: Held


class ClaimReader:
    """A trained reader with its tokenizer; safe to share between threads."""

    def __init__(self, reader: EvidenceReader, tokenizer: Tokenizer) -> None:
        self._reader = reader.eval()
        self._tokenizer = tokenizer
        self._lock = threading.Lock()
        self._read: OrderedDict[tuple[Passage, ...], ReadEvidence] = OrderedDict()

    def cut(self, text: str) -> list[Passage]:
        """``text`` as passages that can be read."""
        return passages(units(text), self._tokenizer)

    def read(self, found: Sequence[Passage]) -> ReadEvidence:
        """Encode ``found``, at least one passage; what was read lately is not read again."""
        key = tuple(found)
        with self._lock, torch.inference_mode():
            known = self._read.pop(key, None)
            if known is None:
                tokens = evidence_tokens([found])
                known = ReadEvidence(self._reader.read(tokens), tokens, held(found))
            self._read[key] = known
            while len(self._read) > 1 and sum(map(_pieces, self._read)) > _PIECES_KEPT:
                self._read.popitem(last=False)
        return known

    def judge(self, evidence: ReadEvidence, texts: Sequence[str]) -> list[ClaimReading]:
        """One reading for each of ``texts``, in order."""
        claims = claim_pieces(texts, self._tokenizer)
        return [reading for some in _parts(claims) for reading in self._judge(evidence, some)]

    def _judge(self, evidence: ReadEvidence, claims: Sequence[ClaimPieces]) -> list[ClaimReading]:
        tokens = claim_tokens([[(claim, matches(claim, evidence.held)) for claim in claims]])
        with self._lock, torch.inference_mode():
            pieces, whole = self._reader.judge(evidence.memory, evidence.tokens, tokens)
        piece_probabilities = torch.softmax(pieces.float(), dim=1).numpy()
        whole_probabilities = torch.softmax(whole.float(), dim=1).numpy()
        readings = []
        place = 0
        for claim in claims:
            end = place + len(claim.pieces)
            readings.append(
                ClaimReading(
                    places=claim.places[1:-1],
                    pieces=piece_probabilities[place + 1 : end - 1],
                    whole=whole_probabilities[place],
                )
            )
            place = end
        return readings


def _parts(claims: Sequence[ClaimPieces]) -> Iterator[list[ClaimPieces]]:
    """``claims`` in parts that are asked together: the work grows with the square of their pieces."""
    part: list[ClaimPieces] = []
    for claim in claims:
        if part and sum(len(each.pieces) for each in part) + len(claim.pieces) > _CLAIMS_AT_ONCE:
            yield part
            part = []
        part.append(claim)
    if part:
        yield part


def _pieces(found: tuple[Passage, ...]) -> int:
    return sum(len(passage.pieces) for passage in found)
