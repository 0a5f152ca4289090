"""Whether a model finds the held-out texts better, in the product's own search of a copy of the collection.

The copy holds the collection's chunks; those of held-out documents stand in it without what they are asked
with, and texts that repeat an answer elsewhere are left out of it. A query's score is nDCG@10 with its first
right passage as the only relevant one, ``1 / log2(1 + rank)``.
"""

from __future__ import annotations

import math
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from ingest.tuning.collecting import SAME_TEXT, MinedPairs, shingles
from ingest.tuning.pairs import OutlinedDocument, Pair, PairKind, conceal, words
from rag.domain import Access, NewChunk, NewVersion, Passage, SearchMode, Vector, embedded_text
from rag.factory import Footnote
from rag.interfaces import Embedder, Retriever
from rag.settings import Settings

DEPTH = 10
POOL_CHUNKS = 3000
"""The copy of a larger collection holds the held-out documents and others up to so many chunks."""

CONFIDENCE = 0.95
_DRAWS = 2000
_SEED = 20240229
_COLLECTION = "held-out"
_PLAIN = {"catalog_url": None, "reranker": "none", "query_expansion": "none"}
_MODES = (SearchMode.DENSE, SearchMode.HYBRID)

Scores = NDArray[np.float64]
"""One nDCG@10 per held-out query."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Marks:
    """What one model's search scored, in the order of the held-out pairs."""

    dense: Scores
    hybrid: Scores

    def to_json(self) -> dict[str, float]:
        """Means."""
        return {
            "dense_nDCG@10": round(float(self.dense.mean()), 4),
            "hybrid_nDCG@10": round(float(self.hybrid.mean()), 4),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class _Chunk:
    ordinal: int
    start: int
    end: int
    context: str
    text: str
    heading: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Copy:
    """A document as it stands in the copy; offsets of its chunks are into ``text``."""

    name: str
    title: str
    language: str
    text: str
    chunks: tuple[_Chunk, ...]


class Exam:
    """The held-out pairs with the documents among which their texts are to be found."""

    def __init__(self, mined: MinedPairs) -> None:
        self._pairs = mined.held_out
        asked: defaultdict[str, list[Pair]] = defaultdict(list)
        for pair in mined.held_out:
            asked[pair.document_id].append(pair)
        answers = {number: pair.document_id for pair in mined.held_out for number in shingles(pair.text)}
        self._copies = {
            document.id: _copy(number, document, asked.get(document.id, ()), answers)
            for number, document in enumerate(_pool(mined.documents, asked))
        }

    def texts(self) -> list[str]:
        """What a model has to embed, each text once."""
        chunks = (one for copy in self._copies.values() for one in copy.chunks)
        return list(dict.fromkeys(embedded_text(one.context, one.text) for one in chunks))

    def mark(self, embedder: Embedder, vectors: dict[str, Vector], *, settings: Settings) -> Marks:
        """Ask every question of a search with this model, by meaning alone and in the hybrid way.

        Args:
            vectors: the model's, of all :meth:`texts`.
        """
        with TemporaryDirectory(prefix="footnote-tune-") as place:
            private = settings.model_copy(update={**_PLAIN, "data_dir": Path(place)})
            with Footnote(private, embedder=embedder) as footnote:
                collection = footnote.create_collection(_COLLECTION)
                for copy in self._copies.values():
                    footnote.catalog.put_source(collection.id, [_version(copy, vectors)])
                footnote.indexes.refresh(collection.id)
                dense, hybrid = (self._scores(footnote.retriever, mode) for mode in _MODES)
        return Marks(dense=dense, hybrid=hybrid)

    def _scores(self, retriever: Retriever, mode: SearchMode) -> Scores:
        return np.array([self._score(pair, retriever, mode) for pair in self._pairs])

    def _score(self, pair: Pair, retriever: Retriever, mode: SearchMode) -> float:
        result = retriever.retrieve(
            pair.query, collection=_COLLECTION, k=DEPTH, access=Access.everything(), mode=mode
        )
        ranks = (
            rank for rank, passage in enumerate(result.passages, start=1) if self._answers(passage, pair)
        )
        rank = next(ranks, None)
        return 0.0 if rank is None else 1 / math.log2(1 + rank)

    def _answers(self, passage: Passage, pair: Pair) -> bool:
        """Whether the passage is of the right document and, but for a title, of the right chunk."""
        copy = self._copies[pair.document_id]
        if passage.source_uri != copy.name:
            return False
        return pair.kind is PairKind.TITLE or any(
            one.ordinal == pair.ordinal and one.start < passage.end and passage.start < one.end
            for one in copy.chunks
        )


def gain(before: Scores, after: Scores) -> tuple[float, float]:
    """Mean gain, and the bound that it exceeds with 95 % confidence: bootstrap over the paired queries."""
    differences = after - before
    draws = np.random.default_rng(_SEED).choice(differences, (_DRAWS, len(differences))).mean(axis=1)
    return float(differences.mean()), float(np.quantile(draws, 1 - CONFIDENCE))


def is_better(before: Marks, after: Marks) -> bool:
    """Whether search by meaning and hybrid search both gain more than chance explains."""
    return all(
        gain(one, other)[1] > 0 for one, other in ((before.dense, after.dense), (before.hybrid, after.hybrid))
    )


def _pool(
    documents: Sequence[OutlinedDocument], asked: Mapping[str, Sequence[Pair]]
) -> Iterator[OutlinedDocument]:
    """The held-out documents, then others in the order of a draw, until there are enough chunks."""
    drawn = sorted(documents, key=lambda one: (one.id not in asked, zlib.crc32(one.path.encode())))
    chunks = 0
    for document in drawn:
        if document.id in asked or chunks < POOL_CHUNKS:
            chunks += len(document.chunks)
            yield document


def _copy(number: int, document: OutlinedDocument, asked: Sequence[Pair], answers: dict[int, str]) -> _Copy:
    """The document without what it is asked with, and without others' answers."""
    name = f"{number:06d}"  # a telling one would be searched
    is_by_title = any(pair.kind is PairKind.TITLE for pair in asked)
    chunks: list[_Chunk] = []
    text = ""
    for chunk in document.chunks:
        context, rest, heading = chunk.context, chunk.text, chunk.heading
        for pair in asked:
            context, rest = conceal(context, rest, pair)
            heading, _ = conceal(heading, "", pair)
        if not words(rest) or _repeats(chunk.text, answers, document.id):
            continue
        start, text = len(text), text + rest
        chunks.append(
            _Chunk(
                ordinal=chunk.ordinal, start=start, end=len(text), context=context, text=rest, heading=heading
            )
        )
        text += "\n\n"
    return _Copy(
        name=name,
        title=name if is_by_title else document.title,
        language=document.language,
        text=text,
        chunks=tuple(chunks),
    )


def _repeats(text: str, answers: dict[int, str], document_id: str) -> bool:
    """Whether most of the text stands in another document's answer."""
    numbers = shingles(text)
    repeated = sum(answers.get(number, document_id) != document_id for number in numbers)
    return repeated > SAME_TEXT * len(numbers)


def _version(copy: _Copy, vectors: dict[str, Vector]) -> NewVersion:
    return NewVersion(
        root=_COLLECTION,
        path=copy.name,
        source_uri=copy.name,
        sha256="",
        size=len(copy.text),
        mtime_ns=0,
        media_type="text/plain",
        title=copy.title,
        language=copy.language,
        text=copy.text,
        chunks=tuple(
            NewChunk(
                ordinal=place,
                start=one.start,
                end=one.end,
                text=one.text,
                heading=one.heading,
                page=None,
                context=one.context,
                tokens=0,
                vector=vectors[embedded_text(one.context, one.text)],
            )
            for place, one in enumerate(copy.chunks)
        ),
    )
