"""Engines and precisions of the default embedding model: ``python benchmarks/embedding.py [FOLDER…]``.

Prints for PyTorch and OpenVINO in each precision: chunks a second, the ratio to PyTorch in bfloat16, cosine
to PyTorch in float32, milliseconds a question, and peak memory of a process with nothing but that model. All
candidates take turns on the same slices of chunks, and ratios are medians over the turns, so a machine that
is busy with other things now and then is fair to all. ``--retrieval DIR`` (repeatable) adds nDCG@10 on BEIR
folders, dense and hybrid. int8 needs ``pip install nncf`` as well.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from eval.retrieval import evaluate_retrieval
from ingest.chunk import chunk
from ingest.parsing.read import read_file
from ingest.parsing.table import file_type
from ingest.sources import FolderSource
from rag.domain import Matrix, SearchMode, Vector, embedded_text
from rag.embedding.openvino_embedding import OpenVinoEmbedder, compile_model, convert
from rag.embedding.sentence_transformer import DEFAULT_MODEL, SentenceTransformerEmbedder, locate_model
from rag.errors import SourceError
from rag.interfaces import Embedder
from rag.settings import load_settings

SAMPLES = Path(__file__).parents[1] / "samples" / "handbook"
SLICE = 64
CALIBRATION = 128
QUESTION = "How many days of annual leave do we have in Leeds?"
REFERENCE, BASE = "torch float32", "torch bfloat16"


def by_torch(precision: str) -> Callable[[Sequence[str]], Embedder]:
    """PyTorch in one precision."""
    return lambda _: SentenceTransformerEmbedder(device="cpu", precision=precision)


def by_openvino(precision: str) -> Callable[[Sequence[str]], Embedder]:
    """OpenVINO in one precision."""
    return lambda _: OpenVinoEmbedder(DEFAULT_MODEL, precision=precision)


def by_openvino_int8(texts: Sequence[str]) -> Embedder:
    """OpenVINO with weights and activations in int8, their ranges calibrated on ``texts``."""
    import nncf
    from sentence_transformers import SentenceTransformer

    embedder = OpenVinoEmbedder(DEFAULT_MODEL, precision="float32")
    model = SentenceTransformer(str(locate_model(DEFAULT_MODEL)), device="cpu")
    inputs, converted = convert(model, DEFAULT_MODEL)

    def features(text: str) -> dict[str, Any]:
        found = model.preprocess([text])
        return {name: found[name].numpy() for name in inputs}

    quantised = nncf.quantize(
        converted,
        nncf.Dataset(list(texts), features),
        model_type=nncf.ModelType.TRANSFORMER,
        subset_size=len(texts),
    )
    embedder._compiled = compile_model(quantised, "float32", streams=os.cpu_count() or 1)
    return embedder


CANDIDATES: dict[str, Callable[[Sequence[str]], Embedder]] = {
    REFERENCE: by_torch("float32"),
    BASE: by_torch("bfloat16"),
    "openvino float32": by_openvino("float32"),
    "openvino bfloat16": by_openvino("bfloat16"),
    "openvino int8": by_openvino_int8,
}


class Remembering:
    """An embedder that embeds no text twice, so that a second search mode costs nothing."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.profile = embedder.profile
        self.description = embedder.description
        self.token_offsets = embedder.token_offsets
        self.knows = embedder.knows
        self.texts_at_once = embedder.texts_at_once
        self._documents: dict[str, Vector] = {}
        self._queries: dict[str, Vector] = {}

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        """As the embedder does."""
        new = [text for text in dict.fromkeys(texts) if text not in self._documents]
        self._documents.update(zip(new, self._embedder.embed_documents(new), strict=True))
        return np.array([self._documents[text] for text in texts], dtype=np.float32)

    def embed_query(self, text: str) -> Vector:
        """As the embedder does."""
        if text not in self._queries:
            self._queries[text] = self._embedder.embed_query(text)
        return self._queries[text]

    def embed_queries(self, texts: Sequence[str]) -> Matrix:
        """As the embedder does."""
        return self._embedder.embed_queries(texts)


def chunks_of(folders: Sequence[Path], embedder: Embedder) -> Iterator[str]:
    """What the model reads of every chunk of every file that can be parsed."""
    for folder in folders:
        for file in FolderSource(folder).scan().files:
            if file_type(file.path) is None:
                continue
            try:
                documents = read_file(file.local, file.path, None).documents
            except SourceError:
                continue
            for document in documents:
                drafts = chunk(document, embedder.token_offsets, max_tokens=embedder.profile.max_tokens)
                for draft in drafts:
                    yield embedded_text(draft.context, document.text[draft.start : draft.end])


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def with_threads(name: str, work: Callable[[], object]) -> Callable[[], object]:
    """PyTorch has the cores while it works, and one thread beside OpenVINO, as in the product."""

    def run() -> object:
        torch.set_num_threads(os.cpu_count() or 1 if name.startswith("torch") else 1)
        return work()

    return run


