"""``footnote collections list|create|delete``."""

from __future__ import annotations

from typing import Annotated

import typer

from api.console import AsJson, DataDir, command
from api.schemas.library import CollectionBody
from api.terminal import show_table

app = typer.Typer(help="List, create and delete collections.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="Name of the collection.")]


@app.command("list")
def list_collections(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List the collections with their counts.

    Example: footnote collections list
    """
    with command(as_json=as_json, data_dir=data_dir) as run:
        found = run.footnote.catalog.collections()
        if as_json:
            run.print_json({"items": [CollectionBody.of(collection).to_json() for collection in found]})
        elif not found:
            run.out.print("No collection yet: footnote ingest FOLDER creates one.", markup=False)
        else:
            rows = [(one.name, one.documents, one.chunks, one.created_at.date()) for one in found]
            show_table(run.out, ("name", "documents", "chunks", "created"), rows)


@app.command("create")
def create_collection(name: Name, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Create an empty collection.

    Example: footnote collections create handbook
    """
    with command(as_json=as_json, data_dir=data_dir) as run:
        created = run.footnote.create_collection(name)
        if as_json:
            run.print_json(CollectionBody.of(created).to_json())
        else:
            run.out.print(f"Created the collection {name!r}.", markup=False)


@app.command("delete")
def remove_collection(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Delete a collection with all it holds; source files stay.

    Example: footnote collections delete handbook --yes
    """
    with command(as_json=as_json, data_dir=data_dir) as run:
        from api.deleting import delete_collection

        run.footnote.catalog.collection(name)
        if not yes and not as_json:
            typer.confirm(f"Delete the collection {name!r} and all it holds?", abort=True, err=True)
        removed = delete_collection(run.footnote, name)
        if as_json:
            run.print_json(removed.to_json())
        else:
            run.out.print(f"Deleted {name!r} with {removed.documents_removed:,} documents.", markup=False)
