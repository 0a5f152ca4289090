"""BM25 over tantivy: one field per language, one for identifiers, terms OR-ed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from tantivy import Document, Index, Occur, Query, Schema, SchemaBuilder

from rag.domain import ChunkIds, Hit, IndexChunk, embedded_text
from rag.errors import IndexDamaged
from rag.index.analysis import IDENTIFIER, OTHER, STEMMED, analyzers, field_for

_ID = "chunk_id"
_TEXT_FIELDS = (*STEMMED, OTHER)
_WRITER_MEMORY = 64 << 20
_MARGIN = 1.5  # more hits than needed on average, so that a second block is rare
_COST_OF_HIT = 2  # to read a hit takes as long as to let tantivy look at two allowed chunks


def _schema() -> Schema:
    builder = SchemaBuilder().add_unsigned_field(_ID, indexed=True, fast=True)
    for name in (*_TEXT_FIELDS, IDENTIFIER):
        builder = builder.add_text_field(name, tokenizer_name=name, index_option="freq")
    return builder.build()


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

    def search(self, query: str, k: int, *, allowed: ChunkIds | None) -> list[Hit]:
        """Best BM25 scores first; the query's terms are matched in every language's field.

        With ``allowed`` it finds what is left of an unlimited search's hits, in the same order. Where so many
        are allowed that ``k`` of them are soon met, hits are read in growing blocks; else, or where the query
        matches fewer of them than expected, tantivy looks at the allowed chunks only.
        """
        parsed = self._parse(query)
        if parsed is None or k <= 0 or (allowed is not None and not allowed.size):
            return []
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
        return self._block(self._only(allowed, parsed), limit=k, offset=0)

    def _only(self, allowed: ChunkIds, query: Query) -> Query:
        """The query limited to the allowed chunks, without a change to any score."""
        chosen = Query.term_set_query(self._index.schema, _ID, allowed.tolist())
        return Query.boolean_query([(Occur.Must, query), (Occur.Must, Query.const_score_query(chosen, 0.0))])

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
        schema = self._index.schema
        clauses = [
            (Occur.Should, Query.term_query(schema, name, term, index_option="freq"))
            for name in (*_TEXT_FIELDS, IDENTIFIER)
            for term in dict.fromkeys(analyzers()[name].analyze(query))
        ]
        return Query.boolean_query(clauses) if clauses else None


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
    return document
