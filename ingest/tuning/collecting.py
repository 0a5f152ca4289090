"""All pairs of a collection: without copies, with queries that mean one thing, split by document."""

from __future__ import annotations

import math
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from ingest.layout import stored_document
from ingest.tuning.pairs import OutlinedDocument, Pair, PairKind, mine, without_query, words
from rag.domain import Access, Collection
from rag.errors import TooFewPairs
from rag.interfaces import Catalog

NEEDED_TRAINING = 100
NEEDED_HELD_OUT = 20
HELD_OUT_SHARE = 0.2
"""Of the documents that have pairs."""

SAME_TEXT = 0.5
"""Share of common shingles from which on two texts count as one."""

_MAX_CHUNKS = 20_000  # of a larger collection, that many are enough to learn from
_MAX_PAIRS = 12_000
_MAX_HELD_OUT = 300
_MAX_OF_ONE_DOCUMENT = 25  # held out: one long document must not decide alone
_SHINGLE_WORDS = 5
_SAMPLED = 4  # one shingle of so many stands for all of them
_MEANING_LETTERS = 3
_PAGE = 100
_EVERYTHING = Access.everything()

_BY_SECTION = frozenset((PairKind.HEADING, PairKind.QUESTION, PairKind.TERM, PairKind.SENTENCE))
_BY_TITLE = frozenset((PairKind.TITLE, PairKind.SENTENCE))
_TURNS = (_BY_SECTION, _BY_SECTION, _BY_SECTION, _BY_TITLE)
"""Three of four held-out documents are asked for by their sections, one by its title."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MinedPairs:
    """What a collection gives to learn from, and to be judged by.

    Attributes:
        training: no text of theirs is in a document that was held out.
        held_out: of each held-out document, pairs of one group of kinds: what is asked by its title still has
            its headings, and the other way round.
        documents: those read, the shortest first.
    """

    training: tuple[Pair, ...]
    held_out: tuple[Pair, ...]
    documents: tuple[OutlinedDocument, ...]


def collect(catalog: Catalog, collection: Collection) -> MinedPairs:
    """Mine the collection; the same documents give the same pairs and the same split.

    Raises:
        TooFewPairs: there is too little to learn from or to judge by.
    """
    documents = sorted(read_documents(catalog, collection), key=lambda one: (len(one.text), one.path))
    pairs = distinct(chain.from_iterable(map(mine, documents)))
    training, held_out = split(pairs, {one.id: one.path for one in documents})
    if len(training) < NEEDED_TRAINING or len(held_out) < NEEDED_HELD_OUT:
        raise TooFewPairs(
            f"The {len(documents):,} documents of {collection.name!r} give {len(training):,} pairs of a "
            f"question and its text to learn from and {len(held_out):,} to judge by; {NEEDED_TRAINING} and "
            f"{NEEDED_HELD_OUT} are needed. Titles, headings, questions and first sentences make pairs: "
            "ingest more documents that have them."
        )
    return MinedPairs(training=tuple(training), held_out=tuple(held_out), documents=tuple(documents))


def read_documents(catalog: Catalog, collection: Collection) -> Iterator[OutlinedDocument]:
    """The collection's documents with their outlines, until enough chunks are read."""
    after, read = None, 0
    while page := catalog.documents(collection.id, access=_EVERYTHING, limit=_PAGE, after=after):
        for document in page:
            stored = stored_document(catalog.content(document.id, access=_EVERYTHING))
            chunks = tuple(catalog.document_chunks(document.id, access=_EVERYTHING))
            read += len(chunks)
            yield OutlinedDocument(
                id=document.id,
                path=f"{document.path}!{document.part}",
                title=stored.title,
                language=document.language,
                text=stored.text,
                blocks=stored.blocks,
                chunks=chunks,
            )
            if read >= _MAX_CHUNKS:
                return
        after = page[-1].id


