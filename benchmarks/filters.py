"""What filters cost: ``python benchmarks/filters.py [--chunks 200000] [--keep FOLDER]``.

Synthetic chunks, twenty a document, of which filters let 1, 10 and 90 % pass. Prints, in milliseconds, how
long it takes to find the chunks that pass (for the first time, and again from what is kept), and how long a
search takes among them, its question not counted. Searches with and without filters take turns.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from eval.synthetic import SEED, WORDS, Synthesizer
from rag.domain import Access, Matrix, NewChunk, NewVersion, SearchMode
from rag.factory import Footnote
from rag.filter_parsing import parse_filter
from rag.settings import load_settings

COLLECTION = "bench"
CHUNKS_PER_DOCUMENT = 20
DOCUMENTS_PER_FILE = 100
FILTERS: dict[str, Any] = {
    "none": None,
    "1 %": {"metadata.bucket": 7},
    "10 %": {"metadata.bucket": {"lt": 10}},
    "90 %": {"metadata.bucket": {"lt": 90}},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=200_000)
    parser.add_argument("--queries", type=int, default=30)
    parser.add_argument("--keep", type=Path, help="data directory to fill, or to use again")
    given = parser.parse_args()
    with nullcontext(given.keep) if given.keep else TemporaryDirectory() as folder:
        settings = load_settings(data_dir=Path(folder), cached_searches=0)
        with Footnote(settings) as footnote:
            collection = footnote.open_collection(COLLECTION)
            if not collection.chunks:
                fill(footnote, given.chunks)
            measure(footnote, given.queries)


def fill(footnote: Footnote, chunks: int) -> None:
    collection = footnote.open_collection(COLLECTION)
    synthesizer = Synthesizer(collection.dimension)
    documents = chunks // CHUNKS_PER_DOCUMENT
    for first in range(0, documents, DOCUMENTS_PER_FILE):
        numbers = range(first, min(documents, first + DOCUMENTS_PER_FILE))
        footnote.catalog.put_source(
            collection.id,
            [
                version(
                    number,
                    synthesizer.texts(CHUNKS_PER_DOCUMENT, WORDS),
                    synthesizer.vectors(CHUNKS_PER_DOCUMENT),
                )
                for number in numbers
            ],
        )
    footnote.indexes.refresh(collection.id)


def version(number: int, texts: Sequence[str], vectors: Matrix) -> NewVersion:
    return NewVersion(
        root="synthetic",
        path=f"{number // DOCUMENTS_PER_FILE}.zip",
        part=f"{number}.txt",
        source_uri=f"synthetic/{number}.txt",
        sha256=f"{number:064x}",
        size=number,
        mtime_ns=0,
        media_type="text/plain",
        title=f"Document {number}",
        language="en",
        text="\n".join(texts),
        metadata={"bucket": number % 100, "author": f"Person {number % 7}", "year": 2000 + number % 25},
        chunks=tuple(chunks_of(texts, vectors)),
    )


def chunks_of(texts: Sequence[str], vectors: Matrix) -> Iterator[NewChunk]:
    start = 0
    for ordinal, (text, vector) in enumerate(zip(texts, vectors, strict=True)):
        yield NewChunk(
            ordinal=ordinal,
            start=start,
            end=start + len(text),
            text=text,
            heading="",
            page=None,
            context="",
            tokens=WORDS,
            vector=vector,
        )
        start += len(text) + 1


def measure(footnote: Footnote, queries: int) -> None:
    collection = footnote.catalog.collection(COLLECTION)
    questions = Synthesizer(collection.dimension, seed=SEED + 1).questions(queries)
    parsed = {name: None if value is None else parse_filter(value) for name, value in FILTERS.items()}
    rows: dict[str, dict[str, Any]] = {name: {} for name in FILTERS}
    started = time.perf_counter()
    footnote.catalog.visible_chunk_ids(
        collection.id, access=Access.everything(), filters=parse_filter({"size": -1})
    )
    print(json.dumps({"chunks": collection.chunks, "first filter of a process": since(started)}))
    for name, chosen in parsed.items():
        for state in ("picked", "picked again"):
            started = time.perf_counter()
            allowed = footnote.catalog.visible_chunk_ids(
                collection.id, access=Access.everything(), filters=chosen
            )
            rows[name] |= {"passing": None if allowed is None else len(allowed), state: since(started)}
    for mode in SearchMode:
        times: dict[str, list[float]] = {name: [] for name in FILTERS}
        for question in questions:
            for name, chosen in parsed.items():
                found = footnote.retriever.retrieve(
                    question,
                    collection=COLLECTION,
                    k=10,
                    access=Access.everything(),
                    mode=mode,
                    filters=chosen,
                )
                times[name].append(found.timings_ms["retrieve"])
        for name in FILTERS:
            rows[name][mode.value] = round(median(times[name]), 1)
    for name, row in rows.items():
        print(json.dumps({"filter": name, **row}))


def since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)


if __name__ == "__main__":
    main()
