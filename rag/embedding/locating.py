"""Where a model lies: a folder of the machine, or one fetched from the model hub."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from huggingface_hub import snapshot_download

from rag.errors import ModelUnavailable

WITHOUT_CODE = ("*.safetensors", "*.json", "*.txt", "*.model")
"""Weights, settings and tokenizer; nothing pickled, nothing that runs."""


def locate_folder(model: str, *, called: str, advice: str, files: Sequence[str] | None = None) -> Path:
    """The folder of ``model``, a path or a hub name.

    Args:
        called: what the model is to the user, like ``reranker``.
        advice: what to do when it is not there, as a sentence.
        files: patterns of what to fetch; ``None``: everything.

    Raises:
        ModelUnavailable: it is neither a folder nor reachable.
    """
    path = Path(model).expanduser()
    if path.is_dir():
        return path
    try:
        return Path(snapshot_download(model, allow_patterns=None if files is None else list(files)))
    except Exception as exc:  # the hub client has many kinds
        raise ModelUnavailable(
            f"The {called} {model!r} is neither a folder nor reachable on the model hub ({exc}). {advice}"
        ) from exc
