"""A language model's own tokenizer, where it lies on this machine; nothing is downloaded to count tokens."""

from __future__ import annotations

import logging
from pathlib import Path

from huggingface_hub import try_to_load_from_cache
from huggingface_hub.errors import HFValidationError
from tokenizers import Tokenizer

from rag.interfaces import TokenCounter
from rag.prompting.tokens import EstimatedTokens

logger = logging.getLogger(__name__)

_FILE = "tokenizer.json"


class ModelTokens:
    """Counts with a model's tokenizer.

    Args:
        file: its ``tokenizer.json``.
    """

    def __init__(self, file: Path) -> None:
        self._tokenizer = Tokenizer.from_file(str(file))
        self._tokenizer.no_truncation()

    def count(self, text: str) -> int:
        """Tokens of ``text``, without those that a chat template adds."""
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)


def token_counter(model: str) -> TokenCounter:
    """The counter of a model, named as its provider names it.

    That of its own tokenizer if ``model`` is a folder with a ``tokenizer.json``, or a Hugging Face name whose
    tokenizer was downloaded before, by whatever program; otherwise a careful estimate.
    """
    file = _tokenizer_file(model)
    if file is None:
        return EstimatedTokens()
    try:
        return ModelTokens(file)
    except Exception as exc:  # noqa: BLE001  # the library raises bare Exception for a malformed file
        logger.warning("The tokenizer %s could not be read (%s); tokens are estimated.", file, exc)
        return EstimatedTokens()


def _tokenizer_file(model: str) -> Path | None:
    folder = Path(model).expanduser()
    if folder.is_dir():
        file = folder / _FILE
        return file if file.is_file() else None
    if "/" not in model:
        return None
    try:
        cached = try_to_load_from_cache(model, _FILE)
    except HFValidationError:  # no name of the hub, such as a server's own
        return None
    return Path(cached) if isinstance(cached, str) else None
