"""``footnote documents list|show|delete``."""

from __future__ import annotations

from typing import Annotated

import typer

from api.console import AsJson, CollectionName, DataDir, command
from api.schemas.library import ContentBody, DocumentBody
from api.terminal import show_table
from rag.domain import Access

app = typer.Typer(help="List, show and delete documents.", no_args_is_help=True)
DocumentId = Annotated[str, typer.Argument(help="Id of the document, from `footnote documents list`.")]
_BATCH = 500


@app.command("list")
def list_documents(
    collection: CollectionName = None, as_json: AsJson = False, data_dir: DataDir = None
) -> None:
    """List the documents of a collection.

    Example: footnote documents list --collection handbook
    """
    with command(as_json=as_json, data_dir=data_dir) as run:
        catalog = run.footnote.catalog
        found = catalog.collection(collection or run.collection)
        documents = catalog.documents(found.id, access=Access.everything(), limit=_BATCH)
        while documents and (
            more := catalog.documents(
                found.id, access=Access.everything(), limit=_BATCH, after=documents[-1].id
            )
        ):
            documents += more
        if as_json:
            run.print_json(
                {"items": [DocumentBody.of(document, found.name).to_json() for document in documents]}
            )
        else:
            rows = [(one.id, one.title, one.path, one.language, one.chunks) for one in documents]
            show_table(run.out, ("id", "title", "path", "language", "chunks"), rows)


@app.command("show")
def show_document(document_id: DocumentId, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Show a document's facts and its stored text.

    Example: footnote documents show 01J…
    """
    with command(as_json=as_json, data_dir=data_dir) as run:
        document = run.footnote.catalog.document(document_id, access=Access.everything())
        content = run.footnote.catalog.content(document_id, access=Access.everything())
        body = DocumentBody.of(document, run.footnote.catalog.collection_by_id(document.collection_id).name)
        if as_json:
            run.print_json(body.to_json() | {"text": ContentBody.of(content).text})
            return
        run.out.print(
            f"{body.title}  (version {body.version}, {body.chunks} chunks)", style="bold", markup=False
        )
        run.out.print(f"{body.source_uri}  {body.media_type}  {body.language}\n", style="dim", markup=False)
        run.out.print(content.text, markup=False)


@app.command("delete")
def remove_document(document_id: DocumentId, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Delete a document from the catalog and the indexes; its source file stays.

    Example: footnote documents delete 01J…
    """
    with command(as_json=as_json, data_dir=data_dir) as run:
        from api.deleting import delete_document

        removed = delete_document(run.footnote, document_id, access=Access.everything())
        if as_json:
            run.print_json(removed.to_json())
        else:
            run.out.print(f"Deleted the document with {removed.chunks_removed} chunks.", markup=False)
