"""GET and POST /v1/collections, GET and DELETE /v1/collections/{name}."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.deleting import delete_collection
from api.dependencies import FootnoteParts
from api.errors import problems
from api.schemas.base import Page
from api.schemas.library import CollectionBody, DeletedCollection, NewCollection

router = APIRouter(prefix="/v1/collections", tags=["collections"])


@router.get("", responses=problems())
def list_collections(footnote: FootnoteParts) -> Page[CollectionBody]:
    """All collections, by name."""
    items = [CollectionBody.of(collection) for collection in footnote.catalog.collections()]
    return Page(items=items, next_cursor=None)


@router.post("", status_code=201, responses=problems(409))
def create_collection(body: NewCollection, response: Response, footnote: FootnoteParts) -> CollectionBody:
    """Create an empty collection for the server's embedding model."""
    collection = footnote.create_collection(body.name)
    response.headers["Location"] = f"/v1/collections/{collection.name}"
    return CollectionBody.of(collection)


@router.get("/{name}", responses=problems(404))
def show_collection(name: str, footnote: FootnoteParts) -> CollectionBody:
    """One collection with its counts."""
    return CollectionBody.of(footnote.catalog.collection(name))


@router.delete("/{name}", responses=problems(404, 409))
def remove_collection(name: str, footnote: FootnoteParts) -> DeletedCollection:
    """Remove a collection and all it holds; source files outside the server's uploads stay."""
    return delete_collection(footnote, name)
