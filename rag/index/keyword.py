"""BM25 over tantivy: one field per language, one for identifiers, one for what documents are called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from tantivy import Document, Index, Occur, Query, Schema, SchemaBuilder

from rag.domain import ChunkIds, Hit, IndexChunk, embedded_text
from rag.errors import IndexDamaged
from rag.index.analysis import IDENTIFIER, OTHER, STEMMED, analyzers, content_words, field_for

_ID = "chunk_id"
_CARD = "card"
_TEXT_FIELDS = (*STEMMED, OTHER)
_MATCHED_FIELDS = (*_TEXT_FIELDS, IDENTIFIER)
_WRITER_MEMORY = 64 << 20
_MARGIN = 1.5  # more hits than needed on average, so that a second block is rare
_COST_OF_HIT = 2  # to read a hit takes as long as to let tantivy look at two allowed chunks
_SHORTEST_MISSPELT = 5  # characters; shorter words are one letter away from too many others
_MISSPELT_SCORE = 3.0  # of a word found under another spelling; BM25 gives a rare word three times as much


def _schema() -> Schema:
    builder = SchemaBuilder().add_unsigned_field(_ID, indexed=True, fast=True)
    for name in _MATCHED_FIELDS:
        builder = builder.add_text_field(name, tokenizer_name=name, index_option="freq")
    return builder.add_text_field(_CARD, tokenizer_name=OTHER, index_option="basic").build()


def _open(folder: Path) -> Index:
    index = Index(_schema(), path=str(folder))
    for name, analyzer in analyzers().items():
        index.register_tokenizer(name, analyzer)
    return index


class TantivyIndex:
    """Read side of a keyword index folder that no longer changes."""

    def __init__(self, folder: Path) -> None:
        try:
            self._index = _open(folder)
            self._searcher = self._index.searcher()
        except (ValueError, OSError) as exc:
            raise IndexDamaged(f"tantivy cannot open {folder.name}: {exc}.") from exc

    @property
    def count(self) -> int:
        """Live chunks."""
        return int(self._searcher.num_docs)

    def search(
        self, query: str, k: int, *, allowed: ChunkIds | None, naming: Sequence[str] = ()
    ) -> list[Hit]:
        """Best BM25 scores first; the query's terms are matched in every language's field.

        With ``allowed`` it finds what is left of an unlimited search's hits, in the same order. Where so many
        are allowed that ``k`` of them are soon met, hits are read in growing blocks; else, or where the query
        matches fewer of them than expected, tantivy looks at the allowed chunks only.
        """
        parsed = self._parse(query)
        if parsed is None or k <= 0 or (allowed is not None and not allowed.size):
            return []
        for word in naming:
            parsed = _limited(parsed, self._any_term([_CARD], word))
        if allowed is None:
            return self._block(parsed, limit=k, offset=0)
        found: list[Hit] = []
        offset, limit = 0, int(_MARGIN * k * max(1.0, self.count / allowed.size)) + 1
        while limit * _COST_OF_HIT < allowed.size:
            block = self._block(parsed, limit=limit, offset=offset)
            ids = np.array([hit.chunk_id for hit in block], dtype=np.int64)
            places = np.minimum(np.searchsorted(allowed, ids), allowed.size - 1)
            found += [hit for hit, same in zip(block, allowed[places] == ids, strict=True) if same]
            if len(found) >= k or len(block) < limit:
                return found[:k]
            offset, limit = offset + limit, limit * 4
        return self._block(_limited(parsed, self._among(allowed.tolist())), limit=k, offset=0)

    def chunk_counts(self, words: Sequence[str]) -> list[int]:
        """In how many chunks each word stands, in any form that a language's analysis takes for the same."""
        return [
            sum(self._searcher.doc_freq(name, term) for name, term in self._terms(_TEXT_FIELDS, word))
            for word in words
        ]

    def naming(self, words: Sequence[str]) -> list[str]:
        """Those of ``words`` that stand in titles or paths, but not in those of most chunks' documents."""
        most = self.count / 2
        return [
            word
            for word in words
            if any(0 < self._searcher.doc_freq(_CARD, term) <= most for _, term in self._terms([_CARD], word))
        ]

    def held_weights(self, weights: Mapping[str, float], chunk_ids: Sequence[int]) -> dict[int, float]:
        """The sum of the weights (above 0) of the words that each chunk holds; chunks without any: absent."""
        held = [
            (Occur.Should, Query.const_score_query(self._any_term(_TEXT_FIELDS, word), weight))
            for word, weight in weights.items()
        ]
        if not held or not chunk_ids:
            return {}
        query = _limited(Query.boolean_query(held), self._among(chunk_ids))
        return {hit.chunk_id: hit.score for hit in self._block(query, limit=len(chunk_ids), offset=0)}

    def _among(self, chunk_ids: Sequence[int]) -> Query:
        return Query.term_set_query(self._index.schema, _ID, list(chunk_ids))

    def _block(self, query: Query, *, limit: int, offset: int) -> list[Hit]:
        result = self._searcher.search(query, limit=limit, offset=offset, count=False)
        addresses = [address for _, address in result.hits]
        ids = self._searcher.fast_field_values(_ID, addresses) if addresses else []
        return [
            Hit(chunk_id=int(chunk_id), score=float(score))
            for (score, _), chunk_id in zip(result.hits, ids, strict=True)
            if chunk_id is not None
        ]

    def _parse(self, query: str) -> Query | None:
        clauses = [
            (Occur.Should, self._clause(name, term)) for name, term in self._terms(_MATCHED_FIELDS, query)
        ]
        clauses += [(Occur.Should, clause) for clause in self._other_spellings(query)]
        return Query.boolean_query(clauses) if clauses else None

    def _other_spellings(self, query: str) -> list[Query]:
        """Words that nothing matches, one letter changed, added, left out or swapped with the next."""
        words = [word for word in content_words(query, OTHER) if len(word) >= _SHORTEST_MISSPELT]
        unknown = [word for word, chunks in zip(words, self.chunk_counts(words), strict=True) if not chunks]
        return [
            Query.boost_query(
                Query.fuzzy_term_query(self._index.schema, name, term, distance=1), _MISSPELT_SCORE
            )
            for word in unknown
            if word.isalpha()
            for name, term in self._terms(_TEXT_FIELDS, word)
        ]

    def _clause(self, name: str, term: str) -> Query:
        return Query.term_query(self._index.schema, name, term, index_option="freq")

    def _any_term(self, fields: Iterable[str], word: str) -> Query:
        return Query.boolean_query(
            [(Occur.Should, self._clause(name, term)) for name, term in self._terms(fields, word)]
        )

    @staticmethod
    def _terms(fields: Iterable[str], text: str) -> list[tuple[str, str]]:
        """Field and term, each once, of the text under every field's analyzer."""
        return [
            (name, term)
            for name in fields
            for term in dict.fromkeys(analyzers()[OTHER if name == _CARD else name].analyze(text))
        ]


