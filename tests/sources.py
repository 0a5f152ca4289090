"""Document versions for tests: a chunk per paragraph, vectors from the hashed bag of words."""

from __future__ import annotations

import hashlib
from typing import Any

from rag.domain import Document, NewChunk, NewVersion
from rag.interfaces import Catalog
from rag.text.sentences import split_sentences
from tests.fakes import HashedEmbedder

EMBEDDER = HashedEmbedder(dimension=32)
ROOT = "/srv/handbook"


def new_version(path: str, text: str, *, embedder: HashedEmbedder = EMBEDDER, **facts: Any) -> NewVersion:
    """The file ``path`` with ``text``, a chunk per sentence; ``facts`` replace fields of the version."""
    chunks = []
    for ordinal, (start, end) in enumerate(split_sentences(text)):
        chunk = NewChunk(
            ordinal=ordinal,
            start=start,
            end=end,
            text=text[start:end],
            heading="Leave > Annual",
            page=ordinal + 1,
            context=f"{path} > Leave",
            tokens=len(embedder.token_offsets(text[start:end])),
            vector=embedder.embed_documents([text[start:end]])[0],
        )
        chunks.append(chunk)
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    fields: dict[str, Any] = {
        "root": ROOT,
        "path": path,
        "source_uri": f"file://{ROOT}/{path}",
        "sha256": sha256,
        "size": len(text.encode()),
        "mtime_ns": 1_700_000_000_000_000_000,
        "media_type": "text/plain",
        "title": path,
        "language": "en",
        "text": text,
        "chunks": tuple(chunks),
    }
    return NewVersion(**(fields | facts))


def put(catalog: Catalog, collection_id: str, version: NewVersion) -> Document:
    """Store a file that holds one document."""
    return catalog.put_source(collection_id, [version])[0]
