"""The model: reads evidence once, then every claim token against all of it.

A BERT encoder with two kinds of rows. Evidence tokens see the tokens of their own passage; claim tokens see
those of their own claim and every evidence token, layer by layer. So evidence is encoded once however many
claims are asked of it, and passages of any number take part together. Beside its word piece a claim token
knows whether the evidence holds that piece, and whether it holds it beside the same neighbour.

Each claim token is carried, not carried or contradicted, and each claim as a whole likewise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

LABELS = ("supported", "unsupported", "contradicted")
MATCHES = 4
"""Kinds of match of a claim token: none, its piece, its piece and neighbour, padding or special."""

_HIDDEN = -1e4
"""The score of what a token must not see."""

Memory = list[tuple[Tensor, Tensor]]
"""Keys and values of the evidence, layer by layer, each ``(tokens, heads, width)``."""


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
    """Texts of several rows, one behind the other without padding; a row's texts are read together.

    Attributes:
        pieces: word pieces, ``(tokens,)``.
        positions: of each piece in its own text.
        matches: how a claim's piece is found in the evidence, see :data:`MATCHES`; zeros for evidence.
        lengths: pieces of each text, row by row.
    """

    pieces: Tensor
    positions: Tensor
    matches: Tensor
    lengths: tuple[tuple[int, ...], ...]


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

    def project(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, scaled, keys and values of ``rows``, each ``(tokens, heads, width)``."""
        queries = self.query(rows) * (rows.shape[1] // self.heads) ** -0.5
        return self._split(queries), self._split(self.key(rows)), self._split(self.value(rows))

    def _split(self, rows: Tensor) -> Tensor:
        return rows.view(rows.shape[0], self.heads, -1)

    def finish(self, rows: Tensor, seen: Tensor) -> Tensor:
        """New rows, given what each of ``rows`` has seen, ``(tokens, heads, width)``."""
        attended = self.attended(seen.flatten(1))
        rows = self.attended_norm(rows + functional.dropout(attended, self.dropout, self.training))
        inner: Tensor = self.narrow(functional.gelu(self.widen(rows)))
        result: Tensor = self.output_norm(rows + functional.dropout(inner, self.dropout, self.training))
        return result


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
        self._stack = [ReaderLayer(self.shape, dropout) for _ in range(self.shape.layers)]
        self.layers = nn.ModuleList(self._stack)
        self.token_head = nn.Linear(width, len(LABELS))
        self.claim_head = nn.Linear(width, len(LABELS))

    def read(self, evidence: Tokens) -> Memory:
        """What claims will see of ``evidence``."""
        rows = self._embed(evidence, kind=0)
        spans = [part for row in _spans(evidence.lengths) for part in row]
        memory: Memory = []
        for place, layer in enumerate(self._stack):
            queries, keys, values = layer.project(rows)
            memory.append((keys, values))
            if place + 1 < self.shape.layers:
                seen = [_attend(queries[low:high], keys[low:high], values[low:high]) for low, high in spans]
                rows = layer.finish(rows, torch.cat(seen))
        return memory

    def judge(
        self, memory: Memory, evidence: Sequence[Sequence[int]], claims: Tokens
    ) -> tuple[Tensor, Tensor]:
        """Logits of every claim token and, at each claim's first token, of the claim.

        Args:
            memory: what :meth:`read` gave for the evidence, row by row.
            evidence: pieces of each text of the evidence, row by row; its rows are those of ``claims``.

        Returns:
            Two tensors ``(tokens, labels)``.
        """
        rows = self._embed(claims, kind=1)
        read = [span for span, _ in _rows(evidence)]
        seeing = [
            (own, span, _hidden(lengths, span[1] - span[0], rows))
            for (own, lengths), span in zip(_rows(claims.lengths), read, strict=True)
        ]
        for layer, (keys, values) in zip(self._stack, memory, strict=True):
            queries, own_keys, own_values = layer.project(rows)
            seen = [
                _attend(
                    queries[low:high],
                    torch.cat([keys[first:last], own_keys[low:high]]),
                    torch.cat([values[first:last], own_values[low:high]]),
                    hidden,
                )
                for (low, high), (first, last), hidden in seeing
            ]
            rows = layer.finish(rows, torch.cat(seen))
        return self.token_head(rows), self.claim_head(rows)

    def _embed(self, tokens: Tokens, *, kind: int) -> Tensor:
        rows = self.words(tokens.pieces) + self.positions(tokens.positions) + self.kinds.weight[kind]
        if kind == 1:
            rows = rows + self.matches(tokens.matches)
        rows = self.input_norm(rows)
        return functional.dropout(rows, self.dropout, self.training)


def _attend(queries: Tensor, keys: Tensor, values: Tensor, hidden: Tensor | None = None) -> Tensor:
    # Written out: on CPUs the fused kernel's backward pass takes twice as long in bfloat16.
    by_head = keys.permute(1, 2, 0)
    if hidden is None:
        scores = queries.transpose(0, 1) @ by_head
    else:
        added = hidden.to(keys.dtype).expand(keys.shape[1], -1, -1)
        scores = torch.baddbmm(added, queries.transpose(0, 1), by_head)
    shares = torch.softmax(scores, dim=2, dtype=scores.dtype)
    return (shares @ values.transpose(0, 1)).transpose(0, 1)


def _hidden(lengths: Sequence[int], evidence: int, rows: Tensor) -> Tensor | None:
    """What claim tokens see, ``(tokens, evidence + tokens)``: of the claims only their own."""
    if len(lengths) == 1:
        return None
    claim = torch.repeat_interleave(
        torch.arange(len(lengths), device=rows.device), torch.tensor(lengths, device=rows.device)
    )
    others = (claim[:, None] != claim).to(rows.dtype) * _HIDDEN
    return functional.pad(others, (evidence, 0))


def _rows(lengths: Sequence[Sequence[int]]) -> list[tuple[tuple[int, int], Sequence[int]]]:
    """Where each row begins and ends, with the lengths of its texts."""
    ends = list(accumulate(sum(row) for row in lengths))
    return [((end - sum(row), end), row) for end, row in zip(ends, lengths, strict=True)]


def _spans(lengths: Sequence[Sequence[int]]) -> list[list[tuple[int, int]]]:
    """Where each text of each row begins and ends."""
    found = []
    for (begin, _), row in _rows(lengths):
        ends = list(accumulate(row, initial=begin))
        found.append(list(pairwise(ends)))
    return found
