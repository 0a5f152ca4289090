"""The same embedding model on a GPU: batches by tokens, read and carried while the device computes."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rag.domain import Matrix, PieceVectors
from rag.embedding.device_lane import Arriving, DeviceLane, is_out_of_memory
from rag.embedding.sentence_transformer import DEFAULT_MODEL, SentenceTransformerEmbedder, prompts_of
from rag.embedding.token_batches import ReadBatch, TextReader, TokenBatch

logger = logging.getLogger(__name__)

TOKENS_AT_ONCE = 65_536
_PIECE_TOKENS_AT_ONCE = 16_384  # every token's vector comes back: 25 MB of a small model
_TEXTS_AT_ONCE = 2048
_SHARE_OF_FREE = 0.5
_BYTES_PER_TOKEN = 64
"""What a token takes while it is computed, in bytes per number of its hidden state: generous."""

TASKS = {"query": "query", "document": "document", "bare": None}
"""Kinds of text, and what sentence-transformers calls each."""

_FEW = 16
"""Texts for which nobody asks how much memory is free."""

_AHEAD = 2
"""Batches that are read while the device computes."""

_UNDER_WAY = 3
"""Batches on their way through the device: it always has one to compute, and a question waits for no more."""

Take = Callable[[dict[str, Any]], list[Tensor]]


@dataclass(frozen=True, kw_only=True)
class _Call:
    """One call of the embedder: what is to be taken from the model's output for each text of a kind."""

    texts: Sequence[str]
    kind: str
    take: Take
    room: int


@dataclass(frozen=True, kw_only=True)
class _Launched:
    """A batch whose results are awaited; ``None``: the device has no memory for this one text."""

    batch: TokenBatch
    arriving: Arriving | None


