"""Texts as rows of word pieces: evidence in passages that the model can read, claims with their matches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from tokenizers import Encoding, Tokenizer

from rag.grounding.local.reader import Tokens

FIRST, LAST = 101, 102
"""The encoder's marks before and after a text."""

PASSAGE_PIECES = 240
"""Evidence is read in passages of at most so many pieces in training."""

CLAIM_PIECES = 160
NO_MATCH, PIECE_MATCH, NEIGHBOUR_MATCH, SPECIAL_MATCH = range(4)


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of one evidence text, and its pieces, marks included."""

    text: str
    pieces: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ClaimPieces:
    """Pieces of a claim, marks included, and the characters each stands for (``(0, 0)`` for marks)."""

    pieces: tuple[int, ...]
    places: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Held:
    """Which pieces, and which neighbours, some evidence holds."""

    pieces: frozenset[int]
    neighbours: frozenset[tuple[int, int]]


def passages(units: Sequence[str], tokenizer: Tokenizer, *, most: int = PASSAGE_PIECES) -> list[Passage]:
    """Put ``units`` together to passages of at most ``most`` pieces; only a longer unit is cut."""
    found: list[Passage] = []
    texts: list[str] = []
    current: list[int] = []
    for unit, encoding in zip(
        units, tokenizer.encode_batch(list(units), add_special_tokens=False), strict=True
    ):
        for begin in range(0, len(encoding.ids), most):
            ids = encoding.ids[begin : begin + most]
            if len(current) + len(ids) > most:
                found.append(_passage(texts, current))
                texts, current = [], []
            places = encoding.offsets[begin : begin + most]
            texts.append(unit[places[0][0] : places[-1][1]])
            current = current + ids
    return [*found, _passage(texts, current)] if current else found


def claim_pieces(texts: Sequence[str], tokenizer: Tokenizer) -> list[ClaimPieces]:
    """Pieces of claims; what is beyond the model's length is left out."""
    encodings: list[Encoding] = tokenizer.encode_batch(list(texts), add_special_tokens=False)
    return [
        ClaimPieces((FIRST, *each.ids[:CLAIM_PIECES], LAST), ((0, 0), *each.offsets[:CLAIM_PIECES], (0, 0)))
        for each in encodings
    ]


def held(found: Sequence[Passage]) -> Held:
    """What ``found`` holds, passage by passage."""
    pieces = frozenset(piece for passage in found for piece in passage.pieces)
    return Held(pieces, frozenset(pair for passage in found for pair in pairwise(passage.pieces)))


def matches(claim: ClaimPieces, evidence: Held) -> list[int]:
    """How each piece of ``claim`` is found in the evidence."""
    ids = claim.pieces
    kinds = [SPECIAL_MATCH]
    for before, piece, after in zip(ids, ids[1:], ids[2:], strict=False):
        beside = (before, piece) in evidence.neighbours or (piece, after) in evidence.neighbours
        if piece not in evidence.pieces:
            kinds.append(NO_MATCH)
        else:
            kinds.append(NEIGHBOUR_MATCH if beside else PIECE_MATCH)
    return [*kinds, SPECIAL_MATCH]


def evidence_tokens(rows: Sequence[Sequence[Passage]]) -> Tokens:
    """Rows of passages as tensors."""
    texts = [passage.pieces for row in rows for passage in row]
    return _tokens(texts, None, [[len(passage.pieces) for passage in row] for row in rows])


def claim_tokens(rows: Sequence[Sequence[tuple[ClaimPieces, Sequence[int]]]]) -> Tokens:
    """Rows of claims with their matches as tensors."""
    texts = [claim.pieces for row in rows for claim, _ in row]
    found = [kind for row in rows for _, kinds in row for kind in kinds]
    return _tokens(texts, found, [[len(claim.pieces) for claim, _ in row] for row in rows])


def _tokens(
    texts: Sequence[Sequence[int]], found: Sequence[int] | None, lengths: Sequence[Sequence[int]]
) -> Tokens:
    pieces = torch.tensor([piece for text in texts for piece in text])
    return Tokens(
        pieces=pieces,
        positions=torch.tensor([place for text in texts for place in range(len(text))]),
        matches=torch.zeros_like(pieces) if found is None else torch.tensor(found),
        lengths=tuple(tuple(row) for row in lengths),
    )


def _passage(texts: Sequence[str], ids: Sequence[int]) -> Passage:
    return Passage(" ".join(texts), (FIRST, *ids, LAST))
