"""Tiny classifiers of evidence and claim on disk, real ones to the libraries, with weights set by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertForTokenClassification,
    BertModel,
)

from tests.cross_encoders import write_tokenizer

_SPECIAL = 4
_KNOWN, _ANCHOR = 0, 1
"""Dimensions of the hidden states: a word that is known, and a constant."""


def write_nli_model(
    folder: Path,
    words: Sequence[str],
    *,
    labels: Sequence[str] = ("contradiction", "entailment", "neutral"),
    entails: int = 1,
    nan: bool = False,
) -> Path:
    """Entailed is what consists, with its evidence, of ``words``; what does not gets another label."""
    model = BertForSequenceClassification(_config(len(words), labels))
    _zero(model)
    _read_words(model.bert)
    attention = model.bert.encoder.layer[0].attention
    attention.self.value.weight.data.copy_(torch.eye(8))
    attention.output.dense.weight.data.copy_(torch.eye(8))
    model.bert.pooler.dense.weight.data.copy_(torch.eye(8))
    with torch.no_grad():
        model.classifier.weight[entails, _KNOWN] = torch.nan if nan else 2000.0
        model.classifier.bias[entails] = -1875.0  # where one word in fifty is unknown
        model.classifier.bias[max({*range(len(labels))} - {entails})] = 1.0
    return _write(model, folder, words)


def write_word_model(
    folder: Path, words: Sequence[str], *, labels: Sequence[str] = ("LABEL_0", "LABEL_1")
) -> Path:
    """Marks every word of the claim that is not among ``words``."""
    model = BertForTokenClassification(_config(len(words), labels))
    _zero(model)
    _read_words(model.bert)
    with torch.no_grad():
        model.classifier.weight[0, _KNOWN] = 8.0
        model.classifier.bias[0] = -4.0
    return _write(model, folder, words)


def _config(words: int, labels: Sequence[str]) -> BertConfig:
    return BertConfig(
        vocab_size=_SPECIAL + words,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=8,
        max_position_embeddings=64,
        id2label=dict(enumerate(labels)),
        label2id={label: number for number, label in enumerate(labels)},
    )


def _zero(model: torch.nn.Module) -> None:
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()


def _read_words(bert: BertModel) -> None:
    with torch.no_grad():
        words = bert.embeddings.word_embeddings.weight
        words[:, _ANCHOR] = 1.0
        words[_SPECIAL:, _KNOWN] = 1.0
        words[2:_SPECIAL, _KNOWN] = 1.0
        layer = bert.encoder.layer[0]
        for norm in (bert.embeddings.LayerNorm, layer.attention.output.LayerNorm, layer.output.LayerNorm):
            norm.weight.fill_(1.0)


def _write(
    model: BertForSequenceClassification | BertForTokenClassification, folder: Path, words: Sequence[str]
) -> Path:
    write_tokenizer(folder, words)
    model.save_pretrained(folder, safe_serialization=True)
    return folder
