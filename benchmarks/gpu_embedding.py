"""Embedding on a GPU: texts a second beside the model's own floor and beside sentence-transformers' encode.

The floor is what computing alone takes: the model's forward pass over the same tokens, already on the device
and packed without any padding. Its rows are as long as the texts of the batch are on average.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from statistics import median
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from benchmarks.embedding import SAMPLES, chunks_of, seconds
from rag.embedding.device_embedding import DeviceEmbedder
from rag.embedding.device_lane import DeviceLane
from rag.embedding.sentence_transformer import DEFAULT_MODEL, locate_model, prompts_of
from rag.embedding.token_batches import TextReader
from rag.interfaces import Embedder

HEAD = (
    "| texts | tokens each, median and 95 % | tokens at once | padding | texts/s | tokens/s | × floor | "
    "encode, texts/s | × encode |"
)
TOKENS_AT_ONCE = (16_384, 65_536, 262_144)
TEXTS = 20_000
_PLAIN_BATCH = 256
_SENTENCE = 80  # characters
_ROUNDS = 3


@dataclass(frozen=True, kw_only=True)
class EmbeddingBench:
    """Embedding of the same texts, by batches of ``tokens_at_once`` padded tokens.

    Attributes:
        lengths: tokens of each text, as the model reads it.
        padded: tokens computed, padding included.
        seconds: median of embedding all texts, from strings here to vectors here.
        floor: of computing as many tokens without padding, on the device already.
        plain: of sentence-transformers' encode, 256 texts at once.
        over_floor, over_plain: medians of the ratios turn by turn.
    """

    kind: str
    lengths: Sequence[int]
    tokens_at_once: int
    padded: int
    seconds: float
    floor: float
    plain: float
    over_floor: float
    over_plain: float

    def row(self) -> str:
        """The row of the table under :data:`HEAD`."""
        tokens, texts = sum(self.lengths), len(self.lengths)
        typical, longest = np.percentile(self.lengths, (50, 95))
        return (
            f"| {texts:,} {self.kind} | {typical:.0f}, {longest:.0f} | "
            f"{self.tokens_at_once:,} | {1 - tokens / self.padded:.1%} | {texts / self.seconds:,.0f} | "
            f"{tokens / self.seconds:,.0f} | {self.over_floor:.2f} | {texts / self.plain:,.0f} | "
            f"{self.over_plain:.2f} |"
        )


def handbook_texts(count: int, embedder: Embedder) -> dict[str, list[str]]:
    """Three kinds of text: chunks as an ingestion makes them, sentences, and all that a model can read."""
    chunks = sorted(set(chunks_of([SAMPLES], embedder)))
    random.Random(20261121).shuffle(chunks)
    several = [" ".join(islice(cycle(chunks), start, start + 4)) for start in range(len(chunks))]
    kinds = {
        "chunks": chunks,
        "sentences": [chunk[-_SENTENCE:] for chunk in chunks],
        "long texts": several,
    }
    return {kind: list(islice(cycle(texts), count)) for kind, texts in kinds.items()}


class EmbeddingBenches:
    """Benches of one model on one device.

    Args:
        model, device, precision: as :class:`DeviceEmbedder` takes them.
        rounds: turns, of which medians are taken; one before does not count.
    """

    def __init__(
        self, *, device: str, precision: str = "auto", model: str = DEFAULT_MODEL, rounds: int = _ROUNDS
    ) -> None:
        self._open = lambda at_once: DeviceEmbedder(
            model, device=device, precision=precision, tokens_at_once=at_once
        )
        self.embedder = self._open(TOKENS_AT_ONCE[0])
        self._rounds = rounds
        self._lane = DeviceLane(device)
        self._model = SentenceTransformer(str(locate_model(model)), device=device)
        self._model.to(getattr(torch, self.embedder.description.rpartition(" ")[2])).eval()
        self._reader = TextReader(
            self._model,
            prompt=prompts_of(self._model)["document"],
            task="document",
            rooms=self._lane.room,
            lock=threading.Lock(),
        )

    def row(self, kind: str, texts: Sequence[str], *, tokens_at_once: int) -> str:
        """The row of the table under :data:`HEAD`, or one that says the floor found no memory."""
        try:
            return self.bench(kind, texts, tokens_at_once=tokens_at_once).row()
        except torch.OutOfMemoryError:
            cells = (f"{len(texts):,} {kind}", "", f"{tokens_at_once:,}", "out of memory")
            return f"| {' | '.join(cells)} |" + " |" * (HEAD.count(" | ") + 1 - len(cells))

    def bench(self, kind: str, texts: Sequence[str], *, tokens_at_once: int) -> EmbeddingBench:
        """Embed ``texts`` in turns: by the product, by the floor, by sentence-transformers."""
        embedder = self._open(tokens_at_once)
        read = [each.batch for each in self._reader.batches(texts, budget=lambda: tokens_at_once)]
        packed = list(self.packed(texts, tokens_at_once))
        ways: list[Callable[[], object]] = [
            lambda: embedder.embed_documents(texts),
            lambda: self._compute(packed),
            lambda: self._model.encode_document(
                list(texts), batch_size=_PLAIN_BATCH, show_progress_bar=False, convert_to_tensor=True
            ).cpu(),
        ]
        turns = [[seconds(way) for way in ways] for _ in range(self._rounds + 1)][1:]
        mine, floor, plain = (median(turn[place] for turn in turns) for place in range(3))
        return EmbeddingBench(
            kind=kind,
            lengths=[len(row) for batch in read for row in batch.rows],
            tokens_at_once=tokens_at_once,
            padded=sum(batch.tokens for batch in read),
            seconds=mine,
            floor=floor,
            plain=plain,
            over_floor=median(turn[0] / turn[1] for turn in turns),
            over_plain=median(turn[2] / turn[0] for turn in turns),
        )

    def packed(self, texts: Sequence[str], tokens_at_once: int) -> Iterator[dict[str, Any]]:
        """The same tokens on the device, in rows without padding: what the floor computes."""
        for read in self._reader.batches(texts, budget=lambda: tokens_at_once):
            tokens = np.concatenate(read.batch.rows)
            count = len(read.batch.rows)
            shape = (count, round(len(tokens) / count))
            values = {**read.features, "input_ids": torch.from_numpy(np.resize(tokens, shape))}
            for name in {"attention_mask", "token_type_ids"} & {*values}:
                values[name] = torch.full(shape, int(name == "attention_mask"))
            yield self._lane.upload(values)

    def _compute(self, packed: Sequence[dict[str, Any]]) -> None:
        with torch.inference_mode():
            for features in packed:
                self._model(dict(features))
        self._lane.finish()
