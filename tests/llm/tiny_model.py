"""A language model small enough to be made in a test: own tokenizer, two layers, a few answers by heart."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from transformers.utils import logging

CONTEXT = 256
_TEMPLATE = "{% for turn in messages %}<{{ turn.role }}>{{ turn.content }}<end>{% endfor %}<assistant>"
_STEPS = 40


def make_tiny_model(folder: Path, *, system: str, answers: dict[str, str], context: int = CONTEXT) -> None:
    """Save to ``folder`` a model that answers each of the questions as ``answers`` has it."""
    logging.disable_progress_bar()
    torch.manual_seed(0)
    tokenizer = _tokenizer([system, *answers, *answers.values()])
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=48,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=context,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
    )
    model = LlamaForCausalLM(config)
    _train(model, [_example(tokenizer, system, *pair) for pair in answers.items()])
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _train(model: LlamaForCausalLM, examples: list[tuple[torch.Tensor, torch.Tensor]]) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # so small a model only waits for the others
    try:
        for _ in range(_STEPS):
            for tokens, labels in examples:
                optimizer.zero_grad()
                model(input_ids=tokens, labels=labels).loss.backward()
                optimizer.step()
    finally:
        torch.set_num_threads(threads)


def _tokenizer(texts: list[str]) -> PreTrainedTokenizerFast:
    marks = ["<pad>", "<end>", "<system>", "<user>", "<assistant>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=500, special_tokens=marks, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<end>")
    fast.chat_template = _TEMPLATE
    return fast


def _example(
    tokenizer: PreTrainedTokenizerFast, system: str, question: str, answer: str
) -> tuple[torch.Tensor, torch.Tensor]:
    turns = [{"role": "system", "content": system}, {"role": "user", "content": question}]
    asked = tokenizer.apply_chat_template(turns, return_dict=True)["input_ids"]
    said = tokenizer(answer, add_special_tokens=False)["input_ids"] + [tokenizer.eos_token_id]
    return torch.tensor([asked + said]), torch.tensor([[-100] * len(asked) + said])
