"""The training loop: AdamW in bfloat16 on a CPU, or on a GPU where one is at hand."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from eval.training.reading import UNKNOWN, Batch, Row, collate
from rag.grounding.local.reader import EvidenceReader, Tokens

_ENCODER_NAMES = (
    ("attention.self.query", "query"),
    ("attention.self.key", "key"),
    ("attention.self.value", "value"),
    ("attention.output.dense", "attended"),
    ("attention.output.LayerNorm", "attended_norm"),
    ("intermediate.dense", "widen"),
    ("output.dense", "narrow"),
    ("output.LayerNorm", "output_norm"),
)
_TOKEN_WEIGHTS = (1.0, 2.0, 2.0)
"""A piece that is not carried counts double: there are nine times as many that are."""

_SAID_EVERY_S = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """How a stage of training is run.

    Attributes:
        learning_rate: the highest; rises over the first steps, then falls along a cosine to a tenth.
        head_rate: how much faster the heads and match embeddings learn.
        claim_share: of the loss that is about whole claims.
    """

    learning_rate: float = 2e-4
    head_rate: float = 4.0
    warm_up: int = 100
    weight_decay: float = 0.01
    claim_share: float = 0.4
    clip: float = 1.0
    final_share: float = 0.1


@dataclass(kw_only=True, slots=True)
class Progress:
    """What a stage has come to so far."""

    steps: int = 0
    claims: int = 0
    pieces: int = 0
    token_loss: float = 0.0
    claim_loss: float = 0.0


def from_encoder(folder: Path, *, dropout: float) -> EvidenceReader:
    """A reader with the encoder's weights and fresh heads."""
    reader = EvidenceReader(dropout=dropout)
    stored = load_file(folder / "model.safetensors")
    stored = {name.removeprefix("bert."): tensor for name, tensor in stored.items()}
    named = {
        "words.weight": stored["embeddings.word_embeddings.weight"],
        "positions.weight": stored["embeddings.position_embeddings.weight"],
        "kinds.weight": stored["embeddings.token_type_embeddings.weight"],
        "input_norm.weight": stored["embeddings.LayerNorm.weight"],
        "input_norm.bias": stored["embeddings.LayerNorm.bias"],
    }
    for layer in range(reader.shape.layers):
        for theirs, ours in _ENCODER_NAMES:
            for part in ("weight", "bias"):
                named[f"layers.{layer}.{ours}.{part}"] = stored[f"encoder.layer.{layer}.{theirs}.{part}"]
    missing, unexpected = reader.load_state_dict(named, strict=False)
    fresh = {"matches.weight"} | {
        f"{head}_head.{part}" for head in ("token", "claim") for part in ("weight", "bias")
    }
    if unexpected or set(missing) != fresh:
        raise ValueError(f"The encoder's weights do not fit: {missing} missing, {unexpected} unknown.")
    return reader


def train(
    reader: EvidenceReader,
    steps: Iterable[Sequence[Row]],
    *,
    done: Callable[[Progress], float],
    recipe: Recipe,
    device: str,
    say: Callable[[str], None],
) -> Progress:
    """Train on every batch of ``steps`` until they end.

    Args:
        done: the share of the stage that is done; sets the learning rate and ends the stage at 1.
    """
    reader.to(device).train()
    optimizer = _optimizer(reader, recipe)
    progress = Progress()
    started = said = time.monotonic()
    recent: list[tuple[float, float]] = []
    for found in steps:
        share = done(progress)
        if share >= 1:
            break
        rate = min(1.0, (progress.steps + 1) / recipe.warm_up) * _cosine(share, recipe.final_share)
        for group in optimizer.param_groups:
            group["lr"] = group["highest"] * rate
        batch = collate(found)
        token_loss, claim_loss = _losses(reader, batch, device)
        loss = (1 - recipe.claim_share) * token_loss + recipe.claim_share * claim_loss
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(reader.parameters(), recipe.clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        recent.append((float(token_loss.detach()), float(claim_loss.detach())))
        progress.steps += 1
        progress.claims += sum(len(row.claims) for row in found)
        progress.pieces += sum(sum(row.size) for row in found)
        if time.monotonic() - said > _SAID_EVERY_S:
            said = time.monotonic()
            progress.token_loss, progress.claim_loss = _mean(recent)
            recent.clear()
            say(_line(progress, share, said - started))
    if recent:
        progress.token_loss, progress.claim_loss = _mean(recent)
    say(_line(progress, 1.0, time.monotonic() - started))
    reader.eval()
    return progress


def _optimizer(reader: EvidenceReader, recipe: Recipe) -> torch.optim.AdamW:
    new = ("matches.", "token_head.", "claim_head.")
    groups: dict[tuple[bool, bool], list[torch.nn.Parameter]] = {}
    for name, parameter in reader.named_parameters():
        if parameter.requires_grad:
            groups.setdefault((name.startswith(new), parameter.ndim > 1), []).append(parameter)
    return torch.optim.AdamW(
        [
            {
                "params": parameters,
                "highest": recipe.learning_rate * (recipe.head_rate if is_new else 1.0),
                "weight_decay": recipe.weight_decay if decays else 0.0,
            }
            for (is_new, decays), parameters in groups.items()
        ],
        lr=recipe.learning_rate,
        betas=(0.9, 0.98),
    )


def _losses(reader: EvidenceReader, batch: Batch, device: str) -> tuple[Tensor, Tensor]:
    evidence, claims = _to(batch.evidence, device), _to(batch.claims, device)
    with torch.autocast(device, dtype=torch.bfloat16):
        memory = reader.read(evidence)
        tokens, whole = reader.judge(memory, evidence.lengths, claims)
    weights = torch.tensor(_TOKEN_WEIGHTS, device=device)
    return (
        _cross_entropy(tokens, batch.token_labels.to(device), weights),
        _cross_entropy(whole, batch.claim_labels.to(device), None),
    )


def _cross_entropy(logits: Tensor, labels: Tensor, weights: Tensor | None) -> Tensor:
    if not bool((labels != UNKNOWN).any()):
        return logits.float().sum() * 0.0
    return functional.cross_entropy(logits.float(), labels, weight=weights, ignore_index=UNKNOWN)


def _to(tokens: Tokens, device: str) -> Tokens:
    return replace(
        tokens,
        pieces=tokens.pieces.to(device),
        positions=tokens.positions.to(device),
        matches=tokens.matches.to(device),
    )


def _cosine(done: float, final: float) -> float:
    return final + (1 - final) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def _mean(recent: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return sum(a for a, _ in recent) / len(recent), sum(b for _, b in recent) / len(recent)


def _line(progress: Progress, done: float, seconds: float) -> str:
    return (
        f"{done:6.1%}  step {progress.steps:,}  claims {progress.claims:,}  loss of pieces "
        f"{progress.token_loss:.3f}, of claims {progress.claim_loss:.3f}  "
        f"{progress.pieces / max(seconds, 1e-9):,.0f} pieces/s  {seconds / 60:.1f} min"
    )
