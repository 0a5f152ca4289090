"""Texts as a device takes them: in batches of similar length, each within a budget of padded tokens."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer
from torch import Tensor

_MOST_TEXTS = 2048
"""Texts in a batch, however short: attention starts 65,535 blocks at most, one per text and head."""

_CHARACTERS_PER_TOKEN = 4
_EXAMPLES = ("", " Two  WORDS\n", "A sentence of some length, read as a model reads it.", "long " * 2000)

_PLAIN = ("input_ids", "attention_mask", "token_type_ids")
"""All that the batches can make by themselves."""

Rooms = Callable[[tuple[int, ...], torch.dtype], Tensor]
"""Makes an empty tensor in memory from which the device can copy by itself."""


@dataclass(frozen=True, kw_only=True)
class TokenBatch:
    """Texts of similar length.

    Attributes:
        places: of the texts among those given, longest first.
        rows: token ids of each, as the model reads them, without padding.
    """

    places: tuple[int, ...]
    rows: tuple[NDArray[np.int64], ...]

    @property
    def width(self) -> int:
        """Padded length of every row: that of the first, 1 at least."""
        return max(len(self.rows[0]), 1)

    @property
    def tokens(self) -> int:
        """Padded tokens: what the device's memory and time go by."""
        return self.width * len(self.rows)

    def halves(self) -> tuple[TokenBatch, TokenBatch]:
        """The longer texts and the shorter ones, of a batch of two at least."""
        middle = len(self.rows) // 2
        return (
            TokenBatch(places=self.places[:middle], rows=self.rows[:middle]),
            TokenBatch(places=self.places[middle:], rows=self.rows[middle:]),
        )


@dataclass(frozen=True, kw_only=True)
class ReadBatch:
    """A batch and what the model takes for it: tensors of shape ``(texts, width)``, and plain values."""

    batch: TokenBatch
    features: Mapping[str, Any]


class TextReader:
    """Reads texts for ``model`` as its own ``preprocess`` does, many at once and without its lock.

    Where the tokenizer alone does not give the same (a chat template, a packed layout), the model's own
    ``preprocess`` makes the tensors of each batch.

    Args:
        prompt: stands before each text; ``None`` or empty: nothing.
        task: what sentence-transformers calls the kind of text, ``query`` or ``document``.
        rooms: where the tensors are made.
        lock: shared by all readers of ``model``, whose own tokenizer sets its padding for each call.
    """

    def __init__(
        self,
        model: SentenceTransformer,
        *,
        prompt: str | None,
        task: str | None,
        rooms: Rooms,
        lock: threading.Lock,
    ) -> None:
        self._model = model
        self._lock = lock
        self._prompt = prompt or ""
        self._task = {"task": task} if task else {}
        self._rooms = rooms
        tokenizer: Any = model.tokenizer
        self._tokenizer = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(
            int(model.max_seq_length or 512), direction=tokenizer.truncation_side
        )
        self._pad = int(tokenizer.pad_token_id or 0)
        self._from_left = tokenizer.padding_side == "left"
        example = self._preprocessed(_EXAMPLES)
        self._names = tuple(name for name, value in example.items() if isinstance(value, Tensor))
        self._values = {name: value for name, value in example.items() if not isinstance(value, Tensor)}
        self.reads_by_itself = self._gives(example)

    def batches(self, texts: Sequence[str], *, budget: Callable[[], int]) -> Iterator[ReadBatch]:
        """The texts, longest first, in batches of at most ``budget()`` padded tokens or of one text.

        Texts are tokenized as batches are asked for, about a batch at a time, so that a device can work on
        the first while the next is read.
        """
        waiting: list[tuple[int, NDArray[np.int64]]] = []
        for places in _windows(texts, budget):
            waiting += zip(places, self._tokens([texts[place] for place in places]), strict=True)
            waiting.sort(key=lambda each: -len(each[1]))
            while len((whole := _first(waiting, budget())).rows) < len(waiting):
                yield self.read(whole, texts)
                del waiting[: len(whole.rows)]
        while waiting:
            last = _first(waiting, budget())
            yield self.read(last, texts)
            del waiting[: len(last.rows)]

    def read(self, batch: TokenBatch, texts: Sequence[str]) -> ReadBatch:
        """``batch`` as the model takes it."""
        if not self.reads_by_itself:
            made = self._preprocessed([texts[place] for place in batch.places])
            return ReadBatch(batch=batch, features=made)
        return ReadBatch(batch=batch, features={**self._padded(batch), **self._values})

    def _tokens(self, texts: Sequence[str]) -> list[NDArray[np.int64]]:
        found = self._tokenizer.encode_batch_fast([self._prompt + text for text in texts])
        return [np.array(each.ids, dtype=np.int64) for each in found]

    def _padded(self, batch: TokenBatch) -> dict[str, Tensor]:
        shape = (len(batch.rows), batch.width)
        made = {name: self._rooms(shape, torch.int64) for name in self._names}
        lengths = np.array([len(row) for row in batch.rows])[:, None]
        columns = np.arange(batch.width)
        is_read = columns >= batch.width - lengths if self._from_left else columns < lengths
        made["input_ids"].numpy()[:] = self._pad
        made["input_ids"].numpy()[is_read] = np.concatenate(batch.rows)
        for name, value in made.items():
            if name != "input_ids":
                value.numpy()[:] = is_read if name == "attention_mask" else 0
        return made

    def _preprocessed(self, texts: Sequence[str]) -> dict[str, Any]:
        with self._lock:
            return dict(self._model.preprocess(list(texts), prompt=self._prompt or None, **self._task))

    def _gives(self, example: Mapping[str, Any]) -> bool:
        """Whether the tokenizer alone gives what the model's ``preprocess`` gave for the examples."""
        if not {"input_ids", "attention_mask"} <= {*self._names} <= {*_PLAIN}:
            return False
        rows = self._tokens(_EXAMPLES)
        order = sorted(range(len(rows)), key=lambda place: -len(rows[place]))
        batch = TokenBatch(places=tuple(order), rows=tuple(rows[place] for place in order))
        made = self._padded(batch)
        return all(torch.equal(made[name], example[name][order]) for name in self._names)


def _windows(texts: Sequence[str], budget: Callable[[], int]) -> Iterator[list[int]]:
    """Places of the texts, longest first, with about as many characters as a batch has."""
    window: list[int] = []
    characters = 0
    for place in sorted(range(len(texts)), key=lambda place: -len(texts[place])):
        window.append(place)
        characters += len(texts[place])
        if characters >= budget() * _CHARACTERS_PER_TOKEN or len(window) == _MOST_TEXTS:
            yield window
            window, characters = [], 0
    if window:
        yield window


def _first(waiting: Sequence[tuple[int, NDArray[np.int64]]], budget: int) -> TokenBatch:
    """As many of the longest as the budget has room for, one at least."""
    count = min(max(budget // max(len(waiting[0][1]), 1), 1), _MOST_TEXTS)
    places, rows = zip(*waiting[:count], strict=True)
    return TokenBatch(places=places, rows=rows)
