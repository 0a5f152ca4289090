"""What a run was measured with, so that figures can be told apart a year later."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

from eval.bootstrap import DRAWS
from eval.suite.report import Environment
from rag.factory import Footnote

_SHOWN = (
    "k", "passages_per_document", "dense_weight", "query_expansion", "reranker", "grounding_policy",
    "datamarking", "prompt_tokens", "precision", "device",
)  # fmt: skip
"""Settings that move the figures; none of them is a secret."""


def environment_of(footnote: Footnote, *, llm: str, k: int | None, seed: int) -> Environment:
    """Versions, models and settings of a run."""
    settings = {name: str(getattr(footnote.settings, name)) for name in _SHOWN}
    if k is not None:
        settings["k"] = str(k)
    return Environment(
        footnote=_release(),
        python=platform.python_version(),
        machine=f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        llm=llm,
        checker=footnote.checker().name,
        embedding_model=footnote.embedder.description,
        embedding_fingerprint=footnote.embedder.profile.fingerprint,
        seed=seed,
        draws=DRAWS,
        settings=settings,
    )


def _release() -> str:
    try:
        return version("footnote")
    except PackageNotFoundError:
        return "source tree"
