"""The loaded model: evidence in, and for each claim what its pieces and the whole of it are judged to be."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor

from rag.grounding.local.evidence import units
from rag.grounding.local.pieces import (
    ClaimPieces,
    Passage,
    claim_pieces,
    claim_tokens,
    evidence_tokens,
    held,
    matches,
    passages,
)
from rag.grounding.local.reader import EvidenceReader, Memory

WINDOW_PIECES = 80
"""Evidence is read in passages of so many pieces, a few sentences: shorter than in training, where those of a
claim are known. The scores on held-out answers are the same, and less that concerns nobody is read."""

_TEXTS_KEPT = 500
_PIECES_KEPT = 16_000
"""Evidence that is remembered for the next answer, which often rests on the same. 9 KiB a piece."""

_CLAIMS_AT_ONCE = 600
"""Pieces of claims that are asked in one pass."""

Asked = tuple[str, Sequence[Passage]]
"""A claim and the passages that it is read against, at least one."""


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


class ClaimReader:
    """A trained reader with its tokenizer; safe to share between threads."""

    def __init__(self, reader: EvidenceReader, tokenizer: Tokenizer) -> None:
        self._reader = reader.eval()
        self._tokenizer = tokenizer
        self._lock = threading.Lock()
        self._read: OrderedDict[Passage, Tensor] = OrderedDict()
        self._cut = lru_cache(maxsize=_TEXTS_KEPT)(self._cut_into_passages)

    def cut(self, text: str) -> tuple[Passage, ...]:
        """``text`` as passages that can be read."""
        return self._cut(text)

    def judge(self, asked: Sequence[Asked]) -> list[ClaimReading]:
        """One reading for each claim, in order; a passage that was read lately is not read again."""
        claims = claim_pieces([claim for claim, _ in asked], self._tokenizer)
        rows = list(zip(claims, (tuple(seen) for _, seen in asked), strict=True))
        return [reading for some in _parts(rows) for reading in self._judge(some)]

    def _cut_into_passages(self, text: str) -> tuple[Passage, ...]:
        return tuple(passages(units(text), self._tokenizer, most=WINDOW_PIECES))

    def _judge(self, rows: Sequence[tuple[ClaimPieces, tuple[Passage, ...]]]) -> list[ClaimReading]:
        tokens = claim_tokens([[(claim, matches(claim, held(seen)))] for claim, seen in rows])
        with self._lock, torch.inference_mode():
            memory = self._memory([seen for _, seen in rows])
            sizes = [(sum(len(passage.pieces) for passage in seen),) for _, seen in rows]
            pieces, whole = self._reader.judge(memory, sizes, tokens)
        piece_probabilities = torch.softmax(pieces.float(), dim=1).numpy()
        whole_probabilities = torch.softmax(whole.float(), dim=1).numpy()
        ends = accumulate((len(claim.pieces) for claim, _ in rows), initial=0)
        return [
            ClaimReading(
                places=claim.places[1:-1],
                pieces=piece_probabilities[start + 1 : end - 1],
                whole=whole_probabilities[start],
            )
            for (claim, _), (start, end) in zip(rows, pairwise(ends), strict=True)
        ]

    def _memory(self, rows: Sequence[tuple[Passage, ...]]) -> Memory:
        """What the claim of each row sees of its passages."""
        wanted = dict.fromkeys(passage for row in rows for passage in row)
        new = [passage for passage in wanted if passage not in self._read]
        if new:
            tokens = evidence_tokens([new])
            read = torch.stack([part for layer in self._reader.read(tokens) for part in layer])
            lengths = [len(passage.pieces) for passage in new]
            self._read.update(zip(new, map(Tensor.clone, torch.split(read, lengths, dim=1)), strict=True))
        for passage in wanted:
            self._read.move_to_end(passage)
        together = torch.cat([self._read[passage] for row in rows for passage in row], dim=1)
        kept = sum(len(passage.pieces) for passage in self._read)
        while len(self._read) > 1 and kept > _PIECES_KEPT:
            oldest, _ = self._read.popitem(last=False)
            kept -= len(oldest.pieces)
        return list(zip(together[0::2], together[1::2], strict=True))


def _parts(
    rows: Sequence[tuple[ClaimPieces, tuple[Passage, ...]]],
) -> Iterator[list[tuple[ClaimPieces, tuple[Passage, ...]]]]:
    """``rows`` in parts that are asked together."""
    part: list[tuple[ClaimPieces, tuple[Passage, ...]]] = []
    for row in rows:
        if part and sum(len(claim.pieces) for claim, _ in part) + len(row[0].pieces) > _CLAIMS_AT_ONCE:
            yield part
            part = []
        part.append(row)
    if part:
        yield part
