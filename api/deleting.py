"""Removing documents and collections from the catalog and the indexes alike."""

from __future__ import annotations

import numpy as np

from api.schemas.library import DeletedCollection, DeletedDocument
from rag.domain import Access, Collection, JobState
from rag.errors import Busy
from rag.factory import Footnote


def delete_document(footnote: Footnote, document_id: str, *, access: Access) -> DeletedDocument:
    """Remove a document; no search finds it once this returns.

    Raises:
        DocumentNotFound: unknown, or not visible.
    """
    catalog, indexes = footnote.catalog, footnote.indexes
    document = catalog.document(document_id, access=access)
    collection = collection_by_id(footnote, document.collection_id)
    chunk_ids = [chunk.id for chunk in catalog.document_chunks(document_id, access=access)]
    nowhere = np.zeros(collection.dimension, dtype=np.float32)
    before = indexes.snapshot(collection).dense.similarities(nowhere, chunk_ids)
    removed = catalog.delete_document(document_id, access=access)
    after = indexes.refresh(collection.id).dense.similarities(nowhere, chunk_ids)
    return DeletedDocument(chunks_removed=removed, vectors_removed=len(before) - len(after))


def delete_collection(footnote: Footnote, name: str) -> DeletedCollection:
    """Remove a collection with its documents and index files.

    Raises:
        CollectionNotFound: there is none of that name.
        Busy: a job is ingesting into it.
    """
    collection = footnote.catalog.collection(name)
    active = {JobState.QUEUED, JobState.RUNNING}
    for job in footnote.catalog.jobs(limit=100):
        if job.collection == name and job.state in active:
            raise Busy(
                f"Collection {name!r} is being ingested by job {job.id}; cancel it or wait, then try again."
            )
    removed = footnote.catalog.delete_collection(name)
    footnote.indexes.drop(collection.id)
    return DeletedCollection(documents_removed=removed)


def collection_by_id(footnote: Footnote, collection_id: str) -> Collection:
    """The collection a document belongs to."""
    return next(found for found in footnote.catalog.collections() if found.id == collection_id)
