"""A transformers classifier that reads evidence with a claim: of the pair as a whole, or of every word."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
)
from transformers.utils import logging as transformers_logging

from rag.embedding.locating import WITHOUT_CODE, locate_folder
from rag.embedding.sentence_transformer import choose_device, choose_precision
from rag.errors import ModelUnavailable

Meaning = Literal["supported", "unsupported", "contradicted"]

_KINDS: Mapping[str, Any] = {
    "ForSequenceClassification": AutoModelForSequenceClassification,
    "ForTokenClassification": AutoModelForTokenClassification,
}
_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_BATCH_SIZE = {"cpu": 8, "cuda": 64}
_SPECIAL_TOKENS = 4
_MEANINGS: Mapping[Meaning, frozenset[str]] = {
    "supported": frozenset(
        "entailment entailed entails supported support consistent factual grounded yes true o".split()
    ),
    "unsupported": frozenset(
        "neutral not_entailment not_entailed unsupported not_supported inconsistent hallucinated "
        "hallucination "
        "ungrounded unfaithful not_enough_info no false".split()
    ),
    "contradicted": frozenset("contradiction contradicted contradicts contradictory refuted refutes".split()),
}
_UNNAMED: tuple[Meaning, Meaning] = ("unsupported", "supported")
_UNNAMED_OF_WORDS: tuple[Meaning, Meaning] = ("supported", "unsupported")
"""What 0 and 1 mean where the model does not name them; of words, 1 marks what is made up."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """The probability that characters ``start:end`` of the claim are not supported."""

    start: int
    end: int
    probability: float


@dataclass(frozen=True, slots=True)
class PairReading:
    """What the model says of a claim beside one piece of evidence.

    Attributes:
        supported, contradicted: probabilities, 0 to 1.
        doubts: of every word piece of the claim, from models that judge words; else empty.
    """

    supported: float
    contradicted: float
    doubts: tuple[Doubt, ...]


class ClaimModel:
    """A sequence or token classifier from a local folder or the model hub.

    Args:
        model: a local folder, or a hub name.
        labels: what the model's labels mean, where their names do not tell.
        claim_first: the order in which it reads the pair.
        max_tokens: evidence and claim together, at most what the model reads.
        device, precision, threads: as :mod:`rag.embedding.sentence_transformer` takes them.

    Attributes:
        marks_words: it judges every word of the claim.
        meanings: what its labels mean, by their number.

    Raises:
        ModelUnavailable: the model is not there, has no safetensors, or is no such classifier.
        SettingsError: the device does not exist.
    """

    def __init__(
        self,
        model: str,
        *,
        labels: Mapping[str, Meaning] | None = None,
        claim_first: bool = False,
        max_tokens: int = 512,
        device: str = "auto",
        precision: str = "auto",
        threads: int = 0,
    ) -> None:
        self._name = model
        self._claim_first = claim_first
        self._device = choose_device(device)
        self._precision = choose_precision(precision, self._device)
        self._threads = threads or os.cpu_count() or 1
        self._lock = threading.Lock()
        folder = locate_folder(
            model,
            called="checker's model",
            advice="Give a local folder in FOOTNOTE_CHECKER, like nli:/models/nli.",
            files=WITHOUT_CODE,
        )
        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        try:
            config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            kind = _kind_of(config.architectures or [], model)
            self._tokenizer = AutoTokenizer.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False
            )
            self._model = _KINDS[kind].from_pretrained(
                folder,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                dtype=_DTYPES[self._precision],
            )
        except (OSError, ValueError, RuntimeError, ImportError) as exc:
            raise ModelUnavailable(
                f"The checker's model {model!r} could not be loaded from {folder}: {exc}. Its weights must "
                f"be safetensors and its code part of transformers; name another one in FOOTNOTE_CHECKER."
            ) from exc
        self._model.eval().to(self._device)
        self.marks_words = kind == "ForTokenClassification"
        if self.marks_words and not self._tokenizer.is_fast:
            raise ModelUnavailable(
                f"The tokenizer of {model!r} does not say where its pieces stand in the text; "
                f"save it with tokenizer.json, or name another model in FOOTNOTE_CHECKER."
            )
        self.meanings = _meanings(config.id2label, labels or {}, model, of_words=self.marks_words)
        self.max_tokens = min(max_tokens, self._tokenizer.model_max_length, _positions(config))

    @property
    def description(self) -> str:
        """Model, device and precision, for people."""
        return f"{Path(self._name).name} on {self._device} in {self._precision}"

    def pieces(self, text: str) -> list[tuple[int, int]]:
        """Where the model's word pieces stand in ``text``."""
        encoded = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        return [(start, end) for start, end in encoded["offset_mapping"] if end > start]

    def room_beside(self, claim: str) -> int:
        """Word pieces of evidence that fit beside ``claim``; a long claim leaves it half of what fits."""
        return max(self.max_tokens // 2, self.max_tokens - len(self.pieces(claim)) - _SPECIAL_TOKENS)

    def read(self, pairs: Sequence[tuple[str, str]]) -> list[PairReading]:
        """A reading of each pair of evidence and claim, in order.

        Raises:
            ModelUnavailable: the model gives no number.
        """
        readings: list[PairReading] = []
        size = _BATCH_SIZE[self._device.partition(":")[0]]
        with self._lock, _compute_threads(self._threads), torch.inference_mode():
            for first in range(0, len(pairs), size):
                readings += self._read_batch(pairs[first : first + size])
        return readings

    def _read_batch(self, pairs: Sequence[tuple[str, str]]) -> list[PairReading]:
        evidence, claims = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        first, second = (claims, evidence) if self._claim_first else (evidence, claims)
        encoded = self._tokenizer(
            first,
            second,
            truncation=True,
            max_length=self.max_tokens,
            padding=True,
            return_tensors="pt",
            return_offsets_mapping=self._tokenizer.is_fast,
        )
        offsets = encoded.pop("offset_mapping", None)
        logits = self._model(**encoded.to(self._device)).logits.float().cpu()
        if not bool(torch.isfinite(logits).all()):
            raise ModelUnavailable(
                f"The checker's model {self._name!r} gives no number in {self._precision}; "
                f"set FOOTNOTE_PRECISION=float32, or name another model in FOOTNOTE_CHECKER."
            )
        shares = self._shares(logits)
        if not self.marks_words:
            return [PairReading(float(each[0]), float(each[1]), ()) for each in shares]
        claim_side = 0 if self._claim_first else 1
        return [
            _reading_of_words(
                [
                    (tuple(offsets[row][place].tolist()), shares[row, place])
                    for place, side in enumerate(encoded.sequence_ids(row))
                    if side == claim_side
                ]
            )
            for row in range(len(pairs))
        ]

    def _shares(self, logits: torch.Tensor) -> torch.Tensor:
        """Probabilities of support and of contradiction, in the last dimension."""
        if logits.shape[-1] == 1:
            supported = torch.sigmoid(logits)
            return torch.cat([supported, torch.zeros_like(supported)], dim=-1)
        probabilities = torch.softmax(logits, dim=-1)
        columns = []
        for meaning in ("supported", "contradicted"):
            chosen = [number for number, each in self.meanings.items() if each == meaning]
            columns.append(probabilities[..., chosen].sum(dim=-1))
        return torch.stack(columns, dim=-1)


def _reading_of_words(words: Sequence[tuple[tuple[int, ...], torch.Tensor]]) -> PairReading:
    """A claim is supported as far as its most doubtful word is."""
    doubts = tuple(
        Doubt(start=place[0], end=place[1], probability=1 - float(share[0]))
        for place, share in words
        if place[1] > place[0]
    )
    return PairReading(
        supported=1 - max((doubt.probability for doubt in doubts), default=0.0),
        contradicted=max((float(share[1]) for _, share in words), default=0.0),
        doubts=doubts,
    )


def _kind_of(architectures: Sequence[str], model: str) -> str:
    for kind in _KINDS:
        if any(each.endswith(kind) for each in architectures):
            return kind
    raise ModelUnavailable(
        f"The model {model!r} ({', '.join(architectures) or 'of no named kind'}) classifies neither pairs of "
        f"texts nor words. Name one that does in FOOTNOTE_CHECKER."
    )


def _meanings(
    names: Mapping[int, str], given: Mapping[str, Meaning], model: str, *, of_words: bool
) -> dict[int, Meaning]:
    """What each label means: as given, by its name, or by its number where there are two without names."""
    known = {name: meaning for meaning, named in _MEANINGS.items() for name in named}
    plain = {number: name.lower().replace("-", "_").replace(" ", "_") for number, name in names.items()}
    own = {name.lower(): meaning for name, meaning in given.items()}
    meanings = {
        number: own.get(names[number].lower()) or known.get(name) or known.get(name.removeprefix("b_"))
        for number, name in plain.items()
    }
    if not any(meanings.values()) and len(names) == 2:
        return dict(enumerate(_UNNAMED_OF_WORDS if of_words else _UNNAMED))
    if len(names) == 1:
        return {0: "supported"}
    found = {number: meaning for number, meaning in meanings.items() if meaning is not None}
    if len(found) < len(names) or "supported" not in found.values():
        raise ModelUnavailable(
            f"The labels of {model!r} are {', '.join(names.values())}; which of them means "
            f"supported, unsupported or contradicted cannot be told. Say so in FOOTNOTE_CHECKER_LABELS, as "
            f'{{"{names[min(names)]}": "supported", …}}.'
        )
    return found


def _positions(config: Any) -> int:
    """How many word pieces the model has positions for; RoBERTa's kind keeps some for itself."""
    known = getattr(config, "max_position_embeddings", None) or 1_000_000
    return int(known) - (
        2 if getattr(config, "model_type", "") in {"roberta", "xlm-roberta", "camembert"} else 0
    )


@contextmanager
def _compute_threads(count: int) -> Iterator[None]:
    """PyTorch with ``count`` threads: an embedding model that another engine runs leaves it with one."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
