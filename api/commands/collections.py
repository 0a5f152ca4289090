"""``footnote collections list|create|delete|reembed``."""

from __future__ import annotations

from typing import Annotated

import typer

from api.console import AsJson, DataDir, command
from api.schemas.library import CollectionBody
from api.terminal import show_table
from rag.domain import Collection
from rag.embedding.tuned_models import is_tuned

app = typer.Typer(help="List, create, delete and re-embed collections.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="Name of the collection.")]
KEPT = (
    "What is re-embedded so far is kept; the old chunks serve until the same command has gone on to the end."
)


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
            rows = [
                (one.name, one.documents, one.chunks, _model(one), one.created_at.date()) for one in found
            ]
            show_table(run.out, ("name", "documents", "chunks", "model", "created"), rows)


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


@app.command("reembed")
def reembed_collection(name: Name, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Bring a collection to the embedding model of the settings; the old chunks serve until all is done.

    Example: footnote collections reembed handbook
    """
    with command(as_json=as_json, data_dir=data_dir, kept=KEPT) as run:
        from api.ingest_progress import ProgressBar
        from ingest.factory import build_reembedder

        collection = run.footnote.catalog.collection(name)
        with ProgressBar(run.err, shown=run.err.is_terminal) as progress:
            result = build_reembedder(run.footnote).run(collection, progress=progress)
        if as_json:
            run.print_json(result.to_json())
        elif result.before.space == result.after.space:
            run.out.print(f"Nothing to do: {name!r} is of this model and chunker.", markup=False)
        else:
            done = f"Re-embedded {result.documents:,} documents of {name!r} in {result.seconds:.1f} s"
            run.out.print(f"{done}; it holds {result.after.chunks:,} chunks.", markup=False)


def _model(collection: Collection) -> str:
    """The short name of the collection's embedding model."""
    name, _, _ = collection.fingerprint.partition(":")
    return f"{name} (tuned)" if is_tuned(collection.embedding_model) else name
