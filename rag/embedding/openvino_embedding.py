"""The same embedding model run by OpenVINO: faster than PyTorch on CPUs (``docs/decisions/0003-…``)."""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from transformers.utils import logging as transformers_logging

from rag.domain import Matrix, PieceVectors, Vector
from rag.embedding.sentence_transformer import SentenceTransformerEmbedder, prompts_of, unit_rows
from rag.errors import ModelUnavailable

PRECISIONS = {"float32": "f32", "bfloat16": "bf16"}
"""Our names of the precisions that OpenVINO computes in, and its own."""
_BATCH_CHARACTERS = 4096  # padded; about four chunks: what a core's cache holds, measured
_BATCH_TEXTS = 32
_READ = ("input_ids", "attention_mask", "token_embeddings", "sentence_embedding")
_EXAMPLE = ["An example of some length for tracing.", "Another one."]


def is_installed() -> bool:
    """Whether the extra ``openvino`` is installed."""
    return find_spec("openvino") is not None


class OpenVinoEmbedder(SentenceTransformerEmbedder):
    """Embeds on the CPU, one stream per core; a question is embedded beside documents, not after them.

    The vectors are those of the PyTorch model (cosine at least 0.9999), and so is the profile. The
    transformer is converted each time it is loaded, which takes about a second; tokenizer, prompts and
    pooling stay sentence-transformers'.

    Args:
        precision: ``float32`` or ``bfloat16``.
        threads: CPU threads, a stream each; 0 means one per core.

    Raises:
        ModelUnavailable: besides the base class's reasons, OpenVINO is missing or cannot run this model.
    """

    def __init__(self, model: str, *, precision: str = "auto", threads: int = 0) -> None:
        super().__init__(model, device="cpu", precision="float32", threads=threads)
        self._precision = precision
        streams = torch.get_num_threads()
        torch.set_num_threads(1)  # pooling only; the streams have the cores
        self._inputs, converted = convert(self._model, model)
        self._compiled = compile_model(converted, precision, streams=streams)
        transformer_of(self._model).to("meta")  # PyTorch's own weights are not needed any more
        self._pooling = list(self._model)[1:]
        self._prompts = prompts_of(self._model)
        self._requests = threading.local()
        self._stream_count = streams
        self._streams = ThreadPoolExecutor(streams, thread_name_prefix="embed")

    @property
    def description(self) -> str:
        """Model, device, precision and engine, for people."""
        return f"{super().description} by OpenVINO"

    def embed_query(self, text: str) -> Vector:
        """Embed one question, with the model's own query prompt where it has one."""
        return np.asarray(self.embed_queries([text])[0])

    def embed_queries(self, texts: Sequence[str]) -> Matrix:
        """Embed several questions in one batch, on one core."""
        if not texts:
            return np.zeros((0, self.profile.dimension), dtype=np.float32)
        return self._infer(self._features(list(texts), "query"))

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        """Embed texts in batches of similar length; rows come back in the order of ``texts``."""
        vectors = np.zeros((len(texts), self.profile.dimension), dtype=np.float32)
        waiting = [
            (
                places,
                self._streams.submit(self._infer, self._features([texts[i] for i in places], "document")),
            )
            for places in batches(texts)
        ]
        for places, future in waiting:
            vectors[places] = future.result()
        return vectors

    def embed_pieces(self, texts: Sequence[str]) -> list[PieceVectors]:
        """Each text's vector and its word pieces', in the order of ``texts``; every core gets a share."""
        waiting = [
            (places, self._streams.submit(self._run, self._features([texts[i] for i in places], "bare")))
            for places in balanced_batches(texts, self._stream_count)
        ]
        found: dict[int, PieceVectors] = {}
        for places, future in waiting:
            features = future.result()
            for row, place in enumerate(places):
                found[place] = self._piece_vectors({name: features[name][row] for name in _READ})
        return [found[place] for place in range(len(texts))]

    def _features(self, texts: list[str], kind: str) -> dict[str, Any]:
        with self._lock:  # the tokenizer sets its padding for each call
            return dict(self._model.preprocess(texts, prompt=self._prompts[kind]))

    def _infer(self, features: dict[str, Any]) -> Matrix:
        return unit_rows(self._run(features)["sentence_embedding"])

    def _run(self, features: dict[str, Any]) -> dict[str, Any]:
        if not hasattr(self._requests, "own"):
            self._requests.own = self._compiled.create_infer_request()
        found = self._requests.own.infer({name: features[name].numpy() for name in self._inputs})
        with torch.inference_mode():
            features["token_embeddings"] = torch.from_numpy(next(iter(found.values())))
            for module in self._pooling:
                features = module(features)
        return features


