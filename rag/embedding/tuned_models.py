"""Embedding models tuned to one collection: their names, where they lie, and what they were made from.

``DATA_DIR/models/COLLECTION_ID/NAME`` is a model's folder, and ``NAME.json`` beside it is its record. A
collection names its model by ``tuned:COLLECTION_ID/NAME``, so that a data directory can be moved.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rag.domain import Collection
from rag.index.durable import replace, storage_errors
from rag.interfaces import Catalog

_SCHEME = "tuned:"
_FOLDER = "models"


class TuningRecord(BaseModel):
    """What a tuned model was made from, and what its held-out questions said."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base: str = Field(description="Setting of the model that was trained on; undoing goes back to it.")
    pairs: int = Field(description="Pairs it was trained on.")
    held_out: int = Field(description="Pairs kept back to judge it.")
    before: Mapping[str, Any] = Field(description="What the earlier model found of those.")
    after: Mapping[str, Any] = Field(description="What this one finds of them.")


def is_tuned(embedding_model: str) -> bool:
    """Whether the setting recorded with a collection names a tuned model."""
    return embedding_model.startswith(_SCHEME)


def tuned_name(collection: Collection, name: str) -> str:
    """The setting that a collection records for its tuned model ``name``."""
    return f"{_SCHEME}{collection.id}/{name}"


def tuned_folder(data_dir: Path, embedding_model: str) -> Path:
    """Where the tuned model of that setting lies."""
    return data_dir / _FOLDER / embedding_model.removeprefix(_SCHEME)


def models_folder(data_dir: Path, collection_id: str) -> Path:
    """Where all tuned models of a collection lie."""
    return data_dir / _FOLDER / collection_id


def write_record(folder: Path, record: TuningRecord) -> None:
    """Keep ``record`` beside the model's folder, on the disk when this returns."""
    with storage_errors("writing what a tuned model was made from"):
        replace(_record_file(folder), record.model_dump_json(indent=1).encode())


def read_record(folder: Path) -> TuningRecord | None:
    """The record beside a model's folder; ``None`` when it is gone or cannot be read."""
    try:
        return TuningRecord.model_validate_json(_record_file(folder).read_bytes())
    except (OSError, ValidationError):
        return None


def remove_unused(data_dir: Path, catalog: Catalog, collection: Collection) -> int:
    """Remove the collection's tuned models that neither serve nor are being prepared; returns how many.

    For a caller that holds the collection's lock: a training would lose its folder otherwise.
    """
    place = models_folder(data_dir, collection.id)
    if not place.is_dir():
        return 0
    begun = catalog.begun_space(collection.id)
    serving = catalog.collection_by_id(collection.id)
    kept = {tuned_folder(data_dir, one.embedding_model).name for one in (serving, begun) if one is not None}
    unused = [path for path in place.iterdir() if path.name.removesuffix(".json") not in kept]
    for path in unused:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return sum(not path.name.endswith(".json") for path in unused)


def _record_file(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.json")
