"""A tiny encoder on disk, a real one to the libraries, that can be trained within seconds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from transformers import BertConfig, BertModel

from tests.cross_encoders import write_tokenizer


def write_encoder(folder: Path, *, words: Sequence[str], dimension: int = 32) -> Path:
    """A model that knows ``words`` and has learned nothing: each has a vector of its own, drawn at random."""
    torch.manual_seed(0)
    bare = folder / "bare"
    write_tokenizer(bare, words)
    config = BertConfig(
        vocab_size=len(words) + 4,
        hidden_size=dimension,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=dimension,
        max_position_embeddings=64,
        initializer_range=0.2,
    )
    BertModel(config).save_pretrained(bare, safe_serialization=True)
    transformer = Transformer(str(bare), max_seq_length=64)
    pooling = Pooling(transformer.get_embedding_dimension(), "mean")
    SentenceTransformer(modules=[transformer, pooling], device="cpu").save_pretrained(
        str(folder / "tiny"), create_model_card=False
    )
    return folder / "tiny"