def rates(embedders: dict[str, Embedder], texts: Sequence[str], rounds: int) -> dict[str, list[float]]:
    """Chunks a second of each candidate in each turn; the order rotates."""
    found: dict[str, list[float]] = {name: [] for name in embedders}
    names = list(embedders)
    for turn in range(-1, rounds):  # the first one warms up
        start = (max(turn, 0) * SLICE) % (len(texts) - SLICE + 1)
        part = texts[start : start + SLICE]
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            work = with_threads(name, lambda name=name, part=part: embedders[name].embed_documents(part))
            rate = len(part) / seconds(work)
            if turn >= 0:
                found[name].append(rate)
    return found


def peak_mb(name: str, texts: Sequence[str]) -> float:
    """Peak memory of a fresh process that loads one candidate and embeds a slice."""
    command = [sys.executable, __file__, "--only", name]
    done = subprocess.run(command, input=json.dumps(list(texts)), capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def only(name: str) -> None:
    """The child of :func:`peak_mb`."""
    texts = json.load(sys.stdin)
    CANDIDATES[name](texts).embed_documents(texts[:SLICE])
    # Not getrusage: its peak includes that of the process which started this one.
    print(int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text()).group(1)) / 1024)


def print_speed(
    embedders: dict[str, Embedder], texts: Sequence[str], rounds: int, calibration: list[str]
) -> None:
    """One row per candidate."""
    reference = embedders[REFERENCE].embed_documents(texts)
    turns = rates(embedders, texts, rounds)
    print(f"{len(texts)} chunks, {rounds} turns of {SLICE}, {os.cpu_count()} cores")
    print(f"{'':20}{'chunks/s':>9}{'ratio':>7}{'cosine min':>12}{'mean':>9}{'ms/query':>10}{'peak MB':>9}")
    for name, embedder in embedders.items():
        cosines = np.sum(embedder.embed_documents(texts) * reference, axis=1)
        query = with_threads(name, lambda embedder=embedder: embedder.embed_query(QUESTION))
        latency = median(1000 * seconds(query) for _ in range(30))
        ratio = median(mine / base for mine, base in zip(turns[name], turns[BASE], strict=True))
        print(
            f"{name:20}{median(turns[name]):9.1f}{ratio:7.2f}{cosines.min():12.5f}{cosines.mean():9.5f}"
            f"{latency:10.1f}{peak_mb(name, calibration):9.0f}",
            flush=True,
        )


def print_retrieval(embedders: dict[str, Embedder], folders: Sequence[Path]) -> None:
    """nDCG@10 of each candidate on each folder, dense and hybrid."""
    remembering = {name: Remembering(embedder) for name, embedder in embedders.items()}
    for folder in folders:
        for name, embedder in remembering.items():
            torch.set_num_threads(os.cpu_count() or 1)
            scores = [
                evaluate_retrieval(folder, settings=load_settings(), mode=mode, embedder=embedder).metrics[
                    "nDCG@10"
                ]
                for mode in (SearchMode.DENSE, SearchMode.HYBRID)
            ]
            print(f"{folder.name:16}{name:20}dense {scores[0]:.4f}  hybrid {scores[1]:.4f}", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path, help="more folders to take chunks from")
    parser.add_argument("--chunks", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--retrieval", type=Path, action="append", default=[], metavar="DIR")
    parser.add_argument("--candidates", nargs="+", choices=CANDIDATES, default=list(CANDIDATES))
    parser.add_argument("--only", choices=CANDIDATES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        only(arguments.only)
        return
    first = CANDIDATES[REFERENCE]([])
    texts = sorted(set(chunks_of([SAMPLES, *arguments.folders], first)))
    random.Random(20261121).shuffle(texts)
    texts, calibration = texts[: arguments.chunks], texts[-CALIBRATION:]
    wanted = dict.fromkeys([REFERENCE, BASE, *arguments.candidates])
    embedders = {name: CANDIDATES[name](calibration) for name in wanted}
    if arguments.rounds:
        print_speed(embedders, texts, arguments.rounds, calibration)
    if arguments.retrieval:
        print_retrieval({name: embedders[name] for name in arguments.candidates}, arguments.retrieval)


if __name__ == "__main__":
    main()
