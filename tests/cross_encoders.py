"""Tiny cross-encoders on disk, real ones to the libraries, with weights set by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, BertForSequenceClassification, BertModel, PreTrainedTokenizerFast

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
_LIKED = 0
_ANCHOR = 1
"""Dimensions of the hidden states: how much is liked, and a constant that normalisation measures it by."""


def write_cross_encoder(folder: Path, *, likes: Sequence[str], labels: int = 1, nan: bool = False) -> Path:
    """A model that scores a pair by the share of its words that are among ``likes``."""
    model = BertForSequenceClassification(_config(len(likes), labels=labels))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        words = model.bert.embeddings.word_embeddings.weight
        words[len(_SPECIAL) :, _LIKED] = 1.0
        words[_SPECIAL.index("[CLS]"), _ANCHOR] = 1.0
        _pass_through(model.bert)
        model.classifier.weight[:, _LIKED] = torch.nan if nan else 1.0
    return _write(model, folder, likes)


def write_encoder(folder: Path) -> Path:
    """A model that gives vectors, and no scores of pairs."""
    return _write(BertModel(_config(1, labels=1)), folder, ["word"])


def _config(words: int, *, labels: int) -> BertConfig:
    return BertConfig(
        vocab_size=len(_SPECIAL) + words,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=8,
        max_position_embeddings=64,
        num_labels=labels,
    )


def _pass_through(bert: BertModel) -> None:
    """Every token attends to all alike: the first one then holds their mean."""
    layer = bert.encoder.layer[0]
    same = torch.eye(bert.config.hidden_size)
    layer.attention.self.value.weight.copy_(same)
    layer.attention.output.dense.weight.copy_(same)
    bert.pooler.dense.weight.copy_(same)
    for norm in (bert.embeddings.LayerNorm, layer.attention.output.LayerNorm, layer.output.LayerNorm):
        norm.weight.fill_(1.0)


def _write(model: BertModel | BertForSequenceClassification, folder: Path, words: Sequence[str]) -> Path:
    write_tokenizer(folder, words)
    model.save_pretrained(folder, safe_serialization=True)
    return folder


def write_tokenizer(folder: Path, words: Sequence[str]) -> None:
    """One that knows ``words``, after four special tokens, and reads 64 of them."""
    vocabulary = {word: place for place, word in enumerate((*_SPECIAL, *words))}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=64,
    ).save_pretrained(folder)