def _limited(query: Query, to: Query) -> Query:
    """The query's hits that ``to`` matches too, without a change to any score."""
    return Query.boolean_query([(Occur.Must, query), (Occur.Must, Query.const_score_query(to, 0.0))])


def write_keyword_index(folder: Path, *, added: Iterable[list[IndexChunk]], removed: ChunkIds) -> None:
    """Apply additions and removals to the index in ``folder`` (an empty folder: a new index) and commit.

    Raises:
        ValueError, OSError: as tantivy reports a failing disk; the caller translates them.
    """
    index = _open(folder)
    writer = index.writer(heap_size=_WRITER_MEMORY, num_threads=1)
    if removed.size:  # by query: deleting by term silently finds no unsigned number
        writer.delete_documents_by_query(Query.term_set_query(index.schema, _ID, removed.tolist()))
    for batch in added:
        for chunk in batch:
            writer.add_document(_document(chunk))
    writer.commit()
    writer.wait_merging_threads()


def _document(chunk: IndexChunk) -> Document:
    text = embedded_text(chunk.context, chunk.text)
    document = Document()
    document.add_unsigned(_ID, chunk.id)
    document.add_text(field_for(chunk.language), text)
    document.add_text(IDENTIFIER, text)
    document.add_text(_CARD, chunk.card)
    return document
