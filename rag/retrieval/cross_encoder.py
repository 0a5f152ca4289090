"""A sentence-transformers cross-encoder behind the :class:`rag.interfaces.Reranker` interface."""

from __future__ import annotations

import json
import logging
import math
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch
from sentence_transformers import CrossEncoder
from transformers.utils import logging as transformers_logging

from rag.domain import Passage, Question
from rag.embedding.locating import WITHOUT_CODE, locate_folder
from rag.embedding.sentence_transformer import choose_device, choose_precision
from rag.errors import ModelUnavailable

logger = logging.getLogger(__name__)

_READS_PAIRS = ("ForSequenceClassification", "ForCausalLM")
_MAX_TOKENS = 512  # question and passage together; what the known rerankers were trained on
_BATCH_SIZE = {"cpu": 16, "cuda": 128}
_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class CrossEncoderReranker:
    """Reads the question with each passage, and orders by the model's score.

    The score is the model's own, before it is squeezed between 0 and 1: there the best would be rounded
    to the same number.

    Args:
        model: a local folder, or a hub name.
        device, precision, threads: as :mod:`rag.embedding.sentence_transformer` takes them.

    Raises:
        ModelUnavailable: the model is not there, has no safetensors, or does not score pairs.
        SettingsError: the device does not exist.
    """

    def __init__(
        self, model: str, *, device: str = "auto", precision: str = "auto", threads: int = 0
    ) -> None:
        self._name = model
        self._device = choose_device(device)
        self._precision = choose_precision(precision, self._device)
        self._threads = threads or os.cpu_count() or 1
        folder = locate_folder(
            model,
            called="reranker",
            advice="Give a local folder in FOOTNOTE_RERANKER, or set it to none.",
            files=WITHOUT_CODE,
        )
        _refuse_encoders(folder, model)
        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        try:
            self._model = CrossEncoder(
                str(folder),
                device=self._device,
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True, "dtype": _DTYPES[self._precision]},
                activation_fn=torch.nn.Identity(),
            )
        except (OSError, ValueError, RuntimeError, ImportError) as exc:
            raise ModelUnavailable(
                f"The reranker {model!r} could not be loaded from {folder}: {exc}. Its weights must be "
                f"safetensors; correct FOOTNOTE_RERANKER, or set it to none."
            ) from exc
        if self._model.num_labels != 1:
            raise ModelUnavailable(
                f"The model {model!r} gives {self._model.num_labels} numbers a pair, a reranker gives one; "
                f"name another one in FOOTNOTE_RERANKER, or set it to none."
            )
        self._model.max_seq_length = min(self._model.max_seq_length or _MAX_TOKENS, _MAX_TOKENS)
        self._lock = threading.Lock()

    @property
    def description(self) -> str:
        """Model, device and precision, for people."""
        return f"{Path(self._name).name} on {self._device} in {self._precision}"

    def rerank(self, question: Question, passages: Sequence[Passage]) -> list[Passage]:
        """The passages, best first; equal scores, and equal texts, keep the order in which they came.

        Raises:
            ModelUnavailable: the model gives no number.
        """
        texts = [_read(passage) for passage in passages]
        scores = self._scores(question.text, list(dict.fromkeys(texts)))
        scored = [
            replace(passage, score=scores[text], scores={**passage.scores, "rerank": scores[text]})
            for passage, text in zip(passages, texts, strict=True)
        ]
        return sorted(scored, key=lambda passage: -passage.score)

    def _scores(self, question: str, texts: Sequence[str]) -> dict[str, float]:
        if not texts:
            return {}
        pairs = [(question, text) for text in texts]
        batch_size = _BATCH_SIZE[self._device.partition(":")[0]]
        with self._lock, _compute_threads(self._threads):
            values = self._model.predict(pairs, batch_size=batch_size, show_progress_bar=False)
        scores = dict(zip(texts, map(float, values), strict=True))
        if not all(map(math.isfinite, scores.values())):
            raise ModelUnavailable(
                f"The reranker {self._name!r} gives no number in {self._precision}; "
                f"set FOOTNOTE_PRECISION=float32, or FOOTNOTE_RERANKER=none."
            )
        return scores


def _read(passage: Passage) -> str:
    """What the model reads of a passage."""
    place = " > ".join(part for part in (passage.title, passage.heading) if part)
    return f"{place}\n{passage.text}"


@contextmanager
def _compute_threads(count: int) -> Iterator[None]:
    """PyTorch with ``count`` threads: an embedding model that another engine runs leaves it with one."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _refuse_encoders(folder: Path, model: str) -> None:
    """Refuse an embedding model: it would be loaded with a random head, and order passages at random."""
    try:
        kinds = json.loads((folder / "config.json").read_bytes()).get("architectures") or []
    except (OSError, ValueError, AttributeError) as exc:
        raise ModelUnavailable(
            f"{folder} holds no model that can be read ({exc}); correct FOOTNOTE_RERANKER, or set it to none."
        ) from exc
    if not any(str(kind).endswith(_READS_PAIRS) for kind in kinds):
        raise ModelUnavailable(
            f"The model {model!r} ({', '.join(map(str, kinds)) or 'of no named kind'}) is no cross-encoder: "
            f"it does not score a question with a passage. Name one that does in FOOTNOTE_RERANKER."
        )
