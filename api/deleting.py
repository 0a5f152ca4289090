"""Removing documents and collections from the catalog, the indexes and the uploads alike."""

from __future__ import annotations

import shutil

import numpy as np

from api.schemas.library import DeletedCollection, DeletedDocument
from api.uploads import forget_file
from ingest.lock import collection_lock
from ingest.sources import UploadSource
from ingest.uploads import uploads_of
from rag.domain import Access, JobState
from rag.embedding.tuned_models import models_folder
from rag.factory import Footnote

LOCKS = "locks"
ALL_JOBS = 1_000_000


def delete_document(footnote: Footnote, document_id: str, *, access: Access) -> DeletedDocument:
    """Remove a document; no search finds it once this returns.

    Raises:
        DocumentNotFound: unknown, or not visible.
    """
    catalog, indexes = footnote.catalog, footnote.indexes
    document = catalog.document(document_id, access=access)
    collection = footnote.catalog.collection_by_id(document.collection_id)
    chunk_ids = [chunk.id for chunk in catalog.document_chunks(document_id, access=access)]
    nowhere = np.zeros(collection.dimension, dtype=np.float32)
    before = indexes.snapshot(collection).dense.similarities(nowhere, chunk_ids)
    removed = catalog.delete_document(document_id, access=access)
    after = indexes.refresh(collection.id).dense.similarities(nowhere, chunk_ids)
    is_uploaded = document.root == UploadSource.root
    if is_uploaded and document.path not in catalog.source_states(collection.id, document.root):
        forget_file(uploads_of(footnote.settings.data_dir, collection.name), document.path)
    return DeletedDocument(chunks_removed=removed, vectors_removed=len(before) - len(after))


def delete_collection(footnote: Footnote, name: str) -> DeletedCollection:
    """Remove a collection with its documents, index files, uploads, tuned models and waiting jobs.

    Raises:
        CollectionNotFound: there is none of that name.
        Busy: an ingestion into it is running.
    """
    catalog = footnote.catalog
    collection = catalog.collection(name)
    with collection_lock(footnote.settings.data_dir / LOCKS, collection):
        for job in catalog.jobs(states=[JobState.QUEUED], collection=name, limit=ALL_JOBS):
            catalog.update_job(job.id, state=JobState.CANCELLED)  # or it would bring the collection back
        removed = catalog.delete_collection(name)
        footnote.indexes.drop(collection.id)
        shutil.rmtree(uploads_of(footnote.settings.data_dir, name), ignore_errors=True)
        shutil.rmtree(models_folder(footnote.settings.data_dir, collection.id), ignore_errors=True)
    return DeletedCollection(documents_removed=removed)
