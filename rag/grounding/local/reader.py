"""The model: reads evidence once, then every claim token against all of it.

A BERT encoder with two kinds of rows. Evidence tokens see the tokens of their own passage; claim tokens see
those of their own claim and every evidence token, layer by layer. So evidence is encoded once however many
claims are asked of it, and passages of any number take part together. Beside its word piece a claim token knows
whether the evidence holds that piece, and whether it holds it after the same neighbour.

Each claim token is carried, not carried or contradicted, and each claim as a whole likewise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

LABELS = ("supported", "unsupported", "contradicted")
MATCHES = 4
"""Kinds of match of a claim token: none, its piece, its piece and neighbour, padding or special."""

_HIDDEN = -1e4
"""Added to the score of what a token must not see."""

Memory = list[tuple[Tensor, Tensor]]
"""Keys and values of the evidence, layer by layer, each ``(groups, heads, tokens, width)``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReaderShape:
    """Sizes of the encoder, those of the default embedding model."""

    vocabulary: int = 30522
    positions: int = 512
    width: int = 384
    inner: int = 1536
    heads: int = 12
    layers: int = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Tokens:
    """Rows of tokens, padded: several passages or several claims stand in one row.

    Attributes:
        pieces: word pieces, ``(groups, tokens)``.
        positions: of each piece in its own passage or claim.
        parts: which passage or claim of its row a piece belongs to, -1 for padding.
        matches: how a claim's piece is found in the evidence, see :data:`MATCHES`; zeros for evidence.
    """

    pieces: Tensor
    positions: Tensor
    parts: Tensor
    matches: Tensor


class ReaderLayer(nn.Module):
    """One encoder layer; what a row sees besides itself is given as ready keys and values."""

    def __init__(self, shape: ReaderShape, dropout: float) -> None:
        super().__init__()
        self.heads = shape.heads
        self.dropout = dropout
        self.query = nn.Linear(shape.width, shape.width)
        self.key = nn.Linear(shape.width, shape.width)
        self.value = nn.Linear(shape.width, shape.width)
        self.attended = nn.Linear(shape.width, shape.width)
        self.attended_norm = nn.LayerNorm(shape.width, eps=1e-12)
        self.widen = nn.Linear(shape.width, shape.inner)
        self.narrow = nn.Linear(shape.inner, shape.width)
        self.output_norm = nn.LayerNorm(shape.width, eps=1e-12)

    def forward(
        self, rows: Tensor, mask: Tensor, memory: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """New rows, and the keys and values of ``rows`` for others to see.

        Args:
            rows: ``(groups, tokens, width)``.
            mask: what each row's token sees, ``(groups, 1, tokens, memory tokens + tokens)``.
            memory: keys and values seen before its own.
        """
        own = self._split(self.key(rows)), self._split(self.value(rows))
        keys, values = own
        if memory is not None:
            keys = torch.cat([memory[0], keys], dim=2)
            values = torch.cat([memory[1], values], dim=2)
        seen = _attend(self._split(self.query(rows)), keys, values, mask)
        seen = self.attended(seen.transpose(1, 2).flatten(2))
        rows = self.attended_norm(rows + functional.dropout(seen, self.dropout, self.training))
        inner = self.narrow(functional.gelu(self.widen(rows)))
        return self.output_norm(rows + functional.dropout(inner, self.dropout, self.training)), own

    def _split(self, rows: Tensor) -> Tensor:
        return rows.unflatten(2, (self.heads, -1)).transpose(1, 2)


class EvidenceReader(nn.Module):
    """Labels claim tokens and claims by what the evidence says.

    Args:
        dropout: share of values left out in training.
    """

    def __init__(self, shape: ReaderShape | None = None, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.shape = shape or ReaderShape()
        width = self.shape.width
        self.dropout = dropout
        self.words = nn.Embedding(self.shape.vocabulary, width)
        self.words.weight.requires_grad_(False)
        self.positions = nn.Embedding(self.shape.positions, width)
        self.kinds = nn.Embedding(2, width)
        self.matches = nn.Embedding(MATCHES, width)
        nn.init.zeros_(self.matches.weight)
        self.input_norm = nn.LayerNorm(width, eps=1e-12)
        self.layers = nn.ModuleList(ReaderLayer(self.shape, dropout) for _ in range(self.shape.layers))
        self.token_head = nn.Linear(width, len(LABELS))
        self.claim_head = nn.Linear(width, len(LABELS))

    def read(self, evidence: Tokens) -> Memory:
        """What claims will see of ``evidence``."""
        rows = self._embed(evidence, kind=0)
        mask = _same_part(evidence.parts)
        memory: Memory = []
        for place, layer in enumerate(self.layers):
            if place + 1 < len(self.layers):
                rows, seen = layer(rows, mask)
            else:
                seen = layer._split(layer.key(rows)), layer._split(layer.value(rows))
            memory.append(seen)
        return memory

    def judge(self, memory: Memory, evidence_parts: Tensor, claims: Tokens) -> tuple[Tensor, Tensor]:
        """Logits of every claim token and, at each claim's first token, of the claim.

        Returns:
            Two tensors ``(groups, tokens, labels)``.
        """
        rows = self._embed(claims, kind=1)
        tokens = claims.pieces.shape[1]
        seen = (evidence_parts >= 0)[:, None, None, :].expand(-1, 1, tokens, -1)
        mask = torch.cat([seen, _same_part(claims.parts)], dim=3)
        for layer, remembered in zip(self.layers, memory, strict=True):
            rows, _ = layer(rows, mask, remembered)
        return self.token_head(rows), self.claim_head(rows)

    def _embed(self, tokens: Tokens, *, kind: int) -> Tensor:
        rows = self.words(tokens.pieces) + self.positions(tokens.positions) + self.kinds.weight[kind]
        if kind == 1:
            rows = rows + self.matches(tokens.matches)
        rows = self.input_norm(rows)
        return functional.dropout(rows, self.dropout, self.training)


def _attend(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
    # Written out: on CPUs the fused kernel's backward pass takes twice as long in bfloat16.
    scores = queries @ keys.transpose(2, 3) * queries.shape[3] ** -0.5
    hidden = torch.where(mask, 0.0, _HIDDEN).to(scores.dtype)
    return torch.softmax(scores + hidden, dim=3, dtype=scores.dtype) @ values


def _same_part(parts: Tensor) -> Tensor:
    return parts[:, None, :, None] == parts[:, None, None, :]


def pad(rows: Sequence[Sequence[int]], *, fill: int) -> Tensor:
    """Rows of different length as one tensor, ``fill`` behind the shorter ones."""
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[fill] * (longest - len(row))] for row in rows])