def distinct(pairs: Iterable[Pair]) -> list[Pair]:
    """The pairs without texts that other documents repeat and queries that several texts would answer."""
    once = list(_without_copies(pairs))
    named = [_with_parent(pair) if is_shared else pair for pair, is_shared in _shared_queries(once)]
    clear = [pair for pair, is_shared in _shared_queries(named) if not is_shared and _means_something(pair)]
    return _thinned(clear, _MAX_PAIRS)


def split(pairs: Sequence[Pair], paths: dict[str, str]) -> tuple[list[Pair], list[Pair]]:
    """Training and held-out pairs, by document: which ones depends on their paths alone."""
    of_document: defaultdict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        of_document[pair.document_id].append(pair)
    drawn = sorted(of_document, key=lambda document_id: _draw(paths[document_id]))
    chosen = frozenset(drawn[: math.ceil(len(drawn) * HELD_OUT_SHARE)])
    held_out = [pair for one in drawn if one in chosen for pair in _asked(of_document[one], paths[one])]
    training = [pair for pair in pairs if pair.document_id not in chosen]
    return training, _thinned(held_out, _MAX_HELD_OUT)


def shingles(text: str) -> list[int]:
    """A sample of the text's runs of five words, as numbers; always the same sample."""
    found = words(text)
    runs = (
        " ".join(found[start : start + _SHINGLE_WORDS]) for start in range(len(found) - _SHINGLE_WORDS + 1)
    )
    return [number for run in runs if (number := zlib.crc32(run.encode())) % _SAMPLED == 0]


def _without_copies(pairs: Iterable[Pair]) -> Iterator[Pair]:
    """Pairs whose text is not mostly that of an earlier document."""
    first: dict[int, str] = {}
    for pair in pairs:
        numbers = shingles(pair.text)
        copied = sum(first.get(number, pair.document_id) != pair.document_id for number in numbers)
        if not numbers or copied <= SAME_TEXT * len(numbers):
            for number in numbers:
                first.setdefault(number, pair.document_id)
            yield pair


def _shared_queries(pairs: Sequence[Pair]) -> list[tuple[Pair, bool]]:
    """Each pair, and whether its query stands for another text too; a title may for its whole document."""
    answers: defaultdict[str, set[tuple[str, int]]] = defaultdict(set)
    for pair in pairs:
        place = -1 if pair.kind is PairKind.TITLE else pair.ordinal
        answers[_key(pair.query)].add((pair.document_id, place))
    return [(pair, len(answers[_key(pair.query)]) > 1) for pair in pairs]


def _with_parent(pair: Pair) -> Pair:
    """``Checklist`` under ``Accessibility`` asks for ``Accessibility: Checklist``."""
    if not pair.parent:
        return pair
    context, text = without_query(pair.context, pair.text, pair.parent)
    return replace(
        pair,
        query=f"{pair.parent}: {pair.query}",
        parent="",
        context=context,
        text=text,
        hidden=(*pair.hidden, pair.parent),
    )


def _means_something(pair: Pair) -> bool:
    """Whether the query has at least two words, one of them no number."""
    found = words(pair.query)
    return len(found) > 1 and any(word.isalpha() and len(word) >= _MEANING_LETTERS for word in found)


def _asked(pairs: Sequence[Pair], path: str) -> list[Pair]:
    """Of a held-out document the pairs of one group of kinds, one for each query."""
    kinds = _TURNS[_draw(f"kinds of {path}") % len(_TURNS)]
    chosen = [pair for pair in pairs if pair.kind in kinds] or pairs
    return _thinned(list({_key(pair.query): pair for pair in chosen}.values()), _MAX_OF_ONE_DOCUMENT)


def _thinned(pairs: list[Pair], limit: int) -> list[Pair]:
    """At most ``limit`` of them, drawn by their queries, in order."""
    if len(pairs) <= limit:
        return pairs
    kept = sorted(range(len(pairs)), key=lambda place: _draw(pairs[place].query))[:limit]
    return [pairs[place] for place in sorted(kept)]


def _key(query: str) -> str:
    return " ".join(words(query))


def _draw(text: str) -> int:
    return zlib.crc32(text.encode())
