"""Trains an embedding model on pairs: in-batch negatives, on this machine, within minutes.

Multiple negatives ranking (Henderson et al. 2017, https://arxiv.org/abs/1705.00652): each query's text must
score above the other texts of its batch. The loop is our own, around sentence-transformers' loss: its trainer
wants further packages, and neither ends at a time nor leaves nothing behind when it is interrupted.
"""

from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from sentence_transformers.util import batch_to_device
from transformers.utils import logging as transformers_logging

from ingest.tuning.pairs import Pair, PairKind
from rag.embedding.sentence_transformer import choose_device, choose_precision, locate_model, prompt_of
from rag.errors import ModelUnavailable
from rag.index.durable import storage_errors, sync_file, sync_folder

Step = Callable[[float], None]
"""Told after every batch how much of the training is done, 0 to 1."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """How long and how hard to train.

    Attributes:
        texts: pairs to be shown in all, each as often as that takes; at least twice, at most eight times.
        max_tokens: word pieces read of each text; fewer than when embedding, which is twice as fast.
        minutes: the training ends after so many, with its learning rate brought down in time.
        threads: CPU threads; 0 means one per core.
    """

    texts: int = 3000
    batch_size: int = 32
    learning_rate: float = 1e-4
    warm_up: float = 0.1
    max_tokens: int = 128
    minutes: float = 10.0
    seed: int = 20240229
    threads: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Trained:
    """What a training did; ``pairs`` counts each as often as it was shown."""

    pairs: int
    seconds: float


_MOST_PASSES = 8
_FEWEST_PASSES = 2
_SMALLEST_BATCH = 8  # fewer negatives teach little


def train(
    model: str, pairs: Sequence[Pair], folder: Path, *, recipe: Recipe, device: str, step: Step
) -> Trained:
    """Train the model of that setting on ``pairs`` and save it to ``folder``, which must not exist.

    Nothing is at ``folder`` unless this returns.

    Raises:
        ModelUnavailable: the model cannot be loaded or trained.
        DiskFull, StorageError: it could not be saved.
    """
    device = choose_device(device)
    threads = torch.get_num_threads()
    torch.set_num_threads(recipe.threads or os.cpu_count() or 1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            trained = _load(model, device)
            done = _run(trained, pairs, recipe, device=device, step=step)
        _save(trained, folder)
    finally:
        torch.set_num_threads(threads)
    return done


def batches(pairs: Sequence[Pair], size: int, rng: random.Random) -> Iterator[list[Pair]]:
    """All pairs once, in random order, in batches without a text that would answer another's query.

    Those are a chunk of two pairs, and the other chunks of a document that is asked for by its title. What
    cannot be placed so is left out of this pass.
    """
    waiting = list(pairs)
    rng.shuffle(waiting)
    while waiting:
        batch, rest = _Batch(), []
        for pair in waiting:
            if len(batch.pairs) < size and batch.admits(pair):
                batch.add(pair)
            else:
                rest.append(pair)
        if len(batch.pairs) < min(size, _SMALLEST_BATCH):
            return
        yield batch.pairs
        waiting = rest


class _Batch:
    def __init__(self) -> None:
        self.pairs: list[Pair] = []
        self._chunks: set[tuple[str, int]] = set()
        self._documents: set[str] = set()
        self._titled: set[str] = set()

    def admits(self, pair: Pair) -> bool:
        if pair.kind is PairKind.TITLE:
            return pair.document_id not in self._documents
        return pair.document_id not in self._titled and (pair.document_id, pair.ordinal) not in self._chunks

    def add(self, pair: Pair) -> None:
        self.pairs.append(pair)
        self._documents.add(pair.document_id)
        self._chunks.add((pair.document_id, pair.ordinal))
        if pair.kind is PairKind.TITLE:
            self._titled.add(pair.document_id)


class _Learner:
    """The model with its loss and its optimizer; learns one batch at a time."""

    def __init__(self, model: SentenceTransformer, recipe: Recipe, device: str) -> None:
        self._model = model
        self._recipe = recipe
        self._device = device
        self._loss = MultipleNegativesRankingLoss(model)
        self._optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.learning_rate)
        self._is_half = choose_precision("auto", device) != "float32"
        self._query_prompt = prompt_of(model, ("query",))
        self._document_prompt = prompt_of(model, ("document", "passage", "corpus"))

    def learn(self, batch: Sequence[Pair], *, share: float) -> None:
        """One step; the learning rate rises at first, then falls to nothing at the end (``share`` = 1)."""
        warm_up = self._recipe.warm_up
        slope = min(share / warm_up + warm_up, 1.0) * (1.0 - share)
        for group in self._optimizer.param_groups:
            group["lr"] = self._recipe.learning_rate * slope
        columns = [
            self._features([pair.query for pair in batch], self._query_prompt),
            self._features([pair.passage for pair in batch], self._document_prompt),
        ]
        labels = torch.arange(len(batch), device=self._device)
        with torch.autocast(self._device.split(":")[0], dtype=torch.bfloat16, enabled=self._is_half):
            loss: torch.Tensor = self._loss(columns, labels)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._model.parameters(), 1.0)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)

    def _features(self, texts: list[str], prompt: str | None) -> dict[str, Any]:
        features: dict[str, Any] = batch_to_device(
            self._model.preprocess(texts, prompt=prompt), torch.device(self._device)
        )
        return features


def _run(
    model: SentenceTransformer, pairs: Sequence[Pair], recipe: Recipe, *, device: str, step: Step
) -> Trained:
    rng = random.Random(recipe.seed)  # noqa: S311 - an order, not a secret
    passes = min(max(round(recipe.texts / len(pairs)), _FEWEST_PASSES), _MOST_PASSES)
    learner = _Learner(model, recipe, device)
    whole = model.max_seq_length
    model.max_seq_length = min(recipe.max_tokens, whole or recipe.max_tokens)
    model.train()
    started, shown, share = time.monotonic(), 0, 0.0
    for batch in (one for _ in range(passes) for one in batches(pairs, recipe.batch_size, rng)):
        learner.learn(batch, share=share)
        shown += len(batch)
        share = max(shown / (passes * len(pairs)), (time.monotonic() - started) / (60 * recipe.minutes))
        step(min(share, 1.0))
        if share >= 1:
            break
    model.max_seq_length = whole
    model.eval()
    return Trained(pairs=shown, seconds=time.monotonic() - started)


def _load(model: str, device: str) -> SentenceTransformer:
    folder = locate_model(model)
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        return SentenceTransformer(str(folder), device=device, model_kwargs={"use_safetensors": True})
    except (OSError, ValueError, RuntimeError) as exc:
        raise ModelUnavailable(
            f"The embedding model {model!r} could not be loaded from {folder} to be trained: {exc}."
        ) from exc


def _save(model: SentenceTransformer, folder: Path) -> None:
    """Write the model beside ``folder`` and move it there when all of it is on the disk."""
    part = folder.with_name(f"{folder.name}.part")
    with storage_errors("saving the tuned model"):
        shutil.rmtree(part, ignore_errors=True)
        model.save_pretrained(str(part), create_model_card=False, safe_serialization=True)
        for path in part.rglob("*"):
            if path.is_file():
                sync_file(path)
            else:
                sync_folder(path)
        part.rename(folder)
        sync_folder(folder.parent)
