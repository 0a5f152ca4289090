"""Make ``unstructured`` quiet and independent of the network before it is imported."""

from __future__ import annotations

import os
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

_SENTENCE_MODEL = "en_core_web_sm"


@lru_cache(maxsize=1)
def prepare_unstructured() -> None:
    """Switch its reporting and advert off, and its download of a spaCy model at first use.

    It only needs sentence boundaries to tell prose from labels, so a rule-based pipeline stands in for the
    model when that is not installed.
    """
    os.environ["DO_NOT_TRACK"] = "true"
    os.environ["UNSTRUCTURED_DISABLE_NOTICE"] = "1"
    if find_spec(_SENTENCE_MODEL) is not None:
        return
    import spacy
    from unstructured.nlp import tokenize

    pipeline = spacy.blank("xx")
    pipeline.add_pipe("sentencizer")

    def local_pipeline() -> Any:
        return pipeline

    tokenize._load_spacy_model = local_pipeline
