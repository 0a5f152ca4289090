"""Groups as tensors: word pieces of evidence and claims, and a label for every piece that has one."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from torch import Tensor

from eval.training.examples import Claim, Group
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
from rag.grounding.local.reader import LABELS, Tokens

UNKNOWN = -100
"""The label of pieces that teach nothing: marks, padding, and claims where nobody marked any characters."""

_CLAIMS_A_ROW = 600
"""Claims of a group that come to more pieces are asked in several rows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A group, or a part of one, in pieces."""

    passages: tuple[Passage, ...]
    claims: tuple[tuple[ClaimPieces, tuple[int, ...]], ...]
    token_labels: tuple[tuple[int, ...], ...]
    claim_labels: tuple[int, ...]

    @property
    def size(self) -> tuple[int, int]:
        """Pieces of the evidence and of the claims."""
        return sum(len(each.pieces) for each in self.passages), sum(len(c.pieces) for c, _ in self.claims)

    def thinned(self, choose: random.Random, kept: float) -> Row:
        """The row without some of its supported claims: each is kept with probability ``kept``."""
        places = [n for n, label in enumerate(self.claim_labels) if label != 0 or choose.random() < kept]
        return Row(
            passages=self.passages,
            claims=tuple(self.claims[n] for n in places),
            token_labels=tuple(self.token_labels[n] for n in places),
            claim_labels=tuple(self.claim_labels[n] for n in places),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Rows as tensors; where there is no label stands :data:`UNKNOWN`, a claim's at its first piece."""

    evidence: Tokens
    claims: Tokens
    token_labels: Tensor
    claim_labels: Tensor


def rows(groups: Iterable[Group], tokenizer: Tokenizer) -> Iterator[Row]:
    """Every group in pieces, split where it has many claims."""
    for group in groups:
        read = [passage for text in group.evidence for passage in passages(units(text), tokenizer)]
        known = held(read)
        pieces = claim_pieces([claim.text for claim in group.claims], tokenizer)
        current: list[tuple[Claim, ClaimPieces]] = []
        length = 0
        for claim, found in zip(group.claims, pieces, strict=True):
            if current and length + len(found.pieces) > _CLAIMS_A_ROW:
                yield _row(read, current, known)
                current, length = [], 0
            current.append((claim, found))
            length += len(found.pieces)
        if current:
            yield _row(read, current, known)


def batches(found: Iterable[Row], *, pieces: int) -> Iterator[list[Row]]:
    """Rows in their order, at most ``pieces`` a batch; a row that alone has more is a batch of its own."""
    current: list[Row] = []
    size = 0
    for row in found:
        if current and size + sum(row.size) > pieces:
            yield current
            current, size = [], 0
        current.append(row)
        size += sum(row.size)
    if current:
        yield current


def collate(found: Sequence[Row]) -> Batch:
    """Rows as tensors."""
    labels = [
        label if place == 0 else UNKNOWN
        for row in found
        for label, (claim, _) in zip(row.claim_labels, row.claims, strict=True)
        for place in range(len(claim.pieces))
    ]
    return Batch(
        evidence=evidence_tokens([row.passages for row in found]),
        claims=claim_tokens([row.claims for row in found]),
        token_labels=torch.tensor([each for row in found for claim in row.token_labels for each in claim]),
        claim_labels=torch.tensor(labels),
    )


def _row(read: Sequence[Passage], current: Sequence[tuple[Claim, ClaimPieces]], known: Held) -> Row:
    return Row(
        passages=tuple(read),
        claims=tuple((found, tuple(matches(found, known))) for _, found in current),
        token_labels=tuple(_token_labels(claim, found) for claim, found in current),
        claim_labels=tuple(LABELS.index(claim.label) for claim, _ in current),
    )


def _token_labels(claim: Claim, found: ClaimPieces) -> tuple[int, ...]:
    if claim.spans is None:
        return (UNKNOWN,) * len(found.pieces)
    return tuple(UNKNOWN if end == 0 else _label(claim, start, end) for start, end in found.places)


def _label(claim: Claim, start: int, end: int) -> int:
    for span in claim.spans or ():
        if span.start < end and start < span.end:
            return LABELS.index(span.label)
    return 0
