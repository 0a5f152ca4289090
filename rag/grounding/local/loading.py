"""The trained weights, read from this folder; word embeddings are those of the default embedding model."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from tokenizers import Tokenizer

from rag.embedding.sentence_transformer import DEFAULT_MODEL, choose_precision, locate_model
from rag.errors import ModelUnavailable
from rag.grounding.local.checker import LocalModel, local_checker
from rag.grounding.local.reader import EvidenceReader
from rag.grounding.local.reading import ClaimReader
from rag.grounding.sentence_checker import SentenceChecker

WEIGHTS_FILE = "reader.safetensors"
MODEL_FILE = "model.json"
WORDS = "words.weight"
"""The one tensor that training leaves alone, so that it need not be stored a second time."""

_ENCODER_WORDS = "embeddings.word_embeddings.weight"
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def open_local_checker() -> SentenceChecker:
    """The checker with its trained weights, in the CPU's fastest precision.

    Raises:
        ModelUnavailable: its weights are missing or damaged, or the default embedding model's are.
    """
    model = LocalModel.model_validate_json(_folder().joinpath(MODEL_FILE).read_bytes())
    return local_checker(stored_reader(), model)


@lru_cache(maxsize=1)
def stored_reader() -> ClaimReader:
    """The trained reader of this folder, loaded once."""
    folder = locate_model(DEFAULT_MODEL)
    try:
        weights = load_file(_folder() / WEIGHTS_FILE)
        weights[WORDS] = load_file(folder / "model.safetensors")[_ENCODER_WORDS]
        reader = EvidenceReader()
        reader.load_state_dict(weights)
    except (OSError, RuntimeError, SafetensorError) as exc:
        raise ModelUnavailable(
            f"The groundedness model {_folder() / WEIGHTS_FILE} could not be loaded: {exc}. "
            f"Reinstall Footnote, or choose another checker (FOOTNOTE_CHECKER=lexical)."
        ) from exc
    return ClaimReader(reader.to(DTYPES[choose_precision("auto", "cpu")]), open_tokenizer(folder))


def open_tokenizer(folder: Path) -> Tokenizer:
    """The encoder's tokenizer, which neither cuts nor pads."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _folder() -> Path:
    return Path(str(files("rag.grounding.local")))
