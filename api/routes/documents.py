"""/v1/documents: list, show, read and remove documents."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.deleting import delete_document
from api.dependencies import AskerAccess, Cursor, FootnoteParts, Limit, decode_cursor, encode_cursor
from api.errors import problems
from api.schemas.base import Page
from api.schemas.library import ChunkBody, ChunksBody, ContentBody, DeletedDocument, DocumentBody

router = APIRouter(prefix="/v1/documents", tags=["documents"])


@router.get("", responses=problems(404))
def list_documents(
    footnote: FootnoteParts,
    access: AskerAccess,
    collection: Annotated[str | None, Query(description="Unset: the default collection.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[DocumentBody]:
    """The documents of a collection, page by page."""
    found = footnote.catalog.collection(collection or footnote.settings.collection)
    rows = footnote.catalog.documents(found.id, access=access, limit=limit + 1, after=decode_cursor(cursor))
    return Page(
        items=[DocumentBody.of(document, found.name) for document in rows[:limit]],
        next_cursor=encode_cursor(rows[limit - 1].id) if len(rows) > limit else None,
    )


@router.get("/{document_id}", responses=problems(404))
def show_document(document_id: str, footnote: FootnoteParts, access: AskerAccess) -> DocumentBody:
    """One document's current version, without its text."""
    document = footnote.catalog.document(document_id, access=access)
    return DocumentBody.of(document, footnote.catalog.collection_by_id(document.collection_id).name)


@router.delete("/{document_id}", responses=problems(404, 503, 507))
def remove_document(document_id: str, footnote: FootnoteParts, access: AskerAccess) -> DeletedDocument:
    """Remove a document with all its versions; it is out of every search when this answers."""
    return delete_document(footnote, document_id, access=access)


@router.get("/{document_id}/content", responses=problems(404))
def read_content(
    document_id: str,
    footnote: FootnoteParts,
    access: AskerAccess,
    version: Annotated[int | None, Query(ge=1, description="Unset: the current one.")] = None,
) -> ContentBody:
    """The stored text that citations point into: `text[start:end]` is a citation's quote."""
    return ContentBody.of(footnote.catalog.content(document_id, access=access, version=version))


@router.get("/{document_id}/chunks", responses=problems(404))
def list_chunks(document_id: str, footnote: FootnoteParts, access: AskerAccess) -> ChunksBody:
    """The chunks of a document's current version, in order."""
    chunks = footnote.catalog.document_chunks(document_id, access=access)
    return ChunksBody(document_id=document_id, items=[ChunkBody.of(chunk) for chunk in chunks])