class DeviceEmbedder(SentenceTransformerEmbedder):
    """Embeds on a GPU, or on CPU tensors by the same code; callers take turns batch by batch.

    Texts are tokenized in a thread of their own, sorted by length and cut into batches of so many padded
    tokens; they are copied from pinned memory while the batch before is computed, and so are the results.
    When the device runs out of memory the batch is halved and later ones are no larger; a text that it has
    no memory for alone is embedded by the CPU. Both are told in a warning and are no error.

    Args:
        tokens_at_once: padded tokens of a batch; fewer where the device's free memory says so.
        model, device, precision, threads: as the base class takes them.

    Raises:
        ModelUnavailable, SettingsError: as the base class.
    """

    def __init__(
        self,
        model: str = DEFAULT_MODEL,
        *,
        device: str = "auto",
        precision: str = "auto",
        threads: int = 0,
        tokens_at_once: int = TOKENS_AT_ONCE,
    ) -> None:
        super().__init__(model, device=device, precision=precision, threads=threads)
        self._source = model
        self._lane = DeviceLane(self._device)
        self._most_tokens = tokens_at_once
        prompts = prompts_of(self._model)
        reading = threading.Lock()
        self._readers = {
            kind: TextReader(
                self._model, prompt=prompts[kind], task=task, rooms=self._lane.room, lock=reading
            )
            for kind, task in TASKS.items()
        }
        config: Any = getattr(self._model.transformers_model, "config", None)
        hidden = int(getattr(config, "hidden_size", None) or self._profile.dimension)
        self._bytes_per_token = _BYTES_PER_TOKEN * hidden
        self._special_there = self._special.to(self._device)
        self._spare: SentenceTransformerEmbedder | None = None

    @property
    def texts_at_once(self) -> int:
        """Documents worth giving to one call: some batches, so that the next is read meanwhile."""
        return _TEXTS_AT_ONCE

    def embed_queries(self, texts: Sequence[str]) -> Matrix:
        """Embed several questions, in order; they wait for three batches of documents at most."""
        return self._vectors(texts, "query", lambda left: self._on_cpu().embed_queries(left))

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        """Embed texts in batches of similar length; rows come back in the order of ``texts``."""
        return self._vectors(texts, "document", lambda left: self._on_cpu().embed_documents(left))

    def embed_pieces(self, texts: Sequence[str]) -> list[PieceVectors]:
        """Each text's vector and its word pieces', in the order of ``texts``."""
        found: dict[int, PieceVectors] = {}
        left: list[int] = []
        with closing(
            self._computed(texts, "bare", self._take_pieces, most=_PIECE_TOKENS_AT_ONCE)
        ) as computed:
            for batch, arrays in computed:
                if arrays is None:
                    left += batch.places
                    continue
                for place, vector, tokens, is_piece in zip(batch.places, *arrays, strict=True):
                    found[place] = PieceVectors(text=np.array(vector), pieces=tokens[is_piece])
        if left:
            found.update(
                zip(left, self._on_cpu().embed_pieces([texts[place] for place in left]), strict=True)
            )
        return [found[place] for place in range(len(texts))]

    def _vectors(self, texts: Sequence[str], kind: str, on_cpu: Callable[[list[str]], Matrix]) -> Matrix:
        vectors = np.zeros((len(texts), self._profile.dimension), dtype=np.float32)
        left: list[int] = []
        with closing(self._computed(texts, kind, self._take_vectors, most=self._most_tokens)) as computed:
            for batch, arrays in computed:
                if arrays is None:
                    left += batch.places
                else:
                    vectors[list(batch.places)] = arrays[0]
        if left:
            vectors[left] = on_cpu([texts[place] for place in left])
        return vectors

    def _take_vectors(self, output: dict[str, Any]) -> list[Tensor]:
        """The vectors at length 1, in float32: half precision leaves lengths off."""
        found = output["sentence_embedding"][:, : self._profile.dimension]
        return [torch.nn.functional.normalize(found.float(), dim=1)]

    def _take_pieces(self, output: dict[str, Any]) -> list[Tensor]:
        """The vectors, those of all tokens, and which of these are word pieces."""
        is_piece = output["attention_mask"].bool() & ~torch.isin(output["input_ids"], self._special_there)
        tokens = torch.nn.functional.normalize(output["token_embeddings"].float(), dim=2)
        return [*self._take_vectors(output), tokens, is_piece]

    def _computed(
        self, texts: Sequence[str], kind: str, take: Take, *, most: int
    ) -> Generator[tuple[TokenBatch, list[NDArray[Any]] | None]]:
        """What was taken of each batch, as it arrives; ``None`` for a text the device has no memory for."""
        call = _Call(texts=texts, kind=kind, take=take, room=self._room(most, len(texts)))
        awaited: deque[_Launched] = deque()
        batches = self._readers[kind].batches(texts, budget=lambda: min(call.room, self._most_tokens))
        try:
            with closing(_read_ahead(batches, len(texts))) as ahead:
                for read in ahead:
                    for launched in self._launched(read, call):
                        awaited.append(launched)
                        if len(awaited) == _UNDER_WAY:
                            yield _arrived(awaited.popleft())
            while awaited:
                yield _arrived(awaited.popleft())
        except BaseException:  # Ctrl-C too: nothing may be running when the caller hears of it
            self._lane.finish()
            raise

    def _launched(self, read: ReadBatch, call: _Call) -> Iterator[_Launched]:
        """The batch on its way through the device; in halves where that has no room for it."""
        batch = read.batch
        is_one = len(batch.rows) == 1
        if is_one or batch.tokens <= min(call.room, self._most_tokens):
            arriving = self._tried(read, call)
            if arriving is not None or is_one:
                yield _Launched(batch=batch, arriving=arriving)
                return
        for half in batch.halves():
            yield from self._launched(self._readers[call.kind].read(half, call.texts), call)

    def _tried(self, read: ReadBatch, call: _Call) -> Arriving | None:
        task = TASKS[call.kind]
        try:
            with self._lock, torch.inference_mode():
                features = self._lane.upload(read.features)
                output = self._model(dict(features), **({"task": task} if task else {}))
                return self._lane.download(call.take(output), kept=features)
        except RuntimeError as exc:
            if not is_out_of_memory(exc):
                raise
        # Out of the handler, which kept what the failed attempt had computed.
        self._lane.finish()
        self._lane.give_back()
        self._make_do(read.batch)
        return None

    def _make_do(self, batch: TokenBatch) -> None:
        """No larger batches from now on."""
        if len(batch.rows) == 1:
            return
        self._most_tokens = min(self._most_tokens, max(batch.tokens // 2, 1))
        logger.warning(
            "%s ran out of memory at %s tokens; batches of texts have at most %s from now on.",
            self._device,
            f"{batch.tokens:,}",
            f"{self._most_tokens:,}",
        )

    def _room(self, most: int, texts: int) -> int:
        """Padded tokens that a batch may have, by what is free on the device."""
        free = self._lane.free_bytes() if texts > _FEW else None
        if free is None:
            return most
        return max(min(most, int(_SHARE_OF_FREE * free) // self._bytes_per_token), self._profile.max_tokens)

    def _on_cpu(self) -> SentenceTransformerEmbedder:
        """The model on the CPU, loaded when it is needed first."""
        with self._lock:
            if self._spare is None:
                logger.warning(
                    "%s has no memory for a single text; the CPU embeds what it has no room for.",
                    self._device,
                )
                self._spare = SentenceTransformerEmbedder(self._source, device="cpu")
            return self._spare


def _arrived(launched: _Launched) -> tuple[TokenBatch, list[NDArray[Any]] | None]:
    return launched.batch, launched.arriving.arrays() if launched.arriving else None


def _read_ahead(batches: Iterator[ReadBatch], texts: int) -> Generator[ReadBatch]:
    """``batches`` of so many texts, read by a thread while the caller has others; a single one without it."""
    first = next(batches, None)
    if first is None:
        return
    yield first
    if len(first.batch.places) == texts:
        return
    with ThreadPoolExecutor(1, thread_name_prefix="tokenize") as pool:
        waiting = deque(pool.submit(next, batches, None) for _ in range(_AHEAD))
        try:
            while (read := waiting.popleft().result()) is not None:
                waiting.append(pool.submit(next, batches, None))
                yield read
        finally:
            pool.shutdown(cancel_futures=True)