def batches(texts: Sequence[str], *, characters: int = _BATCH_CHARACTERS) -> Iterator[list[int]]:
    """Places of the texts in batches of similar length, longest first, of so many padded characters each."""
    batch: list[int] = []
    for place in sorted(range(len(texts)), key=lambda place: -len(texts[place])):
        longest = len(texts[batch[0]]) if batch else 0
        if batch and (longest * (len(batch) + 1) > characters or len(batch) == _BATCH_TEXTS):
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def balanced_batches(texts: Sequence[str], count: int) -> Iterator[list[int]]:
    """As few batches as :func:`batches` makes, but ``count`` at least, so that every core has as much to do.

    The smallest limit of characters that gives no more than ``count`` batches, if any does.
    """
    low = max(map(len, texts), default=0)
    high = min(low * len(texts), _BATCH_CHARACTERS)
    while low < high:
        middle = (low + high) // 2
        if sum(1 for _ in batches(texts, characters=middle)) <= count:
            high = middle
        else:
            low = middle + 1
    return batches(texts, characters=high)


def convert(model: SentenceTransformer, name: str) -> tuple[tuple[str, ...], Any]:
    """The transformer as an OpenVINO model, and the names of its inputs.

    Raises:
        ModelUnavailable: OpenVINO is not installed, or the model is of a kind that it does not run.
    """
    openvino = _openvino()
    try:
        features = model.preprocess(_EXAMPLE)
        inputs = tuple(key for key in features if isinstance(features[key], torch.Tensor))
        traced = _TokenEmbeddings(transformer_of(model), inputs)
        with _quiet(), torch.inference_mode():
            converted = openvino.convert_model(traced, example_input=tuple(features[key] for key in inputs))
        converted.reshape({place: [-1, -1] for place in range(len(inputs))})
    except Exception as exc:
        raise ModelUnavailable(
            f"OpenVINO cannot run the embedding model {name!r} ({type(exc).__name__}); "
            f"set FOOTNOTE_EMBEDDING_BACKEND=torch."
        ) from exc
    for place, key in enumerate(inputs):
        converted.input(place).set_names({key})
    return inputs, converted


def compile_model(converted: Any, precision: str, *, streams: int) -> Any:
    """A converted model made ready for this CPU, to be run ``streams`` times at once on a core each."""
    properties: Mapping[str, Any] = {
        "INFERENCE_PRECISION_HINT": PRECISIONS[precision],
        "NUM_STREAMS": streams,
        "INFERENCE_NUM_THREADS": streams,
        "SCHEDULING_CORE_TYPE": "ANY_CORE",
        "ENABLE_CPU_PINNING": False,  # other threads work on these cores too
    }
    return _openvino().Core().compile_model(converted, "CPU", properties)


def transformer_of(model: SentenceTransformer) -> torch.nn.Module:
    """The network proper, without tokenizer and pooling."""
    module: Any = model[0]
    transformer: torch.nn.Module = module.auto_model
    return transformer


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the tracer's remarks off the screen, and our own log as it was set up."""
    root = logging.getLogger()
    ours, theirs = root.level, transformers_logging.get_verbosity()
    transformers_logging.set_verbosity(logging.ERROR)  # the tracer touches every attribute, deprecated too
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about branches that depend on shapes
            yield
    finally:
        transformers_logging.set_verbosity(theirs)
        root.setLevel(ours)  # OpenVINO's converter raises it to ERROR


class _TokenEmbeddings(torch.nn.Module):
    """A transformer as the tracer wants it: positional inputs, one output."""

    def __init__(self, transformer: torch.nn.Module, inputs: tuple[str, ...]) -> None:
        super().__init__()
        self.transformer = transformer
        self.inputs = inputs

    def forward(self, *values: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.transformer(
            **dict(zip(self.inputs, values, strict=True))
        ).last_hidden_state
        return found


def _openvino() -> Any:
    # Importing openvino reports home through this package; without it, it uses its own stub.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    try:
        import openvino
    except ImportError as exc:
        raise ModelUnavailable("OpenVINO is not installed: pip install 'footnote[openvino]'.") from exc
    return openvino
